#include "libhookcore/settings/effective.h"

#include <algorithm>
#include <map>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"
#include "libhookcore/base/utf8.h"

namespace hookcore::settings {
namespace {

/// As texts, which Settings hasn't. Those of cnb-dir, scratch-dir and runtime are the machine's.
std::string_view default_of(std::string_view key) {
  static constexpr std::pair<std::string_view, std::string_view> kDefaults[] = {
      {"platform-api", "0.12"}, {"experimental-mode", "warn"}, {"session-idle", "30d"},
      {"scratch", "disk"},      {"enforce", "strict"},         {"log", "info"},
      {"way", "auto"},          {"copy", "reflink"},           {"copy-limit", "1g"}};
  for (const auto& [name, value] : kDefaults) {
    if (name == key) return value;
  }
  return {};
}

void read_over(std::vector<Effective>& all, const std::string& file, const std::string& root) {
  const auto text = read_settings_file(file, root);
  if (!text) return;
  for (const auto& [key, node] : parse_toml(*text)) {
    for (Effective& one : all) {
      if (one.key != key.str()) continue;
      one.value = node.as_string()->get();
      one.file = root + file;
      one.line = node.source().begin.line;
    }
  }
}

/// Bytes of text.
struct Range {
  size_t begin;
  size_t end;
};

/// Where the first line begins: behind a byte order mark, which has no column.
size_t first_byte(std::string_view text) {
  constexpr std::string_view kMark = "\xEF\xBB\xBF";
  return text.starts_with(kMark) ? kMark.size() : 0;
}

/// A column counts characters, from 1.
size_t offset_of(std::string_view text, const toml::source_position& position) {
  size_t at = first_byte(text);
  for (unsigned line = 1; line < position.line; ++line) {
    at = std::min(text.find('\n', at), text.size() - 1) + 1;
  }
  for (unsigned column = 1; column < position.column && at < text.size(); ++column) {
    at += std::max<size_t>(utf8_length(text.substr(at)), 1);
  }
  return at;
}

/// A table's lines are other keys, which would be left to the table before it.
void require_line(const toml::node& node, std::string_view key, const std::string& file) {
  const toml::table* table = node.as_table();
  if ((table == nullptr || table->is_inline()) && !node.is_array_of_tables()) return;
  throw Error(Code::kSettings, quote(key) + " is a table",
              file + ":" + std::to_string(node.source().begin.line), "mend it by hand");
}

/// The value of a key, with its quotes; nullopt: it isn't set.
std::optional<Range> value_of(const std::string& text, std::string_view key,
                              const std::string& file) {
  try {
    const toml::table table = parse_toml(text);
    const toml::node* node = table.get(key);
    if (node == nullptr) return std::nullopt;
    require_line(*node, key, file);
    return Range{offset_of(text, node->source().begin), offset_of(text, node->source().end)};
  } catch (const TomlError& error) {
    throw Error(Code::kSettings, "not TOML: " + error.what, file + ":" + std::to_string(error.line),
                "mend it by hand");
  }
}

size_t line_begin(std::string_view text, size_t at) {
  return at == 0 ? 0 : std::max(text.rfind('\n', at - 1) + 1, first_byte(text));
}

size_t line_end(std::string_view text, size_t at) {
  return std::min(text.find('\n', at), text.size() - 1) + 1;
}

/// "#key = ...", as the file that comes with the package has every key.
bool shows_key(std::string_view line, std::string_view key) {
  const auto skip = [&line](char c) {
    const bool there = line.starts_with(c);
    while (line.starts_with(c)) line.remove_prefix(1);
    return there;
  };
  if (!skip('#')) return false;
  skip(' ');
  if (!line.starts_with(key)) return false;
  line.remove_prefix(key.size());
  skip(' ');
  return line.starts_with('=');
}

/// Where a new line goes: behind the one that shows the key, else to the end.
size_t place_for(std::string_view text, std::string_view key) {
  for (size_t at = first_byte(text); at < text.size(); at = line_end(text, at)) {
    if (shows_key(text.substr(at, line_end(text, at) - at), key)) return line_end(text, at);
  }
  return text.size();
}

/// A basic string; a value that is valid has no control characters.
std::string in_quotes(std::string_view value) {
  std::string text = "\"";
  for (const char c : value) {
    if (c == '"' || c == '\\') text += '\\';
    text += c;
  }
  return text + "\"";
}

void set(std::string& text, const std::string& key, const std::string& value,
         const std::string& file) {
  if (const auto range = value_of(text, key, file)) {
    text.replace(range->begin, range->end - range->begin, in_quotes(value));
    return;
  }
  const size_t place = place_for(text, key);
  const bool open_line = place > first_byte(text) && text[place - 1] != '\n';
  text.insert(place, (open_line ? "\n" : "") + key + " = " + in_quotes(value) + "\n");
}

/// A key that isn't known goes where it is there: it may be why every container is refused.
void unset(std::string& text, const std::string& key, const std::string& file) {
  const auto range = value_of(text, key, file);
  if (!range) return require_key(key, {});
  const size_t begin = line_begin(text, range->begin);
  text.erase(begin, line_end(text, range->end) - begin);
}

/// Before a line of the file is blamed for it.
void check(const Change& change) {
  if (!change.value) return;
  Settings unused;
  set_setting(unused, change.key, *change.value, {});
  if (is_utf8(*change.value)) return;
  throw Error(Code::kSettings, change.key + " is " + quote(*change.value), {},
              "give it in UTF-8: config.toml can hold no other bytes");
}

}  // namespace

std::vector<Effective> effective_settings(const HostUser& user, const SettingsFiles& files) {
  load_settings(user, files);
  std::vector<Effective> all;
  for (const std::string_view key : key_names()) {
    all.push_back({key, std::string(default_of(key)), {}, 0});
  }
  if (!files.system.empty()) read_over(all, files.system, files.root);
  if (!user.rootful && !files.user.empty()) read_over(all, files.user, files.root);
  return all;
}

std::string change_settings(std::string text, const std::vector<Change>& changes,
                            const std::string& file) {
  for (const Change& change : changes) {
    check(change);
    change.value ? set(text, change.key, *change.value, file) : unset(text, change.key, file);
  }
  Settings unused;
  merge_settings(unused, text, file);
  return text;
}

}  // namespace hookcore::settings

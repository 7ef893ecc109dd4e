#include "libhookcore/settings/settings.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <charconv>
#include <iterator>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/base/toml.h"
#include "libhookcore/sys/file.h"

namespace hookcore::settings {

namespace {

constexpr size_t kMaxFile = size_t{1} << 20;
constexpr size_t kMaxPath = 4095;
constexpr size_t kMaxName = 255;

/// One key: what a good value is, and what takes it. set() returns false for a bad one.
struct Key {
  std::string_view name;
  std::string_view expected;
  bool (*set)(Settings&, std::string_view);
};

std::optional<std::string> host_directory(std::string_view text) {
  const bool valid = text.starts_with('/') && text.size() <= kMaxPath && !has_control_bytes(text) &&
                     !has_parent_component(text);
  if (!valid) return std::nullopt;
  std::string path = normalise_path(text);
  return path == "/" ? std::nullopt : std::optional(std::move(path));
}

/// Puts a parsed value into its place; false when there is none.
template <typename Place, typename Value>
bool assign(Place& place, std::optional<Value> value) {
  if (value) place = std::move(*value);
  return value.has_value();
}

std::optional<std::string> if_valid(std::string_view text, bool (*valid)(std::string_view)) {
  return valid(text) ? std::optional(std::string(text)) : std::nullopt;
}

/// A name that is looked for where programs are, or a path.
std::optional<std::string> program(std::string_view text) {
  if (text.starts_with('/')) return host_directory(text);
  const bool valid = !text.empty() && text.size() <= kMaxName && text != "." && text != ".." &&
                     text.find('/') == text.npos && !has_control_bytes(text);
  return valid ? std::optional(std::string(text)) : std::nullopt;
}

/// What "auto" stands for is no value of Way.
bool set_way(WayPolicy& ways, std::string_view text) {
  ways.only = parse_way(text);
  return ways.only || text == "auto";
}

std::optional<CopyRule> parse_copy(std::string_view text) {
  if (text == "never") return CopyRule::kNever;
  if (text == "reflink") return CopyRule::kReflink;
  return text == "always" ? std::optional(CopyRule::kAlways) : std::nullopt;
}

constexpr std::string_view kRuntimeKey = "runtime";

constexpr Key kKeys[] = {
    {"platform-api", "N.M, for example \"0.12\"",
     [](Settings& s, std::string_view text) {
       return assign(s.platform_api, if_valid(text, optin::is_platform_api));
     }},
    {"experimental-mode", "one of error, warn, quiet, silent",
     [](Settings& s, std::string_view text) {
       return assign(s.experimental_mode, if_valid(text, optin::is_experimental_mode));
     }},
    {"cnb-dir", "an absolute path without \"..\"",
     [](Settings& s, std::string_view text) { return assign(s.cnb_dir, host_directory(text)); }},
    {"scratch-dir", "an absolute path without \"..\"",
     [](Settings& s, std::string_view text) {
       return assign(s.scratch_dir, host_directory(text));
     }},
    {"session-idle", "never, or a time such as \"12h\" or \"30d\"",
     [](Settings& s, std::string_view text) {
       return assign(s.session_idle_seconds, parse_idle(text));
     }},
    {"scratch", "disk, tmpfs or tmpfs:SIZE, for example \"tmpfs:512m\"",
     [](Settings& s, std::string_view text) {
       return assign(s.defaults.scratch, optin::parse_scratch(text));
     }},
    {"enforce", "strict or warn",
     [](Settings& s, std::string_view text) {
       return assign(s.defaults.enforce, optin::parse_enforce(text));
     }},
    {"log", "info or debug",
     [](Settings& s, std::string_view text) {
       return assign(s.defaults.debug, optin::parse_log(text));
     }},
    {"runtime", "a program's name, or its absolute path without \"..\"",
     [](Settings& s, std::string_view text) { return assign(s.runtime, program(text)); }},
    {"way", "one of auto, overlay, fuse, reflink, copy",
     [](Settings& s, std::string_view text) { return set_way(s.ways, text); }},
    {"copy", "never, reflink or always",
     [](Settings& s, std::string_view text) { return assign(s.ways.copy, parse_copy(text)); }},
    {"copy-limit", "none, or bytes, for example \"500m\"",
     [](Settings& s, std::string_view text) {
       return assign(s.ways.copy_limit_bytes, parse_copy_limit(text));
     }},
};

std::string place(const std::string& file, const toml::source_region& source) {
  return file + ":" + std::to_string(source.begin.line);
}

std::string joined_names() {
  std::string list;
  for (const Key& key : kKeys) list.append(list.empty() ? "" : ", ").append(key.name);
  return list;
}

[[noreturn]] void refuse_key(std::string_view key, std::string where) {
  const std::string_view near = nearest(key, key_names());
  throw Error(
      Code::kSettings, "unknown key " + quote(key), std::move(where),
      near.empty() ? "the keys are " + joined_names() : "did you mean " + quote(near) + "?");
}

const Key& find_key(std::string_view name, const std::string& where) {
  const auto* known = std::find_if(std::begin(kKeys), std::end(kKeys),
                                   [&](const Key& key) { return key.name == name; });
  if (known == std::end(kKeys)) refuse_key(name, where);
  return *known;
}

/// text: nullopt where the value is no string.
void set_value(Settings& settings, const Key& key, std::optional<std::string_view> text,
               const std::string& where) {
  if (text && key.set(settings, *text)) return;
  throw Error(Code::kSettings, std::string(key.name) + " is " + (text ? quote(*text) : "no string"),
              where, "give " + std::string(key.expected));
}

void merge_key(Settings& settings, const toml::key& key, const toml::node& node,
               const std::string& file) {
  const Key& known = find_key(key.str(), place(file, key.source()));
  const auto* text = node.as_string();
  set_value(settings, known,
            text != nullptr ? std::optional<std::string_view>(text->get()) : std::nullopt,
            place(file, node.source()));
}

/// Root, as this user namespace sees it, is who owns "/".
void check_owner(int fd, const std::string& file) {
  const sys::UniqueFd root = sys::open_at(AT_FDCWD, "/", O_PATH | O_DIRECTORY, sys::Resolve::kHost);
  const uid_t root_uid = sys::stat_fd(root.get(), "/").st_uid;
  const struct stat status = sys::stat_fd(fd, file);
  if (!S_ISREG(status.st_mode)) {
    throw Error(Code::kSettings, "the configuration isn't a regular file", file);
  }
  constexpr mode_t kOthersWrite = S_IWGRP | S_IWOTH;
  if ((status.st_uid == root_uid || status.st_uid == ::geteuid()) &&
      (status.st_mode & kOthersWrite) == 0) {
    return;
  }
  char mode[8];
  std::snprintf(mode, sizeof mode, "%04o", status.st_mode & 07777U);
  throw Error(Code::kSettings,
              "the configuration belongs to uid " + std::to_string(status.st_uid) +
                  " and has mode " + mode + ": somebody else could have written it",
              file, "chown it to root or yourself and chmod it to 0644");
}

void merge_text(Settings& settings, const std::string& text, const std::string& file,
                std::string_view only) {
  try {
    for (const auto& [key, node] : parse_toml(text)) {
      if (only.empty() || key.str() == only) merge_key(settings, key, node, file);
    }
  } catch (const TomlError& error) {
    throw Error(Code::kSettings, "not TOML: " + error.what, file + ":" + std::to_string(error.line),
                "a line is KEY = \"VALUE\", in double quotes, for example scratch = \"tmpfs\"");
  }
}

/// only: the one key that counts; empty: all of them, and no other may be there.
void merge_file(Settings& settings, const std::string& file, std::string_view only,
                const std::string& root) {
  const auto text = read_settings_file(file, root);
  if (text) merge_text(settings, *text, root + file, only);
}

Settings load(const HostUser& user, const SettingsFiles& files, std::string_view only) {
  Settings settings;
  if (!files.system.empty()) merge_file(settings, files.system, only, files.root);
  if (!user.rootful && !files.user.empty()) merge_file(settings, files.user, only, files.root);
  return settings;
}

/// -errno on failure.
int open_file(const std::string& file, const std::string& root) {
  constexpr int kFlags = O_RDONLY | O_NONBLOCK;
  if (root.empty()) return sys::open_at_raw(AT_FDCWD, file, kFlags, sys::Resolve::kHost);
  const sys::UniqueFd directory = sys::open_named(root, O_PATH | O_DIRECTORY, Code::kSettings);
  return sys::open_at_raw(directory.get(), file, kFlags, sys::Resolve::kInRoot);
}

}  // namespace

SettingsFiles settings_files(const HostUser& user) {
  const bool has_user_file = !user.rootful && !user.home.empty();
  return {kSystemFile, has_user_file ? user.home + "/" + kUserFile : std::string()};
}

std::optional<std::string> read_settings_file(const std::string& file, const std::string& root) {
  const std::string name = root + file;
  const int opened = open_file(file, root);
  if (opened == -ENOENT || opened == -ENOTDIR) return std::nullopt;
  if (opened < 0) throw SystemError("open", name, -opened, Code::kSettings);
  const sys::UniqueFd fd(opened);
  check_owner(fd.get(), name);
  return sys::read_all(fd.get(), kMaxFile, name, Code::kSettings);
}

std::vector<std::string_view> key_names() {
  std::vector<std::string_view> names;
  for (const Key& key : kKeys) names.push_back(key.name);
  return names;
}

void require_key(std::string_view key, const std::string& where) { find_key(key, where); }

void set_setting(Settings& settings, std::string_view key, std::string_view value,
                 const std::string& where) {
  set_value(settings, find_key(key, where), value, where);
}

std::optional<uint64_t> parse_idle(std::string_view text) {
  if (text == "never") return 0;
  constexpr uint64_t kMax = 100000;  // days: what is longer is meant to be "never"
  uint64_t count = 0;
  const char* const end = text.data() + text.size();
  const auto [unit, error] = std::from_chars(text.data(), end, count);
  if (error != std::errc() || count == 0 || count > kMax || end - unit != 1) return std::nullopt;
  switch (*unit) {
    case 'm':
      return count * 60;
    case 'h':
      return count * 3600;
    case 'd':
      return count * 86400;
    default:
      return std::nullopt;
  }
}

std::optional<uint64_t> parse_copy_limit(std::string_view text) {
  if (text == "none") return 0;
  return optin::parse_size(text);
}

void merge_settings(Settings& settings, const std::string& text, const std::string& file) {
  merge_text(settings, text, file, {});
}

Settings load_settings(const HostUser& user, const SettingsFiles& files) {
  return load(user, files, {});
}

Settings load_settings(const HostUser& user) { return load(user, settings_files(user), {}); }

std::optional<std::string> load_runtime(const HostUser& user, const SettingsFiles& files) {
  return load(user, files, kRuntimeKey).runtime;
}

std::optional<std::string> load_runtime(const HostUser& user) {
  return load_runtime(user, settings_files(user));
}

}  // namespace hookcore::settings

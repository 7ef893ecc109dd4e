#include "tests/unit/ignore/reference.h"

#include <algorithm>
#include <map>
#include <string_view>

namespace hookcore::ignore::reference {
namespace {

// --- Characters -------------------------------------------------------------------------------

// The character at text[i]: one UTF-8 sequence or one invalid byte.
std::string character(const std::string& text, size_t i) {
  const auto byte = [&](size_t k) { return static_cast<unsigned char>(text[k]); };
  size_t length = 1;
  if (byte(i) >= 0xC2 && byte(i) <= 0xDF) length = 2;
  if (byte(i) >= 0xE0 && byte(i) <= 0xEF) length = 3;
  if (byte(i) >= 0xF0 && byte(i) <= 0xF4) length = 4;
  if (i + length > text.size()) return text.substr(i, 1);
  for (size_t k = 1; k < length; ++k) {
    if (byte(i + k) < 0x80 || byte(i + k) > 0xBF) return text.substr(i, 1);
  }
  if (byte(i) == 0xE0 && byte(i + 1) < 0xA0) return text.substr(i, 1);  // overlong
  if (byte(i) == 0xED && byte(i + 1) > 0x9F) return text.substr(i, 1);  // surrogates
  if (byte(i) == 0xF0 && byte(i + 1) < 0x90) return text.substr(i, 1);
  if (byte(i) == 0xF4 && byte(i + 1) > 0x8F) return text.substr(i, 1);
  return text.substr(i, length);
}

bool invalid(const std::string& character) {
  return character.size() == 1 && static_cast<unsigned char>(character[0]) >= 0x80;
}

const std::string kReplacement = "\xEF\xBF\xBD";

// Valid UTF-8 sorts as its code points do; an invalid byte counts as U+FFFD.
std::string ordinal(const std::string& character) {
  return invalid(character) ? kReplacement : character;
}

bool equal(const std::string& of_pattern, const std::string& of_path) {
  return of_pattern == of_path || (of_pattern == kReplacement && invalid(of_path));
}

// --- Reading ----------------------------------------------------------------------------------

bool is_space(const std::string& c) {
  static const std::set<std::string> kSpaces = {"\t",           "\n",           "\v",
                                                "\f",           "\r",           " ",
                                                "\xC2\x85",     "\xC2\xA0",     "\xE1\x9A\x80",
                                                "\xE2\x80\x80", "\xE2\x80\x81", "\xE2\x80\x82",
                                                "\xE2\x80\x83", "\xE2\x80\x84", "\xE2\x80\x85",
                                                "\xE2\x80\x86", "\xE2\x80\x87", "\xE2\x80\x88",
                                                "\xE2\x80\x89", "\xE2\x80\x8A", "\xE2\x80\xA8",
                                                "\xE2\x80\xA9", "\xE2\x80\xAF", "\xE2\x81\x9F",
                                                "\xE3\x80\x80"};
  return kSpaces.contains(c);
}

std::string trim(const std::string& text) {
  size_t begin = 0;
  while (begin < text.size() && is_space(character(text, begin))) {
    begin += character(text, begin).size();
  }
  size_t end = begin;
  for (size_t i = begin; i < text.size(); i += character(text, i).size()) {
    if (!is_space(character(text, i))) end = i + character(text, i).size();
  }
  return text.substr(begin, end - begin);
}

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> parts(1);
  for (const char c : text) {
    if (c == separator) {
      parts.emplace_back();
    } else {
      parts.back() += c;
    }
  }
  return parts;
}

std::string clean(const std::string& path) {
  const bool rooted = path.starts_with("/");
  std::vector<std::string> kept;
  for (const std::string& part : split(path, '/')) {
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      kept.push_back(part);
    } else if (!kept.empty() && kept.back() != "..") {
      kept.pop_back();
    } else if (!rooted) {
      kept.push_back(part);
    }
  }
  std::string result = rooted ? "/" : "";
  for (size_t i = 0; i < kept.size(); ++i) result += (i > 0 ? "/" : "") + kept[i];
  return result.empty() ? "." : result;
}

// --- Checking ---------------------------------------------------------------------------------

bool read_escape(const std::string& p, size_t& i) {
  if (i >= p.size()) return false;
  const auto c = static_cast<unsigned char>(p[i++]);
  const bool alphanumeric =
      (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
  return c < 0x80 && !alphanumeric;
}

// One end of a range; false if it can't be one.
bool read_end(const std::string& p, size_t& i, std::string& end) {
  if (i >= p.size() || p[i] == '-' || p[i] == ']') return false;
  if (p[i] == '\\') {
    end = p.substr(++i, 1);
    return read_escape(p, i);
  }
  end = character(p, i);
  i += end.size();
  return !invalid(end);
}

struct Class {
  bool negated = false;
  std::vector<std::pair<std::string, std::string>> ranges;

  bool has(const std::string& c) const {
    for (const auto& [low, high] : ranges) {
      if (low <= ordinal(c) && ordinal(c) <= high) return !negated;
    }
    return negated;
  }
};

// p[i] is behind the '['; afterwards behind the ']'.
bool read_class(const std::string& p, size_t& i, Class& result) {
  if (i < p.size() && p[i] == '^') {
    result.negated = true;
    ++i;
  }
  for (bool first = true; first || i >= p.size() || p[i] != ']'; first = false) {
    std::string low;
    if (!read_end(p, i, low)) return false;
    std::string high = low;
    if (i < p.size() && p[i] == '-' && !read_end(p, ++i, high)) return false;
    if (high < low) return false;
    result.ranges.emplace_back(low, high);
  }
  ++i;
  return true;
}

bool valid(const std::string& p) {
  for (size_t i = 0; i < p.size();) {
    const char c = p[i++];
    Class ignored;
    if (c == '\\' && !read_escape(p, i)) return false;
    if (c == '[' && !read_class(p, i, ignored)) return false;
  }
  return true;
}

// --- Matching ---------------------------------------------------------------------------------

/// Regular expressions of rule 15 by recursion; remembers what failed, so that it ends.
class Expression {
 public:
  Expression(const std::string& pattern, const std::string& path) : p_(pattern), s_(path) {}

  bool match(size_t i, size_t j) {
    const auto key = std::make_pair(i, j);
    if (const auto known = known_.find(key); known != known_.end()) return known->second;
    const bool result = compute(i, j);
    known_[key] = result;
    return result;
  }

 private:
  bool compute(size_t i, size_t j) {
    if (i == p_.size()) return j == s_.size();
    if (p_.compare(i, 2, "**") == 0) return double_star(i, j);
    if (p_[i] == '*') {
      if (match(i + 1, j)) return true;
      return j < s_.size() && s_[j] != '/' && match(i, j + character(s_, j).size());
    }
    if (j == s_.size()) return false;
    const std::string c = character(s_, j);
    if (p_[i] == '?') return c != "/" && match(i + 1, j + c.size());
    if (p_[i] == '[') {
      Class members;
      size_t next = i + 1;
      read_class(p_, next, members);
      return members.has(c) && match(next, j + c.size());
    }
    if (p_[i] == '\\') ++i;
    const std::string wanted = character(p_, i);
    return equal(wanted, c) && match(i + wanted.size(), j + c.size());
  }

  bool double_star(size_t i, size_t j) {
    size_t next = i + 2;
    if (next < p_.size() && p_[next] == '/') ++next;
    if (next == p_.size()) return s_.find('\n', j) == std::string::npos;  // .*
    if (match(next, j)) return true;
    for (size_t k = j; k < s_.size() && s_[k] != '\n'; ++k) {
      if (s_[k] == '/' && match(next, k + 1)) return true;  // (.*/)?
    }
    return false;
  }

  const std::string& p_;
  const std::string& s_;
  std::map<std::pair<size_t, size_t>, bool> known_;
};

// Prefix and suffix are whole characters: a byte of a pattern that isn't UTF-8 is no part of a
// character that is. (BuildKit compares bytes, but no such pattern ever reaches it.)
std::vector<std::string> characters_of(const std::string& text) {
  std::vector<std::string> characters;
  for (size_t i = 0; i < text.size(); i += characters.back().size()) {
    characters.push_back(character(text, i));
  }
  return characters;
}

bool has_prefix(const std::string& path, const std::string& prefix) {
  const auto all = characters_of(path);
  const auto part = characters_of(prefix);
  return part.size() <= all.size() && std::equal(part.begin(), part.end(), all.begin());
}

bool has_suffix(const std::string& path, const std::string& suffix) {
  const auto all = characters_of(path);
  const auto part = characters_of(suffix);
  return part.size() <= all.size() && std::equal(part.rbegin(), part.rend(), all.rbegin());
}

bool has_any(const std::string& text, const char* characters) {
  return text.find_first_of(characters) != std::string::npos;
}

// --- Walking ----------------------------------------------------------------------------------

class Walk {
 public:
  Walk(const std::vector<Pattern>& patterns, const std::set<std::string>& tree)
      : patterns_(patterns) {
    for (const std::string& entry : tree) {
      std::string path = entry;
      const bool directory = path.ends_with("/");
      if (directory) path.pop_back();
      const size_t slash = path.rfind('/');
      children_[slash == std::string::npos ? "" : path.substr(0, slash)].emplace_back(path,
                                                                                      directory);
    }
  }

  Result run() {
    visit("", std::vector<bool>(patterns_.size(), false));
    // Rule 26: hidden entries of a visible directory.
    for (const auto& [parent, entries] : children_) {
      if (!parent.empty() && !result_.visible.contains(parent + "/")) continue;
      for (const auto& [path, directory] : entries) {
        const std::string shown = path + (directory ? "/" : "");
        if (!result_.visible.contains(shown)) result_.masks.insert(shown);
      }
    }
    return std::move(result_);
  }

 private:
  // True if something in it is visible.
  bool visit(const std::string& directory, const std::vector<bool>& parent_hits) {
    bool any = false;
    for (const auto& [path, is_directory] : children_[directory]) {
      std::vector<bool> hits = parent_hits;
      const bool excluded = evaluate(path, parent_hits, hits);
      bool shown = !excluded;
      if (is_directory && (!excluded || enters(path))) shown = visit(path, hits) || shown;
      if (shown) result_.visible.insert(path + (is_directory ? "/" : ""));
      any = any || shown;
    }
    return any;
  }

  // Rule 23.
  bool evaluate(const std::string& path, const std::vector<bool>& parent,
                std::vector<bool>& hits) const {
    bool m = false;
    for (size_t i = 0; i < patterns_.size(); ++i) {
      bool hit = parent[i];
      if (!hit) {
        if (patterns_[i].negated != m) {
          hits[i] = false;
          continue;
        }
        hit = matches(patterns_[i].text, path);
      }
      hits[i] = hit;
      if (hit) m = !patterns_[i].negated;
    }
    return m;
  }

  // Rule 25: whether an excluded directory is entered.
  bool enters(const std::string& directory) const {
    bool below = false;
    for (const Pattern& pattern : patterns_) {
      if (!pattern.negated) continue;
      std::string text = pattern.text;
      if (text.ends_with("/**")) text.resize(text.size() - 3);
      if (text.ends_with("/*")) text.resize(text.size() - 2);
      if (has_any(text, "*[]?^\\")) return true;
      below = below || (text + "/").starts_with(directory + "/");
    }
    return below;
  }

  const std::vector<Pattern>& patterns_;
  std::map<std::string, std::vector<std::pair<std::string, bool>>> children_;
  Result result_;
};

}  // namespace

bool parse(const std::string& file, std::vector<Pattern>& patterns) {
  std::string text = file;
  if (text.starts_with("\xEF\xBB\xBF")) text.erase(0, 3);
  for (std::string line : split(text, '\n')) {
    if (line.size() > 65535) return false;
    if (line.ends_with("\r")) line.pop_back();
    if (line.starts_with("#")) continue;
    line = trim(line);
    if (line.empty()) continue;
    const bool bang = line[0] == '!';
    if (bang) line = trim(line.substr(1));
    if (!line.empty()) {
      line = clean(line);
      if (line.size() > 1 && line[0] == '/') line.erase(0, 1);
    }
    line = trim((bang ? "!" : "") + line);
    if (line.empty()) continue;
    Pattern pattern{clean(line), false};
    if (pattern.text[0] == '!') {
      pattern.negated = true;
      pattern.text.erase(0, 1);
      if (pattern.text.empty()) return false;
    }
    if (!valid(pattern.text)) return false;
    patterns.push_back(pattern);
  }
  return true;
}

bool matches(const std::string& pattern, const std::string& path) {
  // Which of the four kinds: what is left when one `**` at an end is taken away.
  const bool first = pattern.starts_with("**");
  const bool last = pattern.ends_with("**");
  if (!has_any(pattern, "*?[]\\")) return path == pattern;
  if (first && !has_any(pattern.substr(2), "*?[]\\")) {
    const std::string suffix = pattern.substr(2);
    return has_suffix(path, suffix) || (suffix[0] == '/' && path == suffix.substr(1));
  }
  if (last && !pattern.starts_with("\xEF\xBB\xBF**") &&
      !has_any(pattern.substr(0, pattern.size() - 2), "*?[]\\")) {
    return has_prefix(path, pattern.substr(0, pattern.size() - 2));
  }
  const bool mark = pattern.starts_with("\xEF\xBB\xBF");
  const std::string expression = mark ? pattern.substr(3) : pattern;
  // A suffix pattern to BuildKit, which then cuts two bytes off the mark: matches no sane name.
  if (mark && expression.starts_with("**") && !has_any(expression.substr(2), "*?[]\\")) {
    return path == pattern;
  }
  return Expression(expression, path).match(0, 0);
}

Result walk(const std::vector<Pattern>& patterns, const std::set<std::string>& tree) {
  return Walk(patterns, tree).run();
}

}  // namespace hookcore::ignore::reference

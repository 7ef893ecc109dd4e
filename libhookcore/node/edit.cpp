#include "libhookcore/node/edit.h"

#include <algorithm>
#include <set>
#include <string_view>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"

namespace hookcore::node {
namespace {

constexpr size_t kContext = 3;

/// Each with its line break, if it has one.
std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    const size_t end = std::min(text.find('\n'), text.size() - 1) + 1;
    lines.push_back(text.substr(0, end));
    text.remove_prefix(end);
  }
  return lines;
}

std::string range(size_t first, size_t count) {
  // As diff: an empty range is named by the line before it.
  return std::to_string(count == 0 ? first : first + 1) + "," + std::to_string(count);
}

void add(std::string& out, char mark, std::string_view line) {
  out += mark;
  out += line;
  if (!line.ends_with('\n')) out += "\n\\ No newline at end of file\n";
}

/// Our changes are one piece of a file each: what is equal at both ends is left out.
std::string hunk(std::string_view before, std::string_view after) {
  const auto old_lines = lines_of(before);
  const auto new_lines = lines_of(after);
  const size_t shorter = std::min(old_lines.size(), new_lines.size());
  size_t head = 0;
  while (head < shorter && old_lines[head] == new_lines[head]) ++head;
  size_t tail = 0;
  while (tail < shorter - head &&
         old_lines[old_lines.size() - 1 - tail] == new_lines[new_lines.size() - 1 - tail]) {
    ++tail;
  }
  const size_t begin = head - std::min(head, kContext);
  const size_t after_it = std::min(tail, kContext);
  const size_t old_end = old_lines.size() - tail;
  const size_t new_end = new_lines.size() - tail;
  std::string out = "@@ -" + range(begin, old_end + after_it - begin) + " +" +
                    range(begin, new_end + after_it - begin) + " @@\n";
  for (size_t i = begin; i < head; ++i) add(out, ' ', old_lines[i]);
  for (size_t i = head; i < old_end; ++i) add(out, '-', old_lines[i]);
  for (size_t i = head; i < new_end; ++i) add(out, '+', new_lines[i]);
  for (size_t i = old_end; i < old_end + after_it; ++i) add(out, ' ', old_lines[i]);
  return out;
}

}  // namespace

std::vector<std::string> made_directories(const Host& host, const std::string& path) {
  const std::string_view mark = kMadeDirectory;
  std::vector<std::string> made;
  if (const auto present = host.read(path)) {
    for (size_t at = present->find(mark); at != std::string::npos; at = present->find(mark, at)) {
      at += mark.size();
      made.push_back(present->substr(at, present->find('\n', at) - at));
    }
    return made;
  }
  for (std::string above = parent_path(path); !above.empty() && !host.exists(above);
       above = parent_path(above)) {
    made.push_back(above);
  }
  return made;
}

std::string made_lines(const std::vector<std::string>& directories) {
  std::string lines;
  for (const std::string& directory : directories) {
    lines.append(kMadeDirectory).append(directory).append("\n");
  }
  return lines;
}

void require_ours(const Host& host, const std::string& path, std::string_view header) {
  const auto present = host.read(path);
  if (!present || present->starts_with(header)) return;
  throw Error(Code::kSettings, "a file of this name isn't ours", path, "rename it");
}

bool make_edits(const Host& host, const std::vector<Edit>& edits) {
  bool changed = false;
  for (const Edit& edit : edits) {
    if (edit.bytes) {
      changed |= host.write(edit.path, *edit.bytes, 0644);
      continue;
    }
    changed |= host.exists(edit.path);
    host.remove(edit.path);
    for (const std::string& directory : edit.directories) host.remove_empty_directory(directory);
  }
  return changed;
}

std::string diff(const Host& host, const std::vector<Edit>& edits) {
  std::string out;
  for (const Edit& edit : edits) {
    const auto present = host.read(edit.path);
    if (present == edit.bytes) continue;
    out += "--- " + (present ? edit.path : "/dev/null") + "\n";
    out += "+++ " + (edit.bytes ? edit.path : "/dev/null") + "\n";
    out += hunk(present.value_or(""), edit.bytes.value_or(""));
  }
  return out;
}

std::vector<std::string> removed_directories(const Host& host, const std::vector<Edit>& edits) {
  std::set<std::string> gone;
  std::vector<std::string> removed;
  for (const Edit& edit : edits) {
    if (edit.bytes) continue;
    gone.insert(edit.path);
    for (const std::string& directory : edit.directories) {
      if (!host.is_directory(directory)) continue;
      const auto names = host.list(directory);
      const bool empty = std::all_of(names.begin(), names.end(), [&](const std::string& name) {
        return gone.count(std::string(directory).append("/").append(name)) > 0;
      });
      if (!empty) continue;
      gone.insert(directory);
      removed.push_back(directory);
    }
  }
  return removed;
}

}  // namespace hookcore::node

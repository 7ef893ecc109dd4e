#include "hooks/cli/change_text.h"

#include <sys/stat.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "hooks/cli/output.h"

namespace hookcore::cli {
namespace {

using changes::Change;
using changes::Kind;

char letter(const changes::Entry& entry) {
  switch (entry.kind) {
    case Kind::kAdded:
      return 'A';
    case Kind::kModified:
      return entry.retyped() ? 'T' : 'M';
    case Kind::kDeleted:
      return 'D';
    case Kind::kSame:
      break;
  }
  return ' ';
}

const char* type_name(mode_t mode) {
  if (S_ISDIR(mode)) return "directory";
  if (S_ISREG(mode)) return "file";
  if (S_ISLNK(mode)) return "link";
  if (S_ISFIFO(mode)) return "fifo";
  if (S_ISSOCK(mode)) return "socket";
  return S_ISCHR(mode) ? "character device" : "block device";
}

const struct ::stat& shown(const changes::Entry& entry) {
  return entry.kind == Kind::kDeleted ? entry.old : entry.now;
}

std::string shown_path(const changes::Entry& entry) {
  return S_ISDIR(shown(entry).st_mode) ? entry.path + "/" : entry.path;
}

std::string octal(mode_t mode) {
  std::array<char, 8> text{};
  std::snprintf(text.data(), text.size(), "%04o", mode & 07777);
  return text.data();
}

// What the letter doesn't tell.
std::vector<std::string> remarks(const Change& change) {
  const changes::Entry& entry = change.entry;
  std::vector<std::string> out;
  if (entry.retyped()) out.push_back(std::string("was a ") + type_name(entry.old.st_mode));
  if (entry.mode && !entry.retyped()) {
    out.push_back("mode " + octal(entry.old.st_mode) + " -> " + octal(entry.now.st_mode));
  }
  if (entry.owner) {
    out.push_back("owner " + std::to_string(entry.old.st_uid) + ":" +
                  std::to_string(entry.old.st_gid) + " -> " + std::to_string(entry.now.st_uid) +
                  ":" + std::to_string(entry.now.st_gid));
  }
  if (change.below > 0) {
    out.push_back(std::to_string(change.below) + (change.below == 1 ? " entry" : " entries"));
  }
  if (!entry.moved_from.empty()) out.push_back("moved from " + printable(entry.moved_from));
  if (!change.hard_link.empty()) out.push_back("hard link to " + printable(change.hard_link));
  return out;
}

}  // namespace

std::string changes_text(const std::vector<Change>& changes) {
  const Style& colours = style();
  std::string text;
  for (const Change& change : changes) {
    text += change.entry.kind == Kind::kDeleted ? colours.red : colours.green;
    text += letter(change.entry);
    text.append(colours.reset).append(" ").append(printable(shown_path(change.entry)));
    const char* separator = " (";
    for (const std::string& remark : remarks(change)) {
      text.append(separator == std::string(" (") ? colours.dim : "").append(separator);
      text.append(remark);
      separator = ", ";
    }
    if (separator != std::string(" (")) text.append(")").append(colours.reset);
    text += '\n';
  }
  return text;
}

std::string changes_zero(const std::vector<Change>& changes) {
  std::string text;
  for (const Change& change : changes) {
    text.append(1, letter(change.entry)).append(" ").append(shown_path(change.entry));
    text += '\0';
  }
  return text;
}

Json changes_json(const std::vector<Change>& changes) {
  Json document = Json::array();
  for (const Change& change : changes) {
    const changes::Entry& entry = change.entry;
    Json one = Json::object();
    one["status"] = std::string(1, letter(entry));
    put_name(one, "path", shown_path(entry));
    one["type"] = type_name(shown(entry).st_mode);
    if (entry.retyped()) one["old_type"] = type_name(entry.old.st_mode);
    one["mode"] = octal(shown(entry).st_mode);
    if (entry.mode) one["old_mode"] = octal(entry.old.st_mode);
    if (entry.owner) {
      one["owner"] = {entry.now.st_uid, entry.now.st_gid};
      one["old_owner"] = {entry.old.st_uid, entry.old.st_gid};
    }
    if (entry.kind == Kind::kModified) one["contents"] = entry.contents;
    if (entry.replaced) one["opaque"] = true;
    if (change.below > 0) one["entries"] = change.below;
    if (!entry.moved_from.empty()) put_name(one, "moved_from", entry.moved_from);
    if (!change.hard_link.empty()) put_name(one, "hard_link", change.hard_link);
    document.push_back(std::move(one));
  }
  return document;
}

}  // namespace hookcore::cli

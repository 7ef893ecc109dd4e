#include "libhookcore/engines/docker.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/oci/json.h"

namespace hookcore::engines {
namespace {

constexpr const char* kName = "cnb";
constexpr const char* kRuntimes = "runtimes";
constexpr std::string_view kProgram = "oci-cnb-runtime";
constexpr std::string_view kSpace = " \t\r\n";

struct Member {
  std::string key;
  oci::Span value;
};

/// One object of the text: `{` at begin, `}` right before end.
struct Object {
  oci::Span span;
  std::vector<Member> members;

  size_t index_of(std::string_view key) const {
    size_t i = 0;
    while (i < members.size() && members[i].key != key) ++i;
    return i;
  }
  bool has(std::string_view key) const { return index_of(key) < members.size(); }
  const Member& at(std::string_view key) const { return members.at(index_of(key)); }
};

Object read_object(std::string_view text, size_t begin, size_t end, std::string_view name) {
  oci::JsonReader reader(text.substr(begin, end - begin), Code::kSettings, kDaemonFile);
  Object object;
  if (reader.peek() != oci::JsonKind::kObject) reader.fail(std::string(name) + " is no object");
  object.span.begin = begin + reader.offset();
  reader.members(name, [&](const std::string& key) {
    const oci::Span value = reader.skip();
    object.members.push_back({key, {begin + value.begin, begin + value.end}});
  });
  object.span.end = begin + reader.offset();
  reader.finish();
  return object;
}

Object read_object(std::string_view text, const Member& member) {
  return read_object(text, member.value.begin, member.value.end, member.key);
}

std::string entry(const std::string& program) {
  return "\"" + std::string(kName) + "\": {\"path\": " + nlohmann::json(program).dump() + "}";
}

// An object that we made ends in a space and begins with none. Nothing that is put into somebody
// else's looks like that: it is indented like what was there. JSON has no comments, so spaces have
// to tell the rest: two of them, that the file's directory was made too; no line break behind the
// object, that there was a file, and nothing in it.
std::string object_of_ours(const std::string& member, bool directory = true) {
  return "{" + member + (directory ? " }" : "  }");
}

bool is_of_ours(std::string_view text, const Object& object) {
  return object.members.size() == 1 && text[object.span.begin + 1] == '"' &&
         text[object.span.end - 2] == ' ';
}

std::string whole_file(const DaemonFile& before, const std::string& table) {
  const std::string object = object_of_ours(table, before.directory);
  return before.text && before.text->empty() ? object : object + "\n" + before.text.value_or("");
}

DaemonFile before_whole_file(std::string_view text, const Object& object) {
  DaemonFile before;
  before.directory = text[object.span.end - 3] != ' ';
  const std::string_view behind = text.substr(object.span.end);
  if (behind != "\n") before.text = behind.substr(behind.empty() ? 0 : 1);
  return before;
}

void insert_first(std::string& text, const Object& object, const std::string& member) {
  const size_t place = object.span.begin + 1;
  const size_t next = text.find_first_not_of(kSpace, place);
  const std::string indent = text.substr(place, next - place);
  text.insert(place, indent + member + (object.members.empty() ? "" : ","));
}

// With the comma, and the space before it: what insert_first put there.
void erase(std::string& text, const Object& object, size_t index) {
  const size_t end = object.members[index].value.end;
  if (index > 0) {
    const size_t begin = object.members[index - 1].value.end;
    text.erase(begin, end - begin);
    return;
  }
  const size_t begin = object.span.begin + 1;
  const size_t stop = object.members.size() == 1 ? end : text.find(',', end) + 1;
  text.erase(begin, stop - begin);
}

bool is_our_runtime(std::string_view text, const Member& member) {
  const auto json =
      nlohmann::json::parse(text.substr(member.value.begin, member.value.end - member.value.begin));
  const auto path = json.is_object() ? json.find("path") : json.end();
  if (!json.is_object() || path == json.end() || !path->is_string()) return false;
  const std::string program = *path;
  return base_name(program) == kProgram;
}

}  // namespace

DaemonFile without_runtime(std::string_view before) {
  std::string text(before);
  if (text.find_first_not_of(kSpace) == std::string::npos) return {std::move(text)};
  const Object all = read_object(text, 0, text.size(), "the file");
  if (!all.has(kRuntimes)) return {std::move(text)};
  const Object runtimes = read_object(text, all.at(kRuntimes));
  if (!runtimes.has(kName) || !is_our_runtime(text, runtimes.at(kName))) return {std::move(text)};
  if (!is_of_ours(text, runtimes)) {
    erase(text, runtimes, runtimes.index_of(kName));
    return {std::move(text)};
  }
  if (is_of_ours(text, all)) return before_whole_file(text, all);
  erase(text, all, all.index_of(kRuntimes));
  return {std::move(text)};
}

std::string with_runtime(const DaemonFile& before, const std::string& program) {
  std::string text = before.text.value_or("");
  const std::string member = entry(program);
  const std::string table = "\"" + std::string(kRuntimes) + "\": " + object_of_ours(member);
  if (text.find_first_not_of(kSpace) == std::string::npos) return whole_file(before, table);
  const Object all = read_object(text, 0, text.size(), "the file");
  if (!all.has(kRuntimes)) {
    insert_first(text, all, table);
    return text;
  }
  const Object runtimes = read_object(text, all.at(kRuntimes));
  if (runtimes.has(kName)) {
    throw Error(Code::kSettings,
                std::string("there is a runtime ") + quote(kName) + " that isn't ours", kDaemonFile,
                "rename it");
  }
  insert_first(text, runtimes, member);
  return text;
}

}  // namespace hookcore::engines

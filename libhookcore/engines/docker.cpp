#include "libhookcore/engines/docker.h"

#include <nlohmann/json.hpp>
#include <vector>

#include "libhookcore/base/error.h"
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
// else's looks like that: it is indented like what was there.
std::string object_of_ours(const std::string& member) { return "{" + member + " }"; }

bool is_of_ours(std::string_view text, const Object& object) {
  return object.members.size() == 1 && text[object.span.begin + 1] == '"' &&
         text[object.span.end - 2] == ' ';
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
  return program.substr(program.rfind('/') + 1) == kProgram;
}

}  // namespace

std::string without_runtime(std::string_view before) {
  std::string text(before);
  if (text.find_first_not_of(kSpace) == std::string::npos) return text;
  const Object all = read_object(text, 0, text.size(), "the file");
  if (!all.has(kRuntimes)) return text;
  const Object runtimes = read_object(text, all.at(kRuntimes));
  if (!runtimes.has(kName) || !is_our_runtime(text, runtimes.at(kName))) return text;
  if (!is_of_ours(text, runtimes)) {
    erase(text, runtimes, runtimes.index_of(kName));
    return text;
  }
  if (is_of_ours(text, all)) return text.substr(all.span.end + 1);  // the line break is ours
  erase(text, all, all.index_of(kRuntimes));
  return text;
}

std::string with_runtime(std::string_view before, const std::string& program) {
  std::string text = without_runtime(before);
  const std::string member = entry(program);
  const std::string table = "\"" + std::string(kRuntimes) + "\": " + object_of_ours(member);
  if (text.find_first_not_of(kSpace) == std::string::npos)
    return object_of_ours(table) + "\n" + text;
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

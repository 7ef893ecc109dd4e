// project.toml of Cloud Native Buildpacks: `exclude` or `include`, lists of .gitignore lines.

#include <optional>
#include <sstream>
#include <string_view>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"
#include "libhookcore/ignore/pattern.h"
#include "libhookcore/ignore/program.h"
#include "libhookcore/ignore/rules.h"

namespace hookcore::ignore {
namespace {

[[noreturn]] void fail(const std::string& file, unsigned line, const std::string& what,
                       const std::string& remedy) {
  throw Error(Code::kIgnoreFile, what, quote(file) + ":" + std::to_string(line), remedy);
}

unsigned line_of(const toml::node& node) { return node.source().begin.line; }

bool has_lists(const toml::table* table) {
  return table != nullptr && (table->contains("exclude") || table->contains("include"));
}

// The table that may hold the lists: pack goes by the schema version; a file without one is read by
// what it has.
const toml::table* find_table(const toml::table& document) {
  const toml::table* current = document["io"]["buildpacks"].as_table();
  const toml::table* old = document["build"].as_table();
  const auto version = document["_"]["schema-version"].value<std::string_view>();
  if (version == "0.1") return has_lists(old) ? old : nullptr;
  if (has_lists(current)) return current;
  return !version && has_lists(old) ? old : nullptr;
}

// git's way: blanks at the end go away unless a backslash stands before them.
std::string_view trim_end(std::string_view line) {
  size_t end = 0;
  for (size_t i = 0; i < line.size(); ++i) {
    if (line[i] == '\\' && i + 1 < line.size()) ++i;
    if (line[i] != ' ' || (i > 0 && line[i - 1] == '\\')) end = i + 1;
  }
  return line.substr(0, end);
}

void add_line(ProgramBuilder& builder, std::string_view text, unsigned line,
              const std::string& file) {
  std::string_view pattern = trim_end(text);
  if (pattern.empty() || pattern[0] == '#') return;
  const bool negated = pattern[0] == '!';
  const std::string_view written = pattern;
  if (negated) pattern.remove_prefix(1);
  if (pattern.empty()) fail(file, line, "\"!\" without a pattern", "name what to bring back");
  try {
    bool directories_only = false;
    const CompiledPattern compiled = compile_gitignore_pattern(pattern, directories_only);
    builder.add({std::string(written), line, negated}, compiled, directories_only);
  } catch (const PatternError& error) {
    fail(file, line, "bad pattern " + quote(written) + ": " + error.what(), error.remedy());
  }
}

RuleSet compile_list(const toml::node& node, bool exclude, const std::string& file) {
  const toml::array* list = node.as_array();
  const std::string key = exclude ? "exclude" : "include";
  if (list == nullptr) {
    fail(file, line_of(node), key + " isn't a list", "write " + key + " = [\"PATTERN\", ...]");
  }
  ProgramBuilder builder(
      exclude ? Program::Semantics::kGitExclude : Program::Semantics::kGitInclude,
      exclude ? RuleSource::kProjectTomlExclude : RuleSource::kProjectTomlInclude, file);
  for (const toml::node& element : *list) {
    const auto text = element.value<std::string_view>();
    if (!text || !element.is_string()) {
      fail(file, line_of(element), key + " holds something that isn't a string",
           "each entry is one pattern in quotes");
    }
    add_line(builder, *text, line_of(element), file);
  }
  return builder.finish();
}

toml::table parse(std::string_view text, const std::string& file) {
  try {
    return parse_toml(text);
  } catch (const TomlError& error) {
    fail(file, error.line, "not valid TOML: " + quote(error.what), "mend the syntax");
  }
}

bool empty_list(const toml::node* node) {
  return node == nullptr || (node->is_array() && node->as_array()->empty());
}

}  // namespace

std::optional<RuleSet> parse_project_toml(std::string_view text, const std::string& file_name) {
  const toml::table document = parse(text, file_name);
  const toml::table* table = find_table(document);
  if (table == nullptr) return std::nullopt;
  const toml::node* exclude = table->get("exclude");
  const toml::node* include = table->get("include");
  // To pack an empty list is the same as none.
  if (empty_list(exclude))
    return empty_list(include) ? std::nullopt
                               : std::optional(compile_list(*include, false, file_name));
  if (!empty_list(include)) {
    fail(file_name, line_of(*include), "both exclude and include",
         "keep one of them, as pack does");
  }
  return compile_list(*exclude, true, file_name);
}

}  // namespace hookcore::ignore

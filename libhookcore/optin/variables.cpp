#include "libhookcore/optin/variables.h"

#include <algorithm>

#include "libhookcore/base/error.h"

namespace hookcore::optin {

namespace {

std::string variable(std::string_view annotation) {
  std::string name(kVariablePrefix);
  for (const char c : annotation) {
    name += c == '-' ? '_' : static_cast<char>(c >= 'a' && c <= 'z' ? c - 'a' + 'A' : c);
  }
  return name;
}

std::string_view name_of(std::string_view entry) { return entry.substr(0, entry.find('=')); }

/// The annotation's name, empty for a variable that stands for none.
std::string_view annotation_of(std::string_view variable_name) {
  for (const std::string_view name : annotation_names()) {
    if (variable(name) == variable_name) return name;
  }
  return {};
}

[[noreturn]] void refuse(std::string_view variable_name) {
  std::vector<std::string> known;
  for (const std::string_view name : annotation_names()) known.push_back(variable(name));
  const std::string_view near = nearest(variable_name, known);
  throw Error(Code::kAnnotation, "unknown variable " + quote(variable_name),
              "the container's environment",
              near.empty() ? "remove it" : "did you mean " + quote(near) + "?");
}

bool has_role(const std::vector<std::string>& env) {
  return std::any_of(env.begin(), env.end(), [](const std::string& entry) {
    return name_of(entry) == kRoleVariable && entry.size() > kRoleVariable.size() + 1;
  });
}

}  // namespace

std::optional<Annotations> annotations_of_environment(const std::vector<std::string>& env) {
  if (!has_role(env)) return std::nullopt;
  Annotations annotations;
  for (const std::string_view entry : env) {
    if (!entry.starts_with(kVariablePrefix)) continue;
    const std::string_view name = name_of(entry);
    const std::string_view annotation = annotation_of(name);
    if (annotation.empty()) refuse(name);
    const std::string_view value = entry.substr(std::min(name.size() + 1, entry.size()));
    if (!annotations.emplace(std::string(kPrefix) + std::string(annotation), value).second) {
      throw Error(Code::kAnnotation, quote(name) + " stands twice", "the container's environment",
                  "give it once");
    }
  }
  return annotations;
}

bool is_variable(std::string_view entry) { return !annotation_of(name_of(entry)).empty(); }

}  // namespace hookcore::optin

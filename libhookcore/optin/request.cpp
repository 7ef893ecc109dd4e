#include "libhookcore/optin/request.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <iterator>
#include <limits>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"

namespace hookcore::optin {

namespace {

constexpr std::string_view kNames[] = {
    "role",    "workspace",    "workspace-path",    "ignore-file", "session",
    "scratch", "platform-api", "experimental-mode", "cwd",         "enforce",
    "log"};

constexpr std::string_view kRoles[] = {"dev", "build", "detect", "launch"};
constexpr std::string_view kModes[] = {"overlay", "readonly", "live"};
constexpr std::string_view kEnforce[] = {"strict", "warn"};
constexpr std::string_view kCwd[] = {"enforce", "keep"};
constexpr std::string_view kLogLevels[] = {"info", "debug"};
constexpr std::string_view kExperimentalModes[] = {"error", "warn", "quiet", "silent"};

constexpr size_t kMaxPath = 1024;
constexpr size_t kMaxSession = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_alphanumeric(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

template <typename Words>
std::optional<size_t> index_of(std::string_view word, const Words& words) {
  const auto found = std::find(std::begin(words), std::end(words), word);
  if (found == std::end(words)) return std::nullopt;
  return static_cast<size_t>(std::distance(std::begin(words), found));
}

template <typename Words>
std::string one_of(const Words& words) {
  std::string list = "use one of ";
  for (const std::string_view word : words) {
    if (word != *std::begin(words)) list += ", ";
    list += word;
  }
  return list;
}

std::string annotation(std::string_view key) { return "annotation " + quote(key); }

[[noreturn]] void refuse_value(std::string_view key, std::string_view value, std::string remedy) {
  throw Error(Code::kAnnotation, "bad value " + quote(value), annotation(key), std::move(remedy));
}

[[noreturn]] void refuse_key(std::string_view key, std::string_view name) {
  const std::string_view near = nearest(name, kNames);
  throw Error(Code::kAnnotation, "unknown annotation " + quote(key), {},
              near.empty()
                  ? one_of(kNames)
                  : "did you mean " + quote(std::string(kPrefix) + std::string(near)) + "?");
}

/// The index of value in a closed set of words.
template <typename Words>
size_t choose(std::string_view key, std::string_view value, const Words& words) {
  if (const auto index = index_of(value, words)) return *index;
  const std::string_view near = nearest(value, words);
  refuse_value(key, value,
               one_of(words) + (near.empty() ? "" : "; did you mean " + quote(near) + "?"));
}

/// How a key is scoped: to every container, to the pod, or to one container of it.
enum class Scope { kBare, kPod, kContainer };

struct ScopedValue {
  Scope scope = Scope::kBare;
  std::string_view key;
  std::string_view value;
};

/// For each of kNames the value that counts for this container.
using Values = std::array<std::optional<ScopedValue>, std::size(kNames)>;

Values collect(const Annotations& annotations) {
  constexpr std::string_view kPodScope = "/pod";
  constexpr std::string_view kContainerScope = "/container.";
  const std::string_view container = container_name(annotations);
  Values values;
  for (const auto& [key, value] : ours(annotations)) {
    const std::string_view rest = std::string_view(key).substr(kPrefix.size());
    const std::string_view name = rest.substr(0, rest.find('/'));
    const std::string_view suffix = rest.substr(name.size());
    const auto index = index_of(name, kNames);
    if (!index) refuse_key(key, name);
    Scope scope = Scope::kBare;
    if (suffix == kPodScope) {
      scope = Scope::kPod;
    } else if (suffix.starts_with(kContainerScope) && suffix.size() > kContainerScope.size()) {
      scope = Scope::kContainer;
      if (suffix.substr(kContainerScope.size()) != container) continue;
    } else if (!suffix.empty()) {
      throw Error(Code::kAnnotation, "unknown annotation " + quote(key), {},
                  "the name is followed by nothing, by /pod or by /container.NAME");
    }
    std::optional<ScopedValue>& slot = values[*index];
    if (!slot || slot->scope < scope) slot = ScopedValue{scope, key, value};
  }
  return values;
}

std::string workspace_path(std::string_view key, std::string_view value) {
  const auto refuse = [&](const char* remedy) { refuse_value(key, value, remedy); };
  if (!value.starts_with('/') || value.size() > kMaxPath || has_control_bytes(value)) {
    refuse("give an absolute path of at most 1024 bytes without control characters");
  }
  if (has_parent_component(value)) refuse("give a path without \"..\"");
  std::string path = normalise_path(value);
  if (path == "/") refuse("the workspace can't be the container's root directory");
  for (const std::string_view kernel : {"/proc", "/sys", "/dev"}) {
    if (is_within(path, kernel)) refuse("the workspace can't be in /proc, /sys or /dev");
  }
  return path;
}

std::string ignore_file(std::string_view key, std::string_view value) {
  if (value.empty() || value.starts_with('/') || value.size() > kMaxPath ||
      has_control_bytes(value)) {
    refuse_value(key, value,
                 "give a path relative to the source, of at most 1024 bytes without control "
                 "characters");
  }
  if (has_parent_component(value)) {
    refuse_value(key, value, "give a path inside the source, without \"..\"");
  }
  return std::string(value);
}

std::string session(std::string_view key, std::string_view value) {
  const bool valid = !value.empty() && value.size() <= kMaxSession && is_alphanumeric(value[0]) &&
                     std::all_of(value.begin(), value.end(), [](char c) {
                       return is_alphanumeric(c) || c == '_' || c == '.' || c == '-';
                     });
  if (!valid) {
    refuse_value(key, value,
                 "a session is 1 to 64 letters, digits, \"_\", \".\" and \"-\", a letter or digit "
                 "first");
  }
  return std::string(value);
}

WorkspaceMode default_mode(Role role) {
  switch (role) {
    case Role::kDev:
    case Role::kBuild:
      return WorkspaceMode::kOverlay;
    case Role::kDetect:
      return WorkspaceMode::kReadonly;
    case Role::kLaunch:
      break;
  }
  return WorkspaceMode::kLive;
}

/// Hands the value of name, if there is one, to use(key, value).
template <typename Use>
void with(const Values& values, std::string_view name, Use use) {
  const auto& value = values[*index_of(name, kNames)];
  if (value) use(value->key, value->value);
}

}  // namespace

std::span<const std::string_view> annotation_names() { return kNames; }

std::optional<Role> parse_role(std::string_view text) {
  const auto index = index_of(text, kRoles);
  return index ? std::optional(static_cast<Role>(*index)) : std::nullopt;
}

std::optional<Enforce> parse_enforce(std::string_view text) {
  const auto index = index_of(text, kEnforce);
  return index ? std::optional(static_cast<Enforce>(*index)) : std::nullopt;
}

std::optional<bool> parse_log(std::string_view text) {
  const auto index = index_of(text, kLogLevels);
  return index ? std::optional(*index == 1) : std::nullopt;
}

std::optional<uint64_t> parse_size(std::string_view text) {
  constexpr std::string_view kUnits = "kmgt";
  uint64_t size = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), size);
  if (error != std::errc() || size == 0) return std::nullopt;
  text.remove_prefix(static_cast<size_t>(end - text.data()));
  size_t shift = 0;
  if (!text.empty()) {
    const size_t unit = kUnits.find(static_cast<char>(text[0] | 0x20));
    if (text.size() > 1 || unit == kUnits.npos) return std::nullopt;
    shift = 10 * (unit + 1);
  }
  // The kernel counts in signed 64 bits.
  constexpr uint64_t kMax = std::numeric_limits<int64_t>::max();
  if (size > kMax >> shift) return std::nullopt;
  return size << shift;
}

std::optional<Scratch> parse_scratch(std::string_view text) {
  constexpr std::string_view kSized = "tmpfs:";
  if (text == "disk") return Scratch{};
  if (text == "tmpfs") return Scratch{true, std::nullopt};
  if (!text.starts_with(kSized)) return std::nullopt;
  const auto size = parse_size(text.substr(kSized.size()));
  return size ? std::optional(Scratch{true, size}) : std::nullopt;
}

bool is_platform_api(std::string_view text) {
  constexpr size_t kMaxDigits = 9;
  const size_t dot = text.find('.');
  if (dot == text.npos) return false;
  const auto is_number = [](std::string_view digits) {
    return !digits.empty() && digits.size() <= kMaxDigits &&
           std::all_of(digits.begin(), digits.end(), is_digit);
  };
  return is_number(text.substr(0, dot)) && is_number(text.substr(dot + 1));
}

bool is_experimental_mode(std::string_view text) {
  return index_of(text, kExperimentalModes).has_value();
}

std::string_view name(Role role) { return kRoles[static_cast<size_t>(role)]; }
std::string_view name(WorkspaceMode mode) { return kModes[static_cast<size_t>(mode)]; }
std::string_view name(Enforce enforce) { return kEnforce[static_cast<size_t>(enforce)]; }

Annotations resolve(const Annotations& annotations) {
  const Values values = collect(annotations);
  Annotations resolved;
  for (size_t i = 0; i < std::size(kNames); ++i) {
    if (!values[i]) continue;
    resolved.emplace(std::string(kPrefix) + std::string(kNames[i]), values[i]->value);
  }
  return resolved;
}

std::optional<Request> parse_request(const Annotations& annotations, const Defaults& defaults) {
  require_one_engine(annotations);
  if (is_sandbox(annotations)) return std::nullopt;
  const Values values = collect(annotations);
  if (!values[*index_of("role", kNames)]) return std::nullopt;

  Request request;
  request.scratch = defaults.scratch;
  request.enforce = defaults.enforce;
  request.debug = defaults.debug;
  using View = std::string_view;
  with(values, "role",
       [&](View key, View value) { request.role = static_cast<Role>(choose(key, value, kRoles)); });
  request.workspace = default_mode(request.role);
  with(values, "workspace", [&](View key, View value) {
    request.workspace = static_cast<WorkspaceMode>(choose(key, value, kModes));
  });
  with(values, "workspace-path",
       [&](View key, View value) { request.workspace_path = workspace_path(key, value); });
  with(values, "ignore-file",
       [&](View key, View value) { request.ignore_file = ignore_file(key, value); });
  with(values, "session", [&](View key, View value) { request.session = session(key, value); });
  with(values, "scratch", [&](View key, View value) {
    const auto scratch = parse_scratch(value);
    if (!scratch) refuse_value(key, value, "use disk, tmpfs or tmpfs:SIZE, for example tmpfs:512m");
    request.scratch = *scratch;
  });
  with(values, "platform-api", [&](View key, View value) {
    if (!is_platform_api(value)) refuse_value(key, value, "use N.M, for example 0.12");
    request.platform_api = value;
  });
  with(values, "experimental-mode", [&](View key, View value) {
    request.experimental_mode = kExperimentalModes[choose(key, value, kExperimentalModes)];
  });
  with(values, "cwd",
       [&](View key, View value) { request.keep_cwd = choose(key, value, kCwd) == 1; });
  with(values, "enforce", [&](View key, View value) {
    request.enforce = static_cast<Enforce>(choose(key, value, kEnforce));
  });
  with(values, "log",
       [&](View key, View value) { request.debug = choose(key, value, kLogLevels) == 1; });
  return request;
}

}  // namespace hookcore::optin

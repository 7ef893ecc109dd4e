#include "libhookcore/runtime/container.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/oci/json.h"
#include "libhookcore/oci/state.h"
#include "libhookcore/sys/file.h"

namespace hookcore::runtime {

namespace {

constexpr const char* kConfigName = "config.json";
constexpr size_t kMaxState = size_t{16} << 20;

std::string_view variable(char* const* environment, std::string_view name) {
  for (; *environment != nullptr; ++environment) {
    const std::string_view entry = *environment;
    if (entry.starts_with(name) && entry.substr(name.size()).starts_with('=')) {
      return entry.substr(name.size() + 1);
    }
  }
  return {};
}

/// Where the runtime keeps its state when it isn't told.
std::string default_root(const Call& call) {
  // runc heeds XDG_RUNTIME_DIR by rules that have changed: where they matter it is asked.
  if (call.runtime.dialect == Dialect::kGo) return "/run/runc";
  const std::string_view directory = variable(call.environment, "XDG_RUNTIME_DIR");
  return directory.empty() ? "/run/crun" : std::string(directory) + "/crun";
}

std::string state_directory(const Call& call) {
  const auto& root = call.invocation.root;
  return (root ? std::string(*root) : default_root(call)) + "/" + std::string(call.invocation.id);
}

/// What a child writes to its standard output.
class Output {
 public:
  Output() {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw SystemError("pipe2", "", errno);
    read_.reset(ends[0]);
    write_.reset(ends[1]);
  }

  /// The exit code; what was written is in text.
  int run(const std::vector<std::string>& words, char* const* environment, std::string& text) {
    posix_spawn_file_actions_t actions;
    ::posix_spawn_file_actions_init(&actions);
    ::posix_spawn_file_actions_addopen(&actions, STDIN_FILENO, "/dev/null", O_RDONLY, 0);
    ::posix_spawn_file_actions_adddup2(&actions, write_.get(), STDOUT_FILENO);
    ::posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0);
    std::vector<char*> argv;
    argv.reserve(words.size() + 1);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): posix_spawn(3) changes no argument
    for (const std::string& word : words) argv.push_back(const_cast<char*>(word.c_str()));
    argv.push_back(nullptr);
    pid_t child = -1;
    const int failed =
        ::posix_spawn(&child, words[0].c_str(), &actions, nullptr, argv.data(), environment);
    ::posix_spawn_file_actions_destroy(&actions);
    if (failed != 0) throw SystemError("posix_spawn", words[0], failed);
    write_.reset();
    text = sys::read_all(read_.get(), kMaxState, words[0], Code::kState);
    int status = 0;
    while (::waitpid(child, &status, 0) < 0 && errno == EINTR) {
    }
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }

 private:
  sys::UniqueFd read_;
  sys::UniqueFd write_;
};

/// Without the engine's log: a container that isn't there is for the runtime to tell, once.
std::string bundle_of_state(const Call& call) {
  std::vector<std::string> words = {call.runtime.path};
  if (call.invocation.root) {
    words.insert(words.end(), {"--root", std::string(*call.invocation.root)});
  }
  words.insert(words.end(), {"state", std::string(call.invocation.id)});
  std::string text;
  if (Output().run(words, call.environment, text) != 0) return {};
  return oci::parse_state(text).bundle;
}

std::optional<Document> of_bundle(const std::string& bundle) {
  return bundle.empty() ? std::nullopt : Document::open(bundle, kConfigName);
}

/// A file of the runtime's state; none where the directory is closed to us. Another user's runtime
/// keeps it then, as root's does in /run/runc.
std::optional<Document> in_state(const Call& call, const char* name) {
  try {
    return Document::open(state_directory(call), name);
  } catch (const SystemError& error) {
    if (error.error_number() != EACCES) throw;
    return std::nullopt;
  }
}

}  // namespace

std::string bundle_of_runc(const std::string& state_json) {
  constexpr std::string_view kLabel = "bundle=";
  std::string bundle;
  oci::JsonReader reader(state_json, Code::kState, "runc's state.json");
  const auto labels = [&] {
    reader.array("config.labels", [&] {
      const std::string label = reader.string("config.labels");
      if (label.starts_with(kLabel)) bundle = label.substr(kLabel.size());
    });
  };
  reader.object("", oci::Field{"config", [&] {
                                 reader.object("config", oci::Field{"labels", labels});
                               }});
  return bundle;
}

std::optional<Document> container_config(const Call& call) {
  const std::string_view id = call.invocation.id;
  if (id.empty() || id == "." || id == ".." || id.find('/') != id.npos) return std::nullopt;
  if (call.runtime.dialect == Dialect::kGetopt) {
    if (auto config = in_state(call, kConfigName)) return config;
  } else if (const auto state = in_state(call, "state.json")) {
    return of_bundle(bundle_of_runc(state->text()));
  }
  return of_bundle(bundle_of_state(call));
}

}  // namespace hookcore::runtime

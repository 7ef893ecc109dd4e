#include "libhookcore/runtime/program.h"

#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/report/log.h"
#include "libhookcore/runtime/adjust.h"
#include "libhookcore/runtime/arguments.h"
#include "libhookcore/runtime/failure.h"
#include "libhookcore/runtime/real_runtime.h"
#include "libhookcore/settings/settings.h"

namespace hookcore::runtime {

namespace {

/// One run, step by step, so that a failure can be told with what is known by then.
class Program {
 public:
  Program(int argc, char** argv, char** environment)
      : argv_(argv), environment_(environment), log_("oci-cnb-runtime", hook::log_directory) {
    for (int i = 1; i < argc; ++i) words_.emplace_back(argv[i]);
  }

  int run() {
    try {
      adjust_and_become();
    } catch (const std::exception& exception) {
      return fail(as_error(exception));
    }
  }

 private:
  [[noreturn]] void adjust_and_become() {
    // Before the runtime is known, so that the engine is told when there is none.
    call_ = parse_arguments(words_, dialect_);
    const settings::HostUser user = settings::find_host_user();
    const RealRuntime real = find_runtime(argv_[0], settings::load_runtime(user));
    dialect_ = real.dialect;
    call_ = parse_arguments(words_, dialect_);
    become(real.path, adjust({call_, real, user, environment_}));
  }

  /// Options to be added behind the command.
  std::vector<std::string> adjust(const Call& call) {
    if (!call_.id.empty()) log_.set_container(call_.id);
    if (call_.command == "create" || call_.command == "run") adjust_bundle(call, log_);
    if (call_.command == "restore") refuse_restore(call);
    return call_.command == "exec" ? adjust_process(call) : std::vector<std::string>();
  }

  [[noreturn]] void become(const std::string& path, const std::vector<std::string>& added) {
    // crun chooses what it does by its name, so the name is its own.
    std::vector<const char*> words = {path.c_str()};
    words.insert(words.end(), argv_ + 1, argv_ + 1 + words_.size());
    std::vector<const char*> options;
    options.reserve(added.size());
    for (const std::string& option : added) options.push_back(option.c_str());
    words.insert(words.begin() + 1 + static_cast<ptrdiff_t>(call_.options_at), options.begin(),
                 options.end());
    words.push_back(nullptr);
    // NOLINTNEXTLINE(cppcoreguidelines-pro-type-const-cast): execve(2) changes no argument
    ::execve(path.c_str(), const_cast<char* const*>(words.data()), environment_);
    throw SystemError("execve", path, errno);
  }

  int fail(const Error& error) {
    tell_engine(call_, dialect_, "oci-cnb-runtime: " + error.line());
    log_.failure(error);
    return hook_exit_code(error.code());
  }

  char** argv_;
  char** environment_;
  report::Log log_;
  Words words_;
  Invocation call_;
  Dialect dialect_ = Dialect::kGo;
};

}  // namespace

int run_runtime(int argc, char** argv, char** environment) {
  if (argc < 1) return hook_exit_code(Code::kUsage);
  return Program(argc, argv, environment).run();
}

}  // namespace hookcore::runtime

// The NRI plugin for containerd and CRI-O: see oci-cnb-nri(8).

#include <fcntl.h>
#include <google/protobuf/stubs/logging.h>
#include <linux/capability.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <exception>
#include <string>

#include "libhookcore/base/error.h"
#include "libhookcore/daemon/service.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/sys/process.h"

namespace {

using namespace hookcore;

constexpr int kWrongUsage = 2;

void add_options(CLI::App& app, daemon::Options& options, bool& is_ready) {
  app.add_option("--socket", options.socket, "NRI's socket")->capture_default_str();
  app.add_option("--name", options.name, "name of the plugin")->capture_default_str();
  app.add_option("--index", options.index, "its place among other plugins, two digits")
      ->capture_default_str()
      ->check([](const std::string& index) {
        const bool digits =
            index.size() == 2 && index.find_first_not_of("0123456789") == index.npos;
        return digits ? std::string() : "two digits, 00 to 99";
      });
  app.add_option("--hooks-dir", options.hooks_directory,
                 "where the hooks are on the host; default: beside this program");
  app.add_option("--config", options.config, "configuration, as the hooks read it")
      ->capture_default_str();
  app.add_option("--state-dir", options.state_directory,
                 "the hooks' scratch; default: as configured");
  app.add_option("--metrics", options.metrics,
                 "serve /metrics and /ready: unix:PATH, 127.0.0.1:PORT");
  app.add_option("--ready-file", options.ready_file, "there while the plugin is connected");
  app.add_option("--lock-file", options.lock_file, "held while the plugin runs")
      ->capture_default_str();
  app.add_flag("--is-ready", is_ready, "only tell whether the ready file is there: exit 0 or 1");
}

int run(int argc, char** argv) {
  daemon::Options options;
  bool is_ready = false;
  CLI::App app("Adjusts containers that opt in, as a plugin of containerd's or CRI-O's NRI.");
  app.name("oci-cnb-nri");
  app.set_version_flag("--version", "oci-cnb-nri " OCI_CNB_VERSION);
  add_options(app, options, is_ready);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? 0 : kWrongUsage;
  }
  if (is_ready) return ::access(options.ready_file.c_str(), F_OK) == 0 ? 0 : 1;
  if (options.hooks_directory.empty()) {
    options.hooks_directory = environment::installed_hooks_directory();
  }
  sys::isolate_process();
  // What it says of broken messages is no line of our log, and might wait.
  google::protobuf::SetLogHandler(nullptr);
  // Scratch holds files of any user, in directories of any mode.
  sys::keep_capabilities(std::array{CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH, CAP_FOWNER});
  daemon::Service(options).run();
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const std::exception& exception) {
    const Error error = as_error(exception);
    std::fprintf(stderr, "oci-cnb-nri: %s\n", error.line().c_str());
    return cli_exit_code(error.code());
  }
}

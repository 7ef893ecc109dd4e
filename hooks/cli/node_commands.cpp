// oci-cnb node: the hooks on a Kubernetes node. A DaemonSet's init container runs it.
#include "hooks/cli/node_commands.h"

#include <algorithm>
#include <cctype>
#include <csignal>
#include <memory>
#include <string>

#include "hooks/cli/install_plan.h"
#include "libhookcore/base/error.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/node/install.h"

namespace hookcore::cli {
namespace {

struct Options {
  std::string root = "/";
  std::string engine = "containerd";
  bool without_nri = false;
  bool dry_run = false;
  node::Request request;
};

/// A key of TOML, and the name of a RuntimeClass's handler: a DNS label.
void require_label(const std::string& name) {
  const bool plain = !name.empty() && name.size() <= 63 && name.front() != '-' &&
                     std::all_of(name.begin(), name.end(), [](unsigned char c) {
                       return std::islower(c) != 0 || std::isdigit(c) != 0 || c == '-';
                     });
  if (plain) return;
  throw Error(Code::kUsage, "not a handler's name: " + quote(name), "--handler",
              "use lower case letters, digits and -");
}

void install(Options& options) {
  require_label(options.request.handler);
  options.request.engine =
      options.engine == "crio" ? node::Engine::kCrio : node::Engine::kContainerd;
  options.request.door = options.without_nri ? node::Door::kSpec : node::Door::kNri;
  if (options.request.programs.empty()) {
    options.request.programs = environment::program_directories();
  }
  options.request.settings = system_settings(options.root);
  const node::Host host(options.root);
  install_plan(host, node::plan_install(host, options.request), options.dry_run);
}

void uninstall(const Options& options) {
  const node::Host host(options.root);
  node::Plan plan = node::plan_uninstall(host, std::nullopt);
  plan.notes.emplace_back("restart the container runtime");
  uninstall_plan(host, plan, options.dry_run);
}

/// For a pod that has done its work on the node and must not be started again. Blocked and waited
/// for: process 1 of a container gets no signal that it doesn't handle.
void wait_for_end() {
  sigset_t ends{};
  sigemptyset(&ends);
  sigaddset(&ends, SIGTERM);
  sigaddset(&ends, SIGINT);
  if (::sigprocmask(SIG_BLOCK, &ends, nullptr) != 0) throw SystemError("sigprocmask", "", errno);
  int signal = 0;
  while (::sigwait(&ends, &signal) != 0) {
  }
}

void add_common_options(Command command, Options& options) {
  command.option("--root", options.root, "The directory at which the node's / is mounted")
      .type("DIR")
      .existing_directory();
  command.flag("--dry-run", options.dry_run, "Print what would change, as diff -u does");
}

}  // namespace

void add_node_commands(Command app) {
  const Command node = app.command("node", "Install the hooks on a Kubernetes node");
  node.needs_command();
  const auto options = std::make_shared<Options>();

  const Command install_command = node.command(
      "install", "Put programs and runtime handler on the node; run again, it changes nothing");
  add_common_options(install_command, *options);
  install_command.option("--engine", options->engine, "containerd or crio")
      .type("ENGINE")
      .one_of({"containerd", "crio"});
  install_command.flag("--without-nri", options->without_nri,
                       "The handler does it alone: for containerd 1.6");
  install_command.option("--handler", options->request.handler, "Name of the handler (cnb)")
      .type("NAME");
  install_command
      .option("--based-on", options->request.based_on,
              "The handler whose runtime is used (the engine's default)")
      .type("NAME");
  install_command
      .option("--programs", options->request.programs,
              "Where the programs are (beside this one, or ../libexec/oci-cnb-hooks)")
      .type("DIR")
      .single();
  install_command.callback([options] { install(*options); });

  const Command uninstall_command =
      node.command("uninstall", "Take handler and programs off the node; scratch stays");
  add_common_options(uninstall_command, *options);
  uninstall_command.callback([options] { uninstall(*options); });

  node.command("wait", "Wait for SIGTERM: the rest of a pod that has done its work")
      .callback(wait_for_end);
}

}  // namespace hookcore::cli

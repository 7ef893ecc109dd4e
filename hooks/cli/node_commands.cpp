// oci-cnb node: the hooks on a Kubernetes node. A DaemonSet's init container runs it.
#include "hooks/cli/node_commands.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <csignal>
#include <memory>
#include <string>
#include <vector>

#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/node/install.h"
#include "libhookcore/settings/settings.h"

namespace hookcore::cli {
namespace {

struct Options {
  std::string root = "/";
  std::string engine = "containerd";
  bool without_nri = false;
  bool dry_run = false;
  node::Request request;
};

/// In an image and in a build tree all programs lie together; a package has the hooks apart.
std::vector<std::string> own_directories() {
  std::array<char, 4096> path{};
  const ssize_t size = ::readlink("/proc/self/exe", path.data(), path.size());
  if (size < 0) throw SystemError("readlink", "/proc/self/exe", errno);
  const std::string program(path.data(), static_cast<size_t>(size));
  const std::string beside = program.substr(0, program.rfind('/'));
  return {beside, normalise_path(beside + "/../libexec/oci-cnb-hooks")};
}

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

settings::Settings settings_of(const std::string& root) {
  settings::SettingsFiles files;
  files.system = (root == "/" ? "" : root) + settings::kSystemFile;
  return settings::load_settings({}, files);
}

void show(const node::Plan& plan) {
  std::string text = "version " + plan.version + "\n";
  const std::string directory = std::string(node::kPrefix) + "/versions/" + plan.version + "/";
  for (const node::Plan::File& file : plan.versioned) {
    text += "write " + directory + file.path + " (" + std::to_string(file.bytes.size()) + " B)\n";
  }
  text += "link " + std::string(node::kPrefix) + "/current\n";
  for (const node::Edit& edit : plan.activation) {
    text += edit.bytes ? "write " + edit.path + ":\n" + *edit.bytes : "remove " + edit.path + "\n";
  }
  print(text);
}

void install(Options& options) {
  require_label(options.request.handler);
  options.request.engine =
      options.engine == "crio" ? node::Engine::kCrio : node::Engine::kContainerd;
  options.request.door = options.without_nri ? node::Door::kSpec : node::Door::kNri;
  if (options.request.programs.empty()) options.request.programs = own_directories();
  options.request.settings = settings_of(options.root);
  const node::Host host(options.root);
  const node::Plan plan = node::plan_install(host, options.request);
  if (options.dry_run) return show(plan);
  const bool changed = node::install(host, plan);
  std::string text = "installed " + plan.version + "\n";
  if (changed) {
    for (const std::string& note : plan.notes) text += note + "\n";
  }
  print(text);
}

void uninstall(const std::string& root) {
  const bool changed = node::uninstall(node::Host(root));
  print(changed ? "uninstalled; restart the container runtime\n" : "uninstalled\n");
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

void add_root(CLI::App& command, std::string& root) {
  command.add_option("--root", root, "The directory at which the node's / is mounted")
      ->type_name("DIR")
      ->check(CLI::ExistingDirectory);
}

}  // namespace

void add_node_commands(CLI::App& app) {
  CLI::App* node = app.add_subcommand("node", "Install the hooks on a Kubernetes node");
  node->require_subcommand(1);
  const auto options = std::make_shared<Options>();

  CLI::App* install_command = node->add_subcommand(
      "install", "Put programs and runtime handler on the node; run again, it changes nothing");
  add_root(*install_command, options->root);
  install_command->add_option("--engine", options->engine, "containerd or crio")
      ->type_name("ENGINE")
      ->check(CLI::IsMember({"containerd", "crio"}));
  install_command->add_flag("--without-nri", options->without_nri,
                            "The handler does it alone: for containerd 1.6");
  install_command->add_option("--handler", options->request.handler, "Name of the handler (cnb)")
      ->type_name("NAME");
  install_command
      ->add_option("--based-on", options->request.based_on,
                   "The handler whose runtime is used (the engine's default)")
      ->type_name("NAME");
  install_command
      ->add_option("--programs", options->request.programs,
                   "Where the programs are (beside this one, or ../libexec/oci-cnb-hooks)")
      ->type_name("DIR")
      ->expected(1);
  install_command->add_flag("--dry-run", options->dry_run, "Print what would be written");
  install_command->callback([options] { install(*options); });

  CLI::App* uninstall_command =
      node->add_subcommand("uninstall", "Take handler and programs off the node; scratch stays");
  add_root(*uninstall_command, options->root);
  uninstall_command->callback([options] { uninstall(options->root); });

  node->add_subcommand("wait", "Wait for SIGTERM: the rest of a pod that has done its work")
      ->callback(wait_for_end);
}

}  // namespace hookcore::cli

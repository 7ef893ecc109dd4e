// oci-cnb install and uninstall: what makes an engine of this machine call the hooks.
#include "hooks/cli/install_commands.h"

#include <map>
#include <memory>
#include <string>

#include "hooks/cli/install_plan.h"
#include "libhookcore/base/error.h"
#include "libhookcore/engines/engines.h"
#include "libhookcore/environment/hooks.h"

namespace hookcore::cli {
namespace {

using engines::Engine;

struct Options {
  std::string engine;
  std::string root = "/";
  bool for_user = false;
  bool without_nri = false;
  bool dry_run = false;
};

const std::map<std::string, Engine>& engine_names() {
  static const std::map<std::string, Engine> names{{"podman", Engine::kPodman},
                                                   {"containerd", Engine::kContainerd},
                                                   {"crio", Engine::kCrio},
                                                   {"docker", Engine::kDocker}};
  return names;
}

/// How something of this machine is called by one whose / is root.
std::string seen_from(const std::string& root, const std::string& path) {
  if (root == "/" || !path.starts_with(root + "/")) return path;
  return path.substr(root.size());
}

engines::Request request_of(Options& options) {
  while (options.root.size() > 1 && options.root.ends_with('/')) options.root.pop_back();
  engines::Request request;
  request.engine = engine_names().at(options.engine);
  if (options.for_user && request.engine != Engine::kPodman) {
    throw Error(Code::kUsage, "only podman has settings of a user's own", "--user",
                "leave it away");
  }
  request.podman.root = options.root;
  request.podman.for_user = options.for_user;
  request.podman.user = settings::find_host_user();
  request.node.engine =
      request.engine == Engine::kCrio ? node::Engine::kCrio : node::Engine::kContainerd;
  return request;
}

/// Uninstalling needs none of it: by then it may be gone.
void add_programs(const Options& options, engines::Request& request) {
  const auto directories = environment::program_directories();
  request.podman.hooks_directory =
      seen_from(options.root, environment::installed_hooks_directory());
  request.runtime_program = seen_from(options.root, directories.front() + "/oci-cnb-runtime");
  request.node.programs = directories;
  request.node.door = options.without_nri ? node::Door::kSpec : node::Door::kNri;
  request.node.settings = system_settings(options.root);
}

void install(Options& options) {
  engines::Request request = request_of(options);
  add_programs(options, request);
  const node::Host host(options.root);
  install_plan(host, engines::plan_install(host, request), options.dry_run);
}

void uninstall(Options& options) {
  const engines::Request request = request_of(options);
  const node::Host host(options.root);
  uninstall_plan(host, engines::plan_uninstall(host, request), options.dry_run);
}

void add_options(Command command, Options& options) {
  command.option("engine", options.engine, "podman, containerd, crio or docker")
      .required()
      .type("ENGINE")
      .one_of({"podman", "containerd", "crio", "docker"});
  command.flag("--user", options.for_user, "For your own podman, below ~/.config");
  command.option("--root", options.root, "The directory that is / of the machine")
      .type("DIR")
      .existing_directory();
  command.flag("--dry-run", options.dry_run, "Print what would change, as diff -u does");
}

}  // namespace

void add_install_commands(Command app) {
  const auto options = std::make_shared<Options>();
  const Command install_command =
      app.command("install", "Make an engine call the hooks; run again, it changes nothing");
  add_options(install_command, *options);
  install_command.flag("--without-nri", options->without_nri,
                       "The runtime handler does it alone: for containerd 1.6");
  install_command.callback([options] { install(*options); });

  const Command uninstall_command =
      app.command("uninstall", "Undo that, byte for byte; other settings in the same files stay");
  add_options(uninstall_command, *options);
  uninstall_command.callback([options] { uninstall(*options); });
}

}  // namespace hookcore::cli

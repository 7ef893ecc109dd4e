// oci-cnb run: a command in a container over a directory, without an engine and without an image.
#include "hooks/cli/run_commands.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <boost/process.hpp>
#include <climits>
#include <system_error>

#include "hooks/cli/container_options.h"
#include "hooks/cli/named.h"
#include "hooks/cli/run_room.h"
#include "hooks/cli/subordinate_ids.h"
#include "libhookcore/base/error.h"
#include "libhookcore/bundle/host_rootfs.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/preview/command.h"
#include "libhookcore/runtime/real_runtime.h"
#include "libhookcore/session/liveness.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/file.h"

namespace hookcore::cli {

namespace {

using Words = std::vector<std::string>;

bundle::Kind kind_of(const std::string& path) {
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) return bundle::Kind::kNothing;
  if (S_ISLNK(status.st_mode)) return bundle::Kind::kLink;
  return S_ISDIR(status.st_mode) ? bundle::Kind::kDirectory : bundle::Kind::kFile;
}

std::string link_target(const std::string& path) {
  std::array<char, PATH_MAX> target{};
  const ssize_t size = ::readlink(path.c_str(), target.data(), target.size());
  if (size < 0) throw SystemError("readlink", path, errno);
  return {target.data(), static_cast<size_t>(size)};
}

void make_directory(int parent, const std::string& path) {
  if (::mkdirat(parent, path.c_str(), 0755) != 0) throw SystemError("mkdirat", path, errno);
}

/// Below a directory that is ours alone; paths of the plan are absolute.
void make_rootfs(int room, const bundle::RootfsPlan& plan) {
  make_directory(room, "rootfs");
  const sys::UniqueFd root =
      sys::open_at(room, "rootfs", O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
  for (const std::string& path : plan.directories) make_directory(root.get(), path.substr(1));
  for (const auto& [path, target] : plan.links) {
    if (::symlinkat(target.c_str(), root.get(), path.substr(1).c_str()) != 0) {
      throw SystemError("symlinkat", path, errno);
    }
  }
  for (const auto& [path, contents] : plan.files) {
    const sys::UniqueFd file = sys::open_at(root.get(), path.substr(1), O_WRONLY | O_CREAT | O_EXCL,
                                            sys::Resolve::kStrict, 0644);
    sys::write_all(file.get(), contents, path);
  }
}

/// State of a runtime's own beside the bundle: it goes with it, and no other container is there.
Words runtime_words(const runtime::RealRuntime& real, const std::string& bundle) {
  Words words = {real.path, "--root", bundle + "/state"};
  // Nothing is limited, and a plain user owns no cgroup.
  if (real.dialect == runtime::Dialect::kGetopt && ::geteuid() != 0) {
    words.insert(words.end(), {"--cgroup-manager", "disabled"});
  }
  return words;
}

/// A word to the runtime about a container that may be gone.
void tell(const runtime::RealRuntime& real, const std::string& bundle, const Words& what) {
  namespace process = boost::process;
  Words words = runtime_words(real, bundle);
  const std::string program = words.front();
  words.erase(words.begin());
  words.insert(words.end(), what.begin(), what.end());
  std::error_code ignored;
  process::system(program, words, process::std_in<process::null, process::std_out> process::null,
                  process::std_err > process::null, ignored);
}

/// Ends the processes that the mount hook wrote down, and waits for it: a runtime that was killed
/// early enough knows nothing of its container, and crun 1.8 may freeze what it deletes by force
/// before it has died, which then never happens.
/// Of whatever session they are: it may have a name, and other members.
void kill_members(const std::string& store_root, const std::string& name) {
  constexpr int kPatience = 10000;  // ms; a process that hangs in the kernel is not waited for
  const auto store = session::Store::open_existing(store_root);
  if (!store) return;
  const sys::Proc proc = sys::Proc::open();
  for (const std::string& each : store->names()) {
    const auto directory = store->look(each);
    const auto state = directory ? session::read_state(directory->get()) : std::nullopt;
    if (!state) continue;
    for (const session::Member& member : state->members) {
      if (member.container != name) continue;
      const sys::RunningProcess process(proc, member.pid);
      if (!process || !session::is_alive(proc, *state, member)) continue;
      process.kill(kPatience);
    }
  }
}

/// What a killed run left: its container first, for it stands on the bundle.
void end_container(const runtime::RealRuntime& real, const std::string& store_root,
                   const std::string& bundle, const std::string& name) {
  kill_members(store_root, name);
  tell(real, bundle, {"delete", "--force", name});
}

/// poststop has given the scratch back, but for what a plain user's subordinate ids wrote.
void collect_scratch(const std::string& store_root) {
  auto store = session::Store::open_existing(store_root);
  if (!store) return;
  const session::CollectResult result = store->collect(sys::Proc::open());
  if (result.problems.empty() || ::geteuid() == 0) return;
  try {
    run_with_subordinate_ids({"session", "gc", "--mapped"});
  } catch (const Error&) {
    // `session gc` says so.
  }
}

void use_rootfs(const ContainerOptions& options, int room, bundle::Options& plan) {
  if (!options.rootfs.empty()) {
    plan.rootfs = real_path(options.rootfs, Code::kUsage);
    return;
  }
  const bundle::RootfsPlan rootfs =
      bundle::plan_host_rootfs({kind_of, link_target}, plan.user, plan.host_network);
  make_rootfs(room, rootfs);
  plan.rootfs_readonly = true;
  plan.tmpfs = rootfs.writable;
  plan.binds.insert(plan.binds.begin(), rootfs.binds.begin(), rootfs.binds.end());
}

/// The administrator's /cnb, which the mount hook can't add to a root that is read-only.
void use_configured_cnb(const ContainerOptions& options, const settings::Settings& settings,
                        int room, bundle::Options& plan) {
  if (!options.rootfs.empty()) return;
  if (options.cnb.empty() && !settings.cnb_dir) return;
  if (options.cnb.empty()) plan.binds.push_back({*settings.cnb_dir, "/cnb", true});
  make_directory(room, "rootfs/cnb");
}

/// runc hands its pipes over to the container's root, as whom it then starts the process. Where a
/// plain user isn't that root himself, he may not do so: `fchown fd 7: operation not permitted`.
bool only_crun_can(const oci::User& user) {
  return ::geteuid() != 0 && (user.uid != 0 || user.gid != 0);
}

runtime::RealRuntime runtime_for(const oci::User& user, const settings::Settings& settings) {
  if (!only_crun_can(user)) return runtime::find_runtime("", settings.runtime);
  auto real = runtime::find_runtime("", settings.runtime.value_or("crun"));
  if (real.dialect == runtime::Dialect::kGetopt) return real;
  throw Error(Code::kUsage, "runc can't start another user than root for a plain user",
              quote(real.path), "install crun and set runtime = \"crun\", or leave --user out");
}

int run_container(const ContainerOptions& options) {
  if (options.command.empty()) {
    throw Error(Code::kUsage, "no command", {}, "write it after --: oci-cnb run DIR -- COMMAND");
  }
  if (options.terminal && ::isatty(STDIN_FILENO) != 1) {
    throw Error(Code::kUsage, "standard input is no terminal", "--tty", "leave --tty out");
  }
  const hook::Home home = hook::Home::find();
  bundle::Options plan = bundle_options(options);
  const runtime::RealRuntime real = runtime_for(plan.user, home.settings);
  int exit_code = 0;
  {
    const RunRoom room(home.store_root);
    room.sweep([&](const std::string& path, const std::string& name) {
      end_container(real, home.store_root, path, name);
    });
    use_rootfs(options, room.fd(), plan);
    use_configured_cnb(options, home.settings, room.fd(), plan);
    sys::replace_file(room.fd(), "config.json", bundle::make_document(plan, home.settings));
    preview::Command command;
    command.words = runtime_words(real, room.path());
    command.words.insert(command.words.end(), {"run", "--bundle", room.path(), room.name()});
    command.directory = room.path();
    command.before_exec = [] { return 0; };
    command.started = [](pid_t) {};
    exit_code = preview::run_command(command);
    end_container(real, home.store_root, room.path(), room.name());
  }
  collect_scratch(home.store_root);
  return exit_code;
}

}  // namespace

void add_run_command(Command app, const std::vector<std::string>& words, int& exit_code) {
  const Command command =
      app.command("run", "Run a command in a container over a directory, without an engine");
  command.footer(
      "What stands after -- is the command and its arguments; the exit code is the command's. It "
      "needs\ncrun or runc. The programs in the container are the host's own, read-only.");
  const auto options = add_container_options(command, words);
  command
      .option("--rootfs", options->rootfs,
              "A root file system, used in place (default: the host's /usr, read-only)")
      .type("DIR");
  command.callback([options, &exit_code] { exit_code = run_container(*options); });
}

}  // namespace hookcore::cli

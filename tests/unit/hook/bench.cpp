#include "tests/unit/hook/bench.h"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <sstream>
#include <stdexcept>

#include "libhookcore/environment/plan.h"
#include "libhookcore/hook/mount_hook.h"
#include "libhookcore/hook/poststop.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/session/store.h"
#include "libhookcore/settings/settings.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/mount_table.h"
#include "tests/unit/support/samples.h"

namespace hookcore::hook::testing {
namespace {

constexpr int kNoExec = 126;

void require(bool done, const std::string& what) {
  if (!done) throw std::runtime_error(what + ": errno " + std::to_string(errno));
}

void bind_mount(const std::string& source, const std::string& target) {
  require(::mount(source.c_str(), target.c_str(), nullptr, MS_BIND | MS_REC, nullptr) == 0,
          "bind " + target);
}

// The directory of the store that the machine may have is covered, so that neither sees the other.
std::string cover_store(const sandbox::Place& place) {
  const settings::HostUser user = settings::find_host_user();
  const std::string root = session::default_root(user.rootful, user.uid, user.home);
  const std::string covered = user.rootful        ? "/var/lib"
                              : user.home.empty() ? "/var/tmp"
                                                  : user.home;
  if (!tree::exists(covered)) sandbox::skip("no directory " + covered);
  require(::mount("tmpfs", covered.c_str(), "tmpfs", 0, "mode=0755") == 0, "tmpfs on " + covered);
  if (place.path.starts_with(covered + "/")) {
    tree::make("/", {place.path.substr(1) + "/"});
    bind_mount("/proc/self/fd/" + std::to_string(place.fd), place.path);
  }
  return root;
}

// config.json as precreate leaves it.
std::string adjusted(const nlohmann::ordered_json& config,
                     const std::map<std::string, std::string>& annotations) {
  nlohmann::ordered_json document = config;
  document["annotations"] = annotations;
  oci::ConfigEditor editor(document.dump(), "config.json");
  const settings::Settings settings;
  try {
    const auto request = optin::parse_request(editor.view().annotations, settings.defaults);
    if (request) {
      environment::apply_plan(editor,
                              environment::plan_environment(editor.view(), *request, settings));
    }
  } catch (const Error&) {
    // The mount hook is to say it.
  }
  return editor.text();
}

}  // namespace

Bench::Bench(const sandbox::Place& place)
    : config(nlohmann::ordered_json::parse(samples::read("crun-spec.json"))), place_(place) {
  store_ = cover_store(place);
  tree::make(place.path, {"bundle/", "rootfs/workspace/", "rootfs/etc/passwd=root", "rootfs/proc/",
                          "source/file=kept", "source/node_modules/dep", "source/dir/x"});
  workspace_source = path("source");
  config["root"] = {{"path", path("rootfs")}, {"readonly", false}};
}

Bench::~Bench() { stop(); }

std::string Bench::inside(const std::string& below) const { return inside_of(pid_, below); }

std::string Bench::inside_of(pid_t pid, const std::string& below) const {
  return "/proc/" + std::to_string(pid) + "/root" + path(below);
}

void Bench::add_mount(const std::string& source, const std::string& destination) {
  config["mounts"].push_back({{"destination", destination},
                              {"type", "bind"},
                              {"source", source},
                              {"options", {"rbind", "rw"}}});
}

void Bench::start(const std::function<void()>& more_mounts) {
  nlohmann::ordered_json written = config;
  if (!workspace_source.empty()) {
    written["mounts"].push_back({{"destination", "/workspace"},
                                 {"type", "bind"},
                                 {"source", workspace_source},
                                 {"options", {"rbind", "rw"}}});
  }
  tree::write(path("bundle/config.json"), adjusted(written, annotations));
  int ready[2];
  require(::pipe2(ready, O_CLOEXEC) == 0, "pipe");
  pid_ = ::fork();
  if (pid_ == 0) {
    try {
      require(::unshare(CLONE_NEWNS) == 0, "unshare");
      // A rootfs that the test has mounted, shared or not, is taken as it is.
      const sys::UniqueFd fd(::open(path("rootfs").c_str(), O_PATH | O_DIRECTORY | O_CLOEXEC));
      if (!sys::is_mount_root(sys::Proc::open(), fd.get()))
        bind_mount(path("rootfs"), path("rootfs"));
      if (!workspace_source.empty()) bind_mount(workspace_source, path("rootfs/workspace"));
      if (more_mounts) more_mounts();
      require(::write(ready[1], "y", 1) == 1, "write");
    } catch (const std::exception& error) {
      std::fprintf(stderr, "container: %s\n", error.what());
      ::_exit(1);
    }
    while (true) ::pause();
  }
  ::close(ready[1]);
  char answer = 0;
  const bool started = ::read(ready[0], &answer, 1) == 1;
  ::close(ready[0]);
  require(started, "the container did not start");
}

void Bench::stop() {
  if (pid_ == 0) return;
  ::kill(pid_, SIGKILL);
  ::waitpid(pid_, nullptr, 0);
  pid_ = 0;
}

std::string Bench::state() const {
  nlohmann::ordered_json document{{"ociVersion", "1.0"},      {"id", id},
                                  {"status", "created"},      {"pid", pid_},
                                  {"bundle", path("bundle")}, {"annotations", annotations}};
  return document.dump();
}

Outcome Bench::mount_hook(const std::function<void()>& first) {
  return run(run_mount_hook, state(), first);
}

Outcome Bench::poststop_hook() { return run(run_poststop_hook, state()); }

Outcome Bench::run(void (*body)(report::Log&), const std::string& input,
                   const std::function<void()>& first) {
  tree::write(path("stdin"), input);
  const int status = sandbox::in_child([&] {
    const int in = ::open(path("stdin").c_str(), O_RDONLY | O_CLOEXEC);
    const int error =
        ::open(path("stderr").c_str(), O_CREAT | O_TRUNC | O_WRONLY | O_CLOEXEC, 0600);
    if (::dup2(in, STDIN_FILENO) < 0 || ::dup2(error, STDERR_FILENO) < 0) ::_exit(kNoExec);
    if (first) first();
    sandbox::leave(run_program("oci-cnb-test", body));
  });
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status),
          tree::read(path("stderr"))};
}

std::vector<std::string> Bench::mounts(const std::string& below) const {
  return mounts_of(std::to_string(pid_), below);
}

std::vector<std::string> Bench::host_mounts(const std::string& below) const {
  return mounts_of("self", below);
}

std::vector<std::string> Bench::mounts_of(const std::string& process,
                                          const std::string& below) const {
  const sys::Proc proc = sys::Proc::open();
  std::vector<std::string> found;
  std::istringstream lines(proc.read(process + "/mountinfo"));
  for (std::string line; std::getline(lines, line);) {
    const std::string point = sys::parse_mountinfo(line).at(0).mount_point;
    if (!point.starts_with(path(below))) continue;
    const size_t type = line.find(" - ") + 3;
    found.push_back(line.substr(type, line.find(' ', type) - type) + " " +
                    point.substr(path("").size()));
  }
  return found;
}

std::vector<std::string> Bench::sessions() const {
  const std::string directory = store_ + "/sessions";
  return tree::exists(directory) ? tree::names(directory) : std::vector<std::string>();
}

}  // namespace hookcore::hook::testing

#include "tests/bench/container.h"

#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "tests/bench/process.h"

namespace bench {
namespace {

using namespace hookcore;

constexpr const char* kRole = "io.cnb.hooks.role";

std::string read_file(const std::string& path) {
  const sys::UniqueFd file = sys::open_at(AT_FDCWD, path, O_RDONLY, sys::Resolve::kHost);
  return sys::read_all(file.get(), 1 << 20, path);
}

void make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0) throw SystemError("mkdir", path, errno);
}

void mount_or_die(const char* source, const std::string& target, unsigned long flags) {
  if (::mount(source, target.c_str(), nullptr, flags, nullptr) == 0) return;
  std::perror(target.c_str());
  ::_exit(1);
}

[[noreturn]] void be_container(const Bundle& bundle, int ready) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::unshare(CLONE_NEWNS) != 0) ::_exit(1);
  mount_or_die("none", "/", MS_REC | MS_PRIVATE);
  mount_or_die(bundle.rootfs().c_str(), bundle.rootfs(), MS_BIND | MS_REC);
  mount_or_die(bundle.source().c_str(), bundle.rootfs() + "/workspace", MS_BIND | MS_REC);
  if (::write(ready, "x", 1) != 1) ::_exit(1);
  while (true) ::pause();
}

// 64 hexadecimal digits, as podman's.
std::string next_id() {
  static unsigned long number = 0;
  std::array<char, 65> text{};
  std::snprintf(text.data(), text.size(), "%064lx", ++number);
  return text.data();
}

}  // namespace

Bundle::Bundle(std::string directory, std::string source, const std::string& template_file,
               const std::string& precreate)
    : directory_(std::move(directory)), source_(std::move(source)) {
  make_directory(directory_);
  make_directory(rootfs());
  make_directory(rootfs() + "/workspace");
  auto config = nlohmann::ordered_json::parse(read_file(template_file));
  config["root"]["path"] = rootfs();
  for (auto& mount : config["mounts"]) {
    if (mount["destination"] == "/workspace") mount["source"] = source_;
  }
  const std::string adjusted = output_of({{precreate}, config.dump()});
  const sys::UniqueFd at =
      sys::open_at(AT_FDCWD, directory_, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  sys::replace_file(at.get(), "config.json", adjusted, 0644, sys::Durability::kCrash);
}

std::string Bundle::state(const std::string& id, pid_t pid, bool opted_in) const {
  const auto config = nlohmann::ordered_json::parse(read_file(directory_ + "/config.json"));
  nlohmann::ordered_json annotations = config["annotations"];
  if (!opted_in) annotations.erase(kRole);
  const nlohmann::ordered_json state{{"ociVersion", "1.0"},
                                     {"id", id},
                                     {"pid", pid},
                                     {"root", rootfs()},
                                     {"bundle", directory_},
                                     {"status", "created"},
                                     {"annotations", annotations}};
  return state.dump();
}

Container::Container(const Bundle& bundle) : bundle_(bundle), id_(next_id()) {
  std::array<int, 2> ready{};
  if (::pipe2(ready.data(), O_CLOEXEC) != 0) throw SystemError("pipe2", "", errno);
  const sys::UniqueFd reader(ready[0]);
  sys::UniqueFd writer(ready[1]);
  pid_ = ::fork();
  if (pid_ < 0) throw SystemError("fork", "", errno);
  if (pid_ == 0) be_container(bundle, writer.get());
  writer.reset();
  char byte = 0;
  if (::read(reader.get(), &byte, 1) != 1) {
    throw Error(Code::kSystem, "the container for the benchmark could not be mounted");
  }
}

Container::~Container() {
  ::kill(pid_, SIGKILL);
  while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
  }
  // What the hook made in the rootfs: the next container is as fresh as this one was.
  for (const char* made : {"/layers", "/platform"}) ::rmdir((bundle_.rootfs() + made).c_str());
}

std::string Container::workspace() const {
  return "/proc/" + std::to_string(pid_) + "/root" + bundle_.rootfs() + "/workspace";
}

}  // namespace bench

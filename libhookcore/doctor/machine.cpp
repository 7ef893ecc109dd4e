#include "libhookcore/doctor/machine.h"

#include <fcntl.h>
#include <sys/utsname.h>
#include <unistd.h>

#include <algorithm>
#include <boost/process.hpp>
#include <iterator>
#include <system_error>

#include "libhookcore/base/error.h"
#include "libhookcore/settings/accounts.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/probe.h"
#include "libhookcore/sys/process.h"

namespace hookcore::doctor {
namespace {

constexpr size_t kMaxFile = size_t{16} << 20;  // /etc/passwd of a large site

std::string relative(const std::string& path) {
  const size_t start = path.find_first_not_of('/');
  return start == std::string::npos ? "." : path.substr(start);
}

Kernel this_kernel(bool rootful) {
  Kernel kernel;
  struct ::utsname name {};
  if (::uname(&name) == 0) kernel.release = name.release;
  kernel.missing_calls = sys::missing_calls();
  kernel.overlay_failure = sys::probe_overlay(!rootful);
  const sys::UniqueFd own = sys::open_at(sys::Proc::open().fd(), std::to_string(::getpid()) + "/ns",
                                         O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  kernel.namespaces = sys::list_directory(own.get());
  return kernel;
}

std::optional<std::string> run_program(const std::string& program,
                                       const std::vector<std::string>& arguments) {
  namespace process = boost::process;
  std::error_code failed;
  process::ipstream output;
  process::child child(program, arguments, process::std_out > output,
                       process::std_err > process::null, process::std_in < process::null, failed);
  if (failed) return std::nullopt;
  std::string text(std::istreambuf_iterator<char>(output), {});
  child.wait(failed);
  if (failed || child.exit_code() != 0) return std::nullopt;
  return text;
}

bool is_number(const std::string& name) {
  return name.find_first_not_of("0123456789") == std::string::npos;
}

// The value of "--ready-file=PATH" or "--ready-file PATH" among words that end in NUL each.
std::optional<std::string> ready_file(const std::string& words) {
  const std::string option = std::string(1, '\0') + "--ready-file";
  const size_t at = words.find(option);
  if (at == std::string::npos || at + option.size() >= words.size()) return std::nullopt;
  const size_t begin = at + option.size() + 1;
  return words.substr(begin, words.find('\0', begin) - begin);
}

// The file is there while the plugin is connected; its path counts in the plugin's own root, which
// may be a container's.
std::optional<bool> is_ready(const sys::Proc& proc, pid_t pid, const std::string& words) {
  const auto path = ready_file(words);
  if (!path) return std::nullopt;
  const sys::UniqueFd root = proc.root_of(pid);
  const int fd = sys::open_at_raw(root.get(), *path, O_PATH, sys::Resolve::kInRoot);
  if (fd == -ENOENT) return false;
  if (fd < 0) return std::nullopt;
  static_cast<void>(sys::UniqueFd(fd));
  return true;
}

NriPlugin find_nri_plugin() {
  const sys::Proc proc = sys::Proc::open();
  NriPlugin plugin;
  for (const std::string& name : sys::list_directory(proc.fd())) {
    if (!is_number(name)) continue;
    try {
      if (proc.read(name + "/comm") != "oci-cnb-nri\n") continue;
      plugin.runs = true;
      const auto ready = is_ready(proc, std::stoi(name), proc.read(name + "/cmdline"));
      if (ready && !plugin.connected.value_or(false)) plugin.connected = ready;
    } catch (const Error&) {
      // It has ended, or isn't ours to look at.
    }
  }
  return plugin;
}

}  // namespace

Files::Files(const std::string& root)
    : root_(sys::open_at(AT_FDCWD, root, O_PATH | O_DIRECTORY, sys::Resolve::kHost)),
      root_uid_(sys::stat_fd(root_.get(), root).st_uid) {}

std::optional<sys::UniqueFd> Files::open(const std::string& path, int flags) const {
  const int fd = sys::open_at_raw(root_.get(), relative(path), flags, sys::Resolve::kInRoot);
  if (fd >= 0) return sys::UniqueFd(fd);
  if (fd == -ENOENT || fd == -ENOTDIR) return std::nullopt;
  throw SystemError("open", path, -fd);
}

std::optional<std::string> Files::read(const std::string& path) const {
  const auto file = open(path, O_RDONLY | O_NONBLOCK);
  if (!file) return std::nullopt;
  if (!S_ISREG(sys::stat_fd(file->get(), path).st_mode)) {
    throw Error(Code::kSystem, "not a regular file", quote(path));
  }
  return sys::read_all(file->get(), kMaxFile, path);
}

std::optional<struct ::stat> Files::stat(const std::string& path) const {
  const auto file = open(path, O_PATH);
  if (!file) return std::nullopt;
  return sys::stat_fd(file->get(), path);
}

std::optional<std::string> Files::attribute(const std::string& path,
                                            const std::string& name) const {
  const auto file = open(path, O_RDONLY | O_NONBLOCK);
  return file ? sys::get_xattr(file->get(), name) : std::nullopt;
}

std::vector<std::string> Files::list(const std::string& path) const {
  const auto directory = open(path, O_RDONLY | O_DIRECTORY);
  if (!directory) return {};
  std::vector<std::string> names = sys::list_directory(directory->get());
  std::sort(names.begin(), names.end());
  return names;
}

std::optional<sys::UniqueFd> Files::open_directory(const std::string& path) const {
  const int fd =
      sys::open_at_raw(root_.get(), relative(path), O_RDONLY | O_DIRECTORY, sys::Resolve::kInRoot);
  return fd >= 0 ? std::optional(sys::UniqueFd(fd)) : std::nullopt;
}

Machine this_machine(const std::string& programs) {
  const settings::HostUser user = settings::find_host_user();
  Machine machine{Files("/"),  "",       user,
                  user.home,   programs, this_kernel(user.rootful),
                  run_program, try_ways, find_nri_plugin,
                  {}};
  if (machine.home.empty()) {
    machine.home =
        settings::home_directory(machine.files.read("/etc/passwd").value_or(""), user.uid);
  }
  return machine;
}

}  // namespace hookcore::doctor

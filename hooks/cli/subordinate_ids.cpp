#include "hooks/cli/subordinate_ids.h"

#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <boost/process.hpp>
#include <system_error>

#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/namespace.h"

namespace hookcore::cli {
namespace {

namespace process = boost::process;

constexpr std::string_view kReady = "ready";
constexpr const char* kSubuid = "/etc/subuid";
constexpr const char* kSubgid = "/etc/subgid";
constexpr size_t kMaxFile = size_t{16} << 20;

std::string read_file(const std::string& path) {
  const auto file = sys::try_open_at(AT_FDCWD, path, O_RDONLY, sys::Resolve::kHost);
  return file ? sys::read_all(file->get(), kMaxFile, path) : std::string();
}

std::string own_name() {
  const std::string name = settings::user_name(read_file("/etc/passwd"), ::getuid());
  return name.empty() ? std::to_string(::getuid()) : name;
}

SubordinateIds granted_to_us() {
  const std::string name = own_name();
  return {settings::granted_ids(read_file(kSubuid), name, ::getuid()),
          settings::granted_ids(read_file(kSubgid), name, ::getuid())};
}

// As podman maps: 0 is the user, what is granted follows without a gap.
std::vector<sys::IdRange> map_of(uint32_t own, const settings::IdRanges& granted) {
  std::vector<sys::IdRange> map{{0, own, 1}};
  uint32_t inside = 1;
  for (const auto& [start, count] : granted) {
    map.push_back({inside, start, count});
    inside += count;
  }
  return map;
}

// newuidmap PID 0 OWN 1  1 START COUNT ...
void map_ids(const char* program, pid_t pid, uint32_t own, const settings::IdRanges& granted,
             const char* file) {
  const auto path = process::search_path(program);
  if (path.empty()) {
    throw Error(Code::kSystem, std::string("no ") + program, "PATH", "install the package uidmap");
  }
  if (granted.empty()) {
    throw Error(Code::kSystem, "no subordinate ids for " + quote(own_name()), file);
  }
  std::vector<std::string> arguments{std::to_string(pid)};
  for (const sys::IdRange& range : map_of(own, granted)) {
    for (const uint32_t number : {range.inside, range.outside, range.count}) {
      arguments.push_back(std::to_string(number));
    }
  }
  std::error_code error;
  const int status = process::system(path, arguments, process::std_in < process::null, error);
  if (error) throw SystemError("starting", program, error.value());
  if (status != 0) throw Error(Code::kSystem, std::string(program) + " refused", file);
}

}  // namespace

std::pair<std::vector<sys::IdRange>, std::vector<sys::IdRange>> own_id_maps() {
  const SubordinateIds granted = granted_to_us();
  return {map_of(::getuid(), granted.uids), map_of(::getgid(), granted.gids)};
}

SubordinateIds own_subordinate_ids() {
  SubordinateIds ids = granted_to_us();
  const bool usable = !ids.uids.empty() && !ids.gids.empty() &&
                      !process::search_path("newuidmap").empty() &&
                      !process::search_path("newgidmap").empty();
  return usable ? ids : SubordinateIds();
}

std::vector<std::string> run_with_subordinate_ids(const std::vector<std::string>& arguments) {
  process::ipstream from_child;
  process::opstream to_child;
  std::error_code error;
  process::child child("/proc/self/exe", arguments, process::std_out > from_child,
                       process::std_in < to_child, error);
  if (error) throw SystemError("starting", "oci-cnb", error.value());
  std::string line;
  if (!std::getline(from_child, line) || line != kReady) {
    child.wait();
    throw Error(Code::kSystem, "this machine allows a plain user no user namespace");
  }
  try {
    const SubordinateIds granted = granted_to_us();
    map_ids("newuidmap", child.id(), ::getuid(), granted.uids, kSubuid);
    map_ids("newgidmap", child.id(), ::getgid(), granted.gids, kSubgid);
  } catch (...) {
    to_child.pipe().close();
    child.wait();
    throw;
  }
  to_child << "go" << std::endl;
  std::vector<std::string> lines;
  while (std::getline(from_child, line)) lines.push_back(line);
  child.wait();
  return lines;
}

void enter_subordinate_namespace() {
  sys::unshare_user();
  print(std::string(kReady) + "\n");
  std::array<char, 3> answer{};
  if (::read(STDIN_FILENO, answer.data(), answer.size()) <= 0) {
    throw Error(Code::kSystem, "no id maps were written");
  }
  sys::become_root_inside();
}

}  // namespace hookcore::cli

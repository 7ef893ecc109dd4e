#include "hooks/cli/subordinate_ids.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
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
constexpr size_t kMaxFile = size_t{16} << 20;

template <size_t N>
std::array<std::string_view, N> fields_of(std::string_view line) {
  std::array<std::string_view, N> fields;
  for (std::string_view& field : fields) {
    field = line.substr(0, line.find(':'));
    line.remove_prefix(std::min(field.size() + 1, line.size()));
  }
  return fields;
}

std::vector<std::string_view> lines_of(std::string_view text) {
  std::vector<std::string_view> lines;
  while (!text.empty()) {
    lines.push_back(text.substr(0, text.find('\n')));
    text.remove_prefix(std::min(lines.back().size() + 1, text.size()));
  }
  return lines;
}

std::string read_file(const std::string& path) {
  const auto file = sys::try_open_at(AT_FDCWD, path, O_RDONLY, sys::Resolve::kHost);
  return file ? sys::read_all(file->get(), kMaxFile, path) : std::string();
}

std::string own_name(const std::string& uid) {
  const std::string passwd = read_file("/etc/passwd");
  for (const std::string_view line : lines_of(passwd)) {
    const auto [name, password, number] = fields_of<3>(line);
    if (number == uid) return std::string(name);
  }
  return uid;
}

// newuidmap PID 0 OWN 1  1 START COUNT ...
void map_ids(const char* program, pid_t pid, const std::string& own, const std::string& file,
             const std::string& name, const std::string& uid) {
  const auto path = process::search_path(program);
  if (path.empty()) {
    throw Error(Code::kSystem, std::string("no ") + program, "PATH", "install the package uidmap");
  }
  std::vector<std::string> arguments{std::to_string(pid), "0", own, "1"};
  const std::string text = read_file(file);
  uint64_t inside = 1;
  for (const auto& [start, count] : subordinate_ranges(text, name, uid)) {
    arguments.insert(arguments.end(), {std::to_string(inside), start, count});
    inside += std::stoull(count);
  }
  if (inside == 1) throw Error(Code::kSystem, "no subordinate ids for " + quote(name), file);
  std::error_code error;
  const int status = process::system(path, arguments, process::std_in < process::null, error);
  if (error) throw SystemError("starting", program, error.value());
  if (status != 0) throw Error(Code::kSystem, std::string(program) + " refused", file);
}

bool is_number(std::string_view text) {
  return !text.empty() && text.size() <= 10 &&
         std::all_of(text.begin(), text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

}  // namespace

std::vector<std::pair<std::string, std::string>> subordinate_ranges(std::string_view text,
                                                                    std::string_view name,
                                                                    std::string_view number) {
  std::vector<std::pair<std::string, std::string>> ranges;
  for (const std::string_view line : lines_of(text)) {
    const auto [owner, start, count] = fields_of<3>(line);
    if ((owner == name || owner == number) && is_number(start) && is_number(count)) {
      ranges.emplace_back(start, count);
    }
  }
  return ranges;
}

std::pair<std::vector<sys::IdRange>, std::vector<sys::IdRange>> own_id_maps() {
  const std::string uid = std::to_string(::getuid());
  const std::string name = own_name(uid);
  const auto ranges = [&](const char* file, uint32_t own) {
    std::vector<sys::IdRange> map{{0, own, 1}};
    uint32_t inside = 1;
    const std::string text = read_file(file);
    for (const auto& [start, count] : subordinate_ranges(text, name, uid)) {
      const auto length = static_cast<uint32_t>(std::stoull(count));
      map.push_back({inside, static_cast<uint32_t>(std::stoull(start)), length});
      inside += length;
    }
    return map;
  };
  return {ranges("/etc/subuid", ::getuid()), ranges("/etc/subgid", ::getgid())};
}

SubordinateIds own_subordinate_ids() {
  const std::string uid = std::to_string(::getuid());
  const std::string name = own_name(uid);
  SubordinateIds ids{subordinate_ranges(read_file("/etc/subuid"), name, uid),
                     subordinate_ranges(read_file("/etc/subgid"), name, uid)};
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
  const std::string uid = std::to_string(::getuid());
  const std::string name = own_name(uid);
  try {
    map_ids("newuidmap", child.id(), uid, "/etc/subuid", name, uid);
    map_ids("newgidmap", child.id(), std::to_string(::getgid()), "/etc/subgid", name, uid);
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

#include "libhookcore/bundle/host_rootfs.h"

#include <algorithm>

namespace hookcore::bundle {

namespace {

struct EtcPath {
  const char* path;
  bool is_directory;
};

/// Links in /usr lead to alternatives, and TLS needs certificates; nothing secret is in these.
constexpr EtcPath kEtc[] = {{"/etc/alternatives", true},
                            {"/etc/ld.so.cache", false},
                            {"/etc/ssl/certs", true},
                            {"/etc/pki/tls/certs", true},
                            {"/etc/pki/ca-trust", true}};
constexpr EtcPath kNetworkEtc[] = {{"/etc/resolv.conf", false}, {"/etc/hosts", false}};
constexpr const char* kProgramDirectories[] = {"/bin",   "/sbin",  "/lib",
                                               "/lib32", "/lib64", "/libx32"};

void add_program_directories(const HostView& host, RootfsPlan& plan) {
  plan.directories.emplace_back("/usr");
  plan.binds.push_back({"/usr", "/usr", true});
  for (const std::string path : kProgramDirectories) {
    const Kind kind = host.kind(path);
    if (kind == Kind::kLink) {
      plan.links.emplace_back(path, host.link_target(path));
    } else if (kind == Kind::kDirectory) {
      plan.directories.push_back(path);
      plan.binds.push_back({path, path, true});
    }
  }
}

/// With its parents.
void add_directory(const std::string& path, RootfsPlan& plan) {
  const auto& all = plan.directories;
  if (path.empty() || std::find(all.begin(), all.end(), path) != all.end()) return;
  add_directory(path.substr(0, path.rfind('/')), plan);
  plan.directories.push_back(path);
}

/// A bind, and the place for it: one that a runtime makes belongs to the container's root, who need
/// not be the user that has to remove it. The source may be a link: the runtime follows it.
void add_etc(const HostView& host, const EtcPath& etc, RootfsPlan& plan) {
  const std::string path = etc.path;
  if (host.kind(path) == Kind::kNothing) return;
  plan.binds.push_back({path, path, true});
  if (etc.is_directory) {
    add_directory(path, plan);
  } else {
    plan.files.emplace_back(path, "");
  }
}

std::string id_line(const std::string& name, uint32_t id) {
  return name + ":x:" + std::to_string(id) + ":";
}

void add_users(const oci::User& user, RootfsPlan& plan) {
  std::string passwd = "root:x:0:0:root:/root:/bin/sh\n";
  std::string group = "root:x:0:\ntty:x:5:\n";
  if (user.uid != 0) {
    passwd += id_line("cnb", user.uid) + std::to_string(user.gid) + ":cnb:/tmp:/bin/sh\n";
  }
  if (user.gid != 0) group += id_line("cnb", user.gid) + "\n";
  plan.files.emplace_back("/etc/passwd", passwd);
  plan.files.emplace_back("/etc/group", group);
}

}  // namespace

RootfsPlan plan_host_rootfs(const HostView& host, const oci::User& user, bool host_network) {
  RootfsPlan plan;
  plan.directories = {"/etc", "/proc", "/sys",     "/dev",    "/tmp",      "/root",     "/home",
                      "/run", "/var",  "/var/tmp", "/layers", "/platform", "/workspace"};
  add_program_directories(host, plan);
  for (const EtcPath& path : kEtc) add_etc(host, path, plan);
  add_users(user, plan);
  plan.files.emplace_back("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  if (host_network) {
    for (const EtcPath& path : kNetworkEtc) add_etc(host, path, plan);
  } else {
    plan.files.emplace_back("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
  }
  plan.writable = {"/root", "/run", "/var/tmp"};
  return plan;
}

}  // namespace hookcore::bundle

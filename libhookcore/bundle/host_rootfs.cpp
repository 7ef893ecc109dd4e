#include "libhookcore/bundle/host_rootfs.h"

namespace hookcore::bundle {

namespace {

/// Links in /usr lead to alternatives, and TLS needs certificates; nothing secret is in these.
constexpr const char* kEtc[] = {"/etc/alternatives", "/etc/ld.so.cache", "/etc/ssl/certs",
                                "/etc/pki/tls/certs", "/etc/pki/ca-trust"};
constexpr const char* kNetworkEtc[] = {"/etc/resolv.conf", "/etc/hosts"};
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

void add_etc(const HostView& host, const std::string& path, RootfsPlan& plan) {
  const Kind kind = host.kind(path);
  if (kind == Kind::kNothing) return;
  // The runtime makes what a bind needs below /etc; it follows a link at the source.
  plan.binds.push_back({path, path, true});
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
  for (const char* path : kEtc) add_etc(host, path, plan);
  add_users(user, plan);
  plan.files.emplace_back("/etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n");
  if (host_network) {
    for (const char* path : kNetworkEtc) add_etc(host, path, plan);
  } else {
    plan.files.emplace_back("/etc/hosts", "127.0.0.1 localhost\n::1 localhost\n");
  }
  plan.writable = {"/root", "/run", "/var/tmp"};
  return plan;
}

}  // namespace hookcore::bundle

#include "libhookcore/node/base_spec.h"

#include <nlohmann/json.hpp>

namespace hookcore::node {
namespace {

using Json = nlohmann::ordered_json;

Json mount(const char* destination, const char* type, const char* source,
           std::initializer_list<const char*> options) {
  return {{"destination", destination}, {"type", type}, {"source", source}, {"options", options}};
}

Json mounts() {
  return {
      mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}),
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
      mount("/dev/pts", "devpts", "devpts",
            {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}),
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}),
      mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}),
      mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}),
      mount("/run", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}),
  };
}

Json process(Door door, const settings::Settings& settings) {
  const Json capabilities = {
      "CAP_CHOWN",      "CAP_DAC_OVERRIDE", "CAP_FSETID",           "CAP_FOWNER",     "CAP_MKNOD",
      "CAP_NET_RAW",    "CAP_SETGID",       "CAP_SETUID",           "CAP_SETFCAP",    "CAP_SETPCAP",
      "CAP_SYS_CHROOT", "CAP_KILL",         "CAP_NET_BIND_SERVICE", "CAP_AUDIT_WRITE"};
  Json process = {{"user", {{"uid", 0}, {"gid", 0}}}, {"cwd", "/workspace"}};
  if (door == Door::kSpec) {
    process["env"] = {"CNB_PLATFORM_API=" + settings.platform_api, "CNB_APP_DIR=/workspace",
                      "CNB_LAYERS_DIR=/layers", "CNB_PLATFORM_DIR=/platform"};
  }
  process["capabilities"] = {
      {"bounding", capabilities}, {"effective", capabilities}, {"permitted", capabilities}};
  process["noNewPrivileges"] = true;
  return process;
}

Json hook(std::string_view programs, const char* program) {
  return {{"path", std::string(programs) + "/" + program},
          {"args", {program}},
          // Go drops an empty array, and old runtimes take that for "inherit" (CVE-2025-23266).
          {"env", {"PATH=/usr/bin:/bin"}}};
}

Json hooks(Door door, std::string_view programs) {
  // An initializer list of one object would be that object, not an array of it.
  if (door == Door::kNri) {
    return {{"createRuntime", Json::array({hook(programs, "oci-cnb-guard")})}};
  }
  return {{"createRuntime", Json::array({hook(programs, "oci-cnb-createruntime")})},
          {"poststop", Json::array({hook(programs, "oci-cnb-poststop")})}};
}

Json linux_section() {
  Json namespaces = Json::array();
  for (const char* type : {"pid", "ipc", "uts", "mount", "network"}) {
    namespaces.push_back({{"type", type}});
  }
  return {{"resources", {{"devices", Json::array({{{"allow", false}, {"access", "rwm"}}})}}},
          {"cgroupsPath", "/default"},
          {"namespaces", std::move(namespaces)},
          {"maskedPaths",
           {"/proc/acpi", "/proc/asound", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
            "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/sys/firmware",
            "/sys/devices/virtual/powercap", "/proc/scsi"}},
          {"readonlyPaths",
           {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"}}};
}

}  // namespace

std::string base_spec(Door door, std::string_view programs, const settings::Settings& settings) {
  const Json document = {{"ociVersion", "1.0.2"},          {"process", process(door, settings)},
                         {"root", {{"path", "rootfs"}}},   {"mounts", mounts()},
                         {"hooks", hooks(door, programs)}, {"linux", linux_section()}};
  return document.dump(2) + "\n";
}

}  // namespace hookcore::node

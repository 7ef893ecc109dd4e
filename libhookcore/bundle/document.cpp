#include <algorithm>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/bundle/bundle.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/request.h"

namespace hookcore::bundle {

namespace {

using Json = nlohmann::ordered_json;
using Strings = std::vector<std::string>;

constexpr const char* kPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";
/// The group of terminals, tty, in every distribution.
constexpr uint32_t kTtyGroup = 5;

/// What container engines leave the root of a container: enough to install packages and to become
/// another user, nothing that reaches the host.
const Strings& capabilities() {
  static const Strings kCapabilities = {
      "CAP_CHOWN",   "CAP_DAC_OVERRIDE",     "CAP_FOWNER",    "CAP_FSETID",
      "CAP_KILL",    "CAP_SETGID",           "CAP_SETUID",    "CAP_SETPCAP",
      "CAP_SETFCAP", "CAP_NET_BIND_SERVICE", "CAP_SYS_CHROOT"};
  return kCapabilities;
}

Json mount(const std::string& destination, const std::string& type, const std::string& source,
           const Strings& options) {
  return {{"destination", destination}, {"type", type}, {"source", source}, {"options", options}};
}

Json bind(const Bind& bind) {
  return mount(bind.destination, "bind", bind.source,
               {"rbind", "rprivate", bind.readonly ? "ro" : "rw"});
}

Strings devpts_options(const Options& options) {
  Strings words = {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620"};
  const bool mapped =
      !options.user_namespace || oci::map_to_host(options.user_namespace->gids, kTtyGroup);
  if (mapped) words.push_back("gid=" + std::to_string(kTtyGroup));
  return words;
}

/// The kernel mounts sysfs only for the owner of the network namespace that it shows.
Json sys_mount(const Options& options) {
  if (options.user_namespace && options.host_network) {
    return mount("/sys", "none", "/sys", {"rbind", "nosuid", "noexec", "nodev", "ro"});
  }
  return mount("/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"});
}

Json mounts(const Options& options, const optin::Request& request) {
  Json list = Json::array();
  list.push_back(mount("/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}));
  list.push_back(
      mount("/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}));
  list.push_back(mount("/dev/pts", "devpts", "devpts", devpts_options(options)));
  list.push_back(
      mount("/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=65536k"}));
  list.push_back(mount("/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}));
  list.push_back(sys_mount(options));
  list.push_back(mount("/tmp", "tmpfs", "tmpfs", {"nosuid", "nodev", "mode=1777"}));
  for (const std::string& path : options.tmpfs) {
    list.push_back(mount(path, "tmpfs", "tmpfs",
                         {"nosuid", "nodev", path == "/root" ? "mode=0700" : "mode=1777"}));
  }
  for (const Bind& one : options.binds) list.push_back(bind(one));
  if (!options.source.empty()) {
    list.push_back(bind({options.source, request.workspace_path, false}));
  }
  return list;
}

Strings environment_of(const Options& options) {
  Strings entries = {kPath};
  if (options.terminal) entries.emplace_back("TERM=xterm");
  for (const std::string& entry : options.env) {
    const std::string name = entry.substr(0, entry.find('=') + 1);
    const auto same = std::find_if(entries.begin(), entries.end(),
                                   [&](const std::string& one) { return one.starts_with(name); });
    same == entries.end() ? entries.push_back(entry) : void(*same = entry);
  }
  return entries;
}

Json process(const Options& options) {
  const bool root = options.user.uid == 0;
  const Strings held = root ? capabilities() : Strings();
  return {
      {"terminal", options.terminal},
      {"user", {{"uid", options.user.uid}, {"gid", options.user.gid}}},
      {"args", options.args},
      {"env", environment_of(options)},
      {"cwd", "/"},
      {"capabilities", {{"bounding", capabilities()}, {"effective", held}, {"permitted", held}}},
      {"noNewPrivileges", true}};
}

Json mappings(const std::vector<oci::IdMapping>& maps) {
  Json list = Json::array();
  for (const oci::IdMapping& map : maps) {
    list.push_back(
        {{"containerID", map.container_id}, {"hostID", map.host_id}, {"size", map.size}});
  }
  return list;
}

Json linux_part(const Options& options) {
  Json part = Json::object();
  if (options.user_namespace) {
    part["uidMappings"] = mappings(options.user_namespace->uids);
    part["gidMappings"] = mappings(options.user_namespace->gids);
  }
  part["namespaces"] = Json::array();
  for (const char* type : {"pid", "ipc", "uts", "mount"}) {
    part["namespaces"].push_back({{"type", type}});
  }
  if (!options.host_network) part["namespaces"].push_back({{"type", "network"}});
  if (options.user_namespace) part["namespaces"].push_back({{"type", "user"}});
  part["maskedPaths"] = {"/proc/acpi",        "/proc/asound",        "/proc/kcore",
                         "/proc/keys",        "/proc/latency_stats", "/proc/timer_list",
                         "/proc/timer_stats", "/proc/sched_debug",   "/proc/scsi",
                         "/sys/firmware"};
  part["readonlyPaths"] = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                           "/proc/sysrq-trigger"};
  return part;
}

Json document(const Options& options, const optin::Request& request) {
  Json root = Json::object();
  root["ociVersion"] = "1.0.2";
  root["process"] = process(options);
  root["root"] = {{"path", options.rootfs}, {"readonly", options.rootfs_readonly}};
  root["hostname"] = options.hostname;
  root["mounts"] = mounts(options, request);
  root["annotations"] = options.annotations;
  root["linux"] = linux_part(options);
  return root;
}

std::string text_of(const Json& document, int indent) {
  try {
    return document.dump(indent);
  } catch (const Json::type_error&) {
    throw Error(Code::kUsage, "a path, argument or variable isn't UTF-8",
                "config.json can't hold it", "use names that are UTF-8");
  }
}

}  // namespace

std::string make_document(const Options& options, const settings::Settings& settings) {
  const auto request = optin::parse_request(options.annotations, settings.defaults);
  if (!request) {
    throw Error(Code::kUsage, "no role", {}, "give the annotation " + std::string(optin::kRoleKey));
  }
  oci::ConfigEditor editor(text_of(document(options, *request), -1), "the generated config.json");
  environment::apply_plan(editor, environment::plan_environment(editor.view(), *request, settings));
  environment::add_hooks(editor, options.hooks_directory, options.starter);
  return text_of(Json::parse(editor.text()), 2) + "\n";
}

}  // namespace hookcore::bundle

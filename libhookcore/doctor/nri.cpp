#include "libhookcore/doctor/nri.h"

namespace hookcore::doctor {
namespace {

constexpr const char* kNri = "nri";
constexpr const char* kDefaultSocket = "/var/run/nri/nri.sock";

Finding check_plugin(const Machine& machine, const std::string& socket) {
  const NriPlugin plugin = machine.find_nri_plugin();
  constexpr const char* kWhy =
      "pods get nothing of what they ask for, and those of a handler of ours don't start";
  if (!plugin.runs) {
    return failure(kNri, "oci-cnb-nri doesn't run", kWhy,
                   "sudo systemctl enable --now oci-cnb-nri, or the DaemonSet: never both");
  }
  if (!plugin.connected) {
    return ok(kNri,
              "oci-cnb-nri runs; without --ready-file it can't be told whether it is "
              "connected");
  }
  if (!*plugin.connected) {
    return failure(kNri, "oci-cnb-nri runs, and isn't connected to " + socket, kWhy,
                   "journalctl -u oci-cnb-nri, or the log of the DaemonSet's pod, says why");
  }
  return ok(kNri, "oci-cnb-nri is connected to " + socket);
}

}  // namespace

Findings check_nri(const Machine& machine, const NriOf& nri) {
  const std::string socket = nri.socket.empty() ? kDefaultSocket : nri.socket;
  const auto status = machine.files.stat(socket);
  if (status && (status->st_mode & S_IWOTH) != 0) {
    return {failure(kNri, socket + " is open to everybody",
                    "whoever can write to it controls every container of the node",
                    "chmod 0600 " + socket)};
  }
  if (!nri.needed) return {};
  if (nri.off) {
    return {failure(kNri, "NRI is off in " + nri.engine + "'s configuration",
                    "oci-cnb-nri adjusts no container, and none of our handlers starts one",
                    nri.switch_on + "; " + nri.restart)};
  }
  if (!status) {
    return {failure(kNri, "there is no NRI socket " + socket,
                    nri.engine + " doesn't run, or hasn't read its configuration: oci-cnb-nri "
                                 "can't reach it",
                    "sudo " + nri.restart)};
  }
  return {check_plugin(machine, socket)};
}

}  // namespace hookcore::doctor

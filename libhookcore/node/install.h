#pragma once

#include <optional>
#include <string>
#include <vector>

#include "libhookcore/node/base_spec.h"
#include "libhookcore/node/edit.h"
#include "libhookcore/node/host.h"

/// The hooks on a Kubernetes node (SPEC 2), put there by a DaemonSet's init container:
///
///   /opt/oci-cnb-hooks/versions/VERSION/   programs and base-spec.json; never changed once there
///   /opt/oci-cnb-hooks/current             a link to one of them: what containers' documents name
///   /etc/containerd/                       the runtime handler, see containerd_config.h
///   /etc/crio/crio.conf.d/…                the same for CRI-O, which reads hooks.d by itself
namespace hookcore::node {

inline constexpr const char* kPrefix = "/opt/oci-cnb-hooks";

enum class Engine { kContainerd, kCrio };

/// What is to be on the machine. Plain data: --dry-run prints it, install() does it.
struct Plan {
  struct File {
    std::string path;  ///< on the host
    std::string bytes;
    mode_t mode = 0644;
  };
  std::string version;             ///< name of the directory of this installation
  std::vector<File> versioned;     ///< paths below the version's directory
  std::vector<Edit> activation;    ///< what makes the engine call them: written last
  std::vector<std::string> notes;  ///< what the administrator has to know or do; one line each
  bool removes_programs = false;   ///< all below kPrefix, last
};

struct Request {
  Engine engine = Engine::kContainerd;
  Door door = Door::kNri;
  std::string handler = "cnb";
  std::string based_on;  ///< empty: the engine's default handler
  /// Where our programs are, outside of the host's root; each is taken from the first that has it.
  std::vector<std::string> programs;
  settings::Settings settings;
};

/// Reads programs and the node's configuration. Throws Error: a program is missing, or
/// configuration that can't be added to (see with_handler).
Plan plan_install(const Host& host, const Request& request);

/// Puts the programs there, then switches the link, then tells the engine; older versions but the
/// one before are removed. Idempotent. True: the engine's configuration changed, it has to be
/// restarted.
bool install(const Host& host, const Plan& plan);

/// In reverse: first the engine's configuration, then the programs, unless the other engine calls
/// them. Scratch stays. nullopt: both engines.
Plan plan_uninstall(const Host& host, std::optional<Engine> engine);

/// True: something of the engine's configuration was removed.
bool uninstall(const Host& host, const Plan& plan);

/// What install or uninstall would do with it: programs by name and size, other files as a diff,
/// directories that go by their paths. Nothing else is left out; empty: nothing.
std::string describe(const Host& host, const Plan& plan);

}  // namespace hookcore::node

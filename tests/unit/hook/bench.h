#pragma once

#include <sys/types.h>

#include <functional>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "libhookcore/report/log.h"
#include "tests/unit/support/sandbox.h"
#include "tests/unit/support/tree.h"

namespace hookcore::hook::testing {

struct Outcome {
  int exit_code = -1;
  std::string error;  ///< stderr
};

/// What an engine does up to its hooks, and the hooks on it, without an engine: a bundle, a rootfs,
/// and a process in a mount namespace of its own that stands for the container. The store is where
/// it always is, on a tmpfs that covers the machine's own.
class Bench {
 public:
  explicit Bench(const sandbox::Place& place);
  ~Bench();
  Bench(const Bench&) = delete;
  Bench& operator=(const Bench&) = delete;

  /// PLACE/below. rootfs, source and bundle are directories in it.
  std::string path(const std::string& below) const { return place_.path + "/" + below; }
  /// The same in the container's mount namespace.
  std::string inside(const std::string& below) const;

  /// To be changed before start(): annotations, and what stands in config.json besides them.
  std::map<std::string, std::string> annotations{{"io.cnb.hooks.role", "dev"}};
  nlohmann::ordered_json config;
  std::string id = "test-1";
  std::string workspace_source;  ///< bound at rootfs/workspace; empty: nothing is

  /// Adds a mount to config.json.
  void add_mount(const std::string& source, const std::string& destination);

  /// Starts the container: its namespace, the rootfs bound onto itself, the source bound, then
  /// what more_mounts does there. Writes config.json as precreate would have changed it.
  void start(const std::function<void()>& more_mounts = {});
  /// Ends the container's process.
  void stop();
  /// Leaves it running, for the caller to end: the next start() makes another one beside it.
  pid_t let_go() { return std::exchange(pid_, 0); }
  /// PLACE/below in the mount namespace of a container that was let go.
  std::string inside_of(pid_t pid, const std::string& below) const;

  Outcome mount_hook(const std::function<void()>& first = {});
  Outcome poststop_hook();
  /// Any hook program, with this text as its stdin.
  Outcome run(void (*body)(report::Log&), const std::string& input,
              const std::function<void()>& first = {});
  std::string state() const;
  pid_t pid() const { return pid_; }

  /// Mounts in the container's namespace at or below a place of the rootfs: "TYPE PATH".
  std::vector<std::string> mounts(const std::string& below) const;
  /// The same in the namespace of the test: the host.
  std::vector<std::string> host_mounts(const std::string& below) const;
  const std::string& store() const { return store_; }
  std::vector<std::string> sessions() const;

 private:
  std::vector<std::string> mounts_of(const std::string& process, const std::string& below) const;

  const sandbox::Place& place_;
  std::string store_;
  pid_t pid_ = 0;
};

}  // namespace hookcore::hook::testing

#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <random>
#include <set>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/daemon/collector.h"
#include "libhookcore/daemon/endpoint.h"
#include "libhookcore/daemon/event_log.h"
#include "libhookcore/daemon/metrics.h"
#include "libhookcore/nri/connection.h"
#include "libhookcore/nri/plugin.h"
#include "libhookcore/settings/settings.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::daemon {

struct Options {
  std::string socket = "/var/run/nri/nri.sock";
  std::string name = "cnb";
  std::string index = "10";  ///< two digits: the plugin's place among others
  std::string hooks_directory;
  std::string config = settings::kSystemFile;
  std::string state_directory;  ///< empty: as the hooks find theirs
  std::string metrics;          ///< see listen_at; empty: none
  std::string ready_file;       ///< empty: none
  std::string lock_file = "/run/oci-cnb-nri.lock";
};

/// Waits between attempts to connect: twice as long each time up to two seconds, with up to half of
/// it taken off at random, so that a node's plugins don't come in step.
class Backoff {
 public:
  explicit Backoff(uint32_t seed) : random_(seed) {}
  std::chrono::milliseconds next();
  void reset() { step_ = kFirst; }

 private:
  static constexpr std::chrono::milliseconds kFirst{50};
  static constexpr std::chrono::milliseconds kMax{2000};
  std::chrono::milliseconds step_ = kFirst;
  std::minstd_rand random_;
};

/// The NRI plugin's process: one thread, one poll(2), nothing that waits.
class Service : private nri::Observer {
 public:
  /// Takes the lock and opens the endpoint. Throws Error: a second instance is Error(kSystem).
  explicit Service(Options options);
  ~Service() override;

  /// Serves until SIGTERM or SIGINT. A runtime that goes is waited for; one that refuses the
  /// registration is Error(kSystem).
  void run();

 private:
  using Clock = std::chrono::steady_clock;

  void configured(const nri::proto::ConfigureRequest& request) override;
  void adjusted(const nri::proto::CreateContainerRequest& request,
                const std::vector<std::string>& warnings) override;
  void refused(const nri::proto::CreateContainerRequest& request, const Error& error) override;
  void ignored() override;
  void synchronized(size_t pods, size_t containers) override;
  void removed(const std::string& uid) override;

  nri::Reply answer(std::string_view service, std::string_view method, std::string_view payload);
  void try_connect();
  void disconnect(const std::string& why);
  void exchange();
  bool read_some();
  void write_some();
  void registered(const nri::Reply& reply);
  void become_ready();
  bool has_session(const std::string& uid);
  void look_after_silent_pods();
  void collect_within(std::chrono::milliseconds time);
  void collect();
  session::CollectResult collect_in_child() const;
  void finish_collection();
  void wait();
  int wait_milliseconds() const;
  Page page(const std::string& path);
  std::string store_root() const;

  Options options_;
  EventLog log_;
  Metrics metrics_;
  sys::UniqueFd lock_;
  sys::UniqueFd signals_;
  sys::UniqueFd socket_;
  nri::Plugin plugin_;
  std::unique_ptr<nri::Connection> connection_;
  std::optional<Endpoint> endpoint_;
  Collector collector_;
  Backoff backoff_;
  Clock::time_point connect_at_;
  Clock::time_point register_until_;
  Clock::time_point collect_at_;
  Clock::time_point look_at_ = Clock::time_point::max();  ///< after silent_
  std::set<std::string> silent_;                          ///< uids: see find_removed_pods
  std::string last_trouble_;
  std::optional<Error> fatal_;
  bool registered_ = false;
  bool synchronized_ = false;
  bool ready_ = false;
  bool opted_in_ = false;
  bool pids_are_ours_ = false;
  bool stopping_ = false;
};

}  // namespace hookcore::daemon

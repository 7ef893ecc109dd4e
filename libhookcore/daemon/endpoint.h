#pragma once

#include <poll.h>

#include <chrono>
#include <functional>
#include <list>
#include <string>
#include <vector>

#include "libhookcore/sys/fd.h"

namespace hookcore::daemon {

/// What GET of a path is answered with.
struct Page {
  int status = 404;
  std::string body;
};

/// As much HTTP/1.0 as a scraper and a probe need, in somebody's poll loop. Never waits; a client
/// that doesn't ask or read within five seconds is cut off, and there are at most eight.
class Endpoint {
 public:
  using Clock = std::chrono::steady_clock;
  using Pages = std::function<Page(const std::string& path)>;

  /// listener: see listen_at.
  Endpoint(sys::UniqueFd listener, Pages pages);

  void add_to(std::vector<struct pollfd>& polled) const;
  /// Does what can be done without waiting.
  void step(Clock::time_point now);
  bool has_clients() const { return !clients_.empty(); }

 private:
  struct Client {
    sys::UniqueFd fd;
    Clock::time_point deadline;
    std::string request;
    std::string response;
  };
  bool advance(Client& client) const;

  sys::UniqueFd listener_;
  Pages pages_;
  std::list<Client> clients_;
};

}  // namespace hookcore::daemon

#pragma once

#include <sys/types.h>

#include <functional>
#include <optional>
#include <string>

#include "libhookcore/session/store.h"
#include "libhookcore/sys/fd.h"

namespace hookcore::daemon {

/// Removes what nobody can come back to, in a process of its own: large scratch takes longer than
/// the runtime waits for an answer.
class Collector {
 public:
  using Work = std::function<session::CollectResult()>;

  explicit Collector(Work work) : work_(std::move(work)) {}
  Collector(const Collector&) = delete;
  Collector& operator=(const Collector&) = delete;
  ~Collector();

  /// Starts a run, or, while there is one, makes sure that another follows. Throws SystemError.
  void request();
  /// Readable when the run has something to say; -1 while there is none.
  int fd() const { return pipe_.get(); }
  /// After fd() was readable: the result, once the run has ended.
  std::optional<session::CollectResult> step();

 private:
  void start();

  Work work_;
  sys::UniqueFd pipe_;
  pid_t child_ = -1;
  std::string output_;
  bool again_ = false;
};

}  // namespace hookcore::daemon

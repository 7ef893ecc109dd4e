#pragma once

#include <atomic>
#include <condition_variable>
#include <deque>
#include <exception>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

#include "libhookcore/ignore/source_tree.h"
#include "libhookcore/ignore/verdict.h"
#include "libhookcore/ignore/walk.h"
#include "libhookcore/sys/directory.h"

namespace hookcore::ignore {

/// One walk over one source. Directories that have to be read wait in a queue for each thread: the
/// owner takes the newest (so that few wait), an idle thread steals the oldest (the largest part).
class Walker {
 public:
  /// visible: null if only masks are wanted.
  Walker(const Program& program, MaskSink* masks, VisibleSink* visible, const WalkOptions& options);
  ~Walker();
  Walker(const Walker&) = delete;
  Walker& operator=(const Walker&) = delete;

  WalkStats run(int source_fd);

 private:
  /// What one thread has for itself.
  struct Worker {
    std::mutex mutex;  ///< guards queue
    std::deque<Directory*> queue;
    Judge::Scratch scratch;
    WalkStats stats;
    std::vector<std::unique_ptr<sys::DirectoryReader>> readers;  ///< one a level of nested work
    size_t level = 0;
    const Directory* path_of = nullptr;  ///< the directory that path belongs to
    std::string path;
  };
  struct OpenEntry {
    std::string_view name;  ///< followed by a NUL byte
    EntryType type;
  };

  void work(Worker& worker);
  void work_until(Worker& worker, size_t waiting);
  void process(Worker& worker, Directory& directory);
  int open(Directory& directory);
  bool look_up_names(Worker& worker, Directory& directory, int fd);
  void list(Worker& worker, Directory& directory, int fd);
  void visit(Worker& worker, Directory& directory, int fd, const OpenEntry& entry);
  void list_hidden_files(Worker& worker, Directory& directory);

  void show(Worker& worker, Directory& directory);
  void hide(Worker& worker, Directory& directory, int fd, const OpenEntry& entry);
  void emit(Worker& worker, const Directory& directory, int fd, const OpenEntry& entry,
            bool visible);
  void flush(Worker& worker, const Directory& directory, const std::string& hidden);
  void decide(Worker& worker, Directory& directory);
  void release(Worker& worker, Directory* directory);

  void push(Worker& worker, Directory* directory);
  void enqueue(Worker& worker, Directory* directory);
  Directory* pop(Worker& worker);
  Directory* steal(Worker& thief);
  bool wait_for_work();
  void start_helpers();
  void fail(std::exception_ptr error);

  Judge judge_;
  MaskSink* masks_;
  VisibleSink* visible_;
  bool heavy_sink_;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::vector<std::thread> helpers_;
  bool helpers_started_ = false;

  std::atomic<size_t> queued_{0};       ///< directories in queues
  std::atomic<size_t> outstanding_{0};  ///< directories in queues or being processed
  std::atomic<size_t> sleepers_{0};
  std::mutex sleep_mutex_;
  std::condition_variable wake_;
  std::atomic<bool> stop_{false};
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

}  // namespace hookcore::ignore

// The threads of a walk and their queues; what they do with a directory is in walker.cpp.
#include "libhookcore/ignore/walk.h"

#include <algorithm>
#include <cerrno>
#include <system_error>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/walker.h"
#include "libhookcore/sys/process.h"

namespace hookcore::ignore {
namespace {

// A thread costs about as much as reading ten directories. Helpers start when the walk has proved
// to be long and enough waits to share.
constexpr uint64_t kDirectoriesBeforeHelp = 48;
constexpr size_t kWaitingBeforeHelp = 8;

}  // namespace

Walker::Walker(const Program& program, MaskSink* masks, VisibleSink* visible,
               const WalkOptions& options)
    : judge_(program), masks_(masks), visible_(visible), heavy_sink_(options.heavy_sink) {
  const unsigned count = options.threads == 0 ? sys::usable_cpus() : options.threads;
  for (unsigned i = 0; i < count; ++i) workers_.push_back(std::make_unique<Worker>());
}

Walker::~Walker() = default;

WalkStats Walker::run(int source_fd) {
  Worker& first = *workers_[0];
  auto root = std::make_unique<Directory>();
  root->scope.scope = judge_.root();
  const bool needed =
      visible_ != nullptr || judge_.interest(root->scope.scope) != Judge::Interest::kNothing;
  if (needed) {
    const int fd = sys::open_directory_at(source_fd, ".");
    if (fd < 0) throw SystemError("openat", "the source directory", -fd, Code::kSource);
    root->fd.reset(fd);
    push(first, root.release());
    work(first);
  }
  for (std::thread& helper : helpers_) helper.join();
  helpers_.clear();
  if (error_) std::rethrow_exception(error_);
  WalkStats total;
  for (const auto& worker : workers_) {
    total.directories_read += worker->stats.directories_read;
    total.entries_seen += worker->stats.entries_seen;
    total.lookups += worker->stats.lookups;
    total.masks += worker->stats.masks;
  }
  return total;
}

void Walker::work(Worker& worker) {
  do {
    work_until(worker, 0);
    while (Directory* stolen = steal(worker)) {
      enqueue(worker, stolen);
      work_until(worker, 0);
    }
  } while (wait_for_work());
}

// Processes the worker's own directories until no more than `waiting` are left.
void Walker::work_until(Worker& worker, size_t waiting) {
  for (;;) {
    {
      const std::lock_guard lock(worker.mutex);
      if (worker.queue.size() <= waiting) return;
    }
    Directory* directory = pop(worker);
    if (directory == nullptr) return;
    try {
      if (!stop_.load(std::memory_order_relaxed)) process(worker, *directory);
    } catch (...) {
      fail(std::current_exception());
    }
    release(worker, directory);
    if (outstanding_.fetch_sub(1) == 1) {
      const std::lock_guard lock(sleep_mutex_);
      wake_.notify_all();
    }
    if (&worker == workers_[0].get() && !helpers_started_) start_helpers();
  }
}

// Gives back a reference; a directory that nobody works below any more is decided and goes.
void Walker::release(Worker& worker, Directory* directory) {
  while (directory != nullptr && directory->references.fetch_sub(1) == 1) {
    const std::unique_ptr<Directory> done(directory);
    directory = done->parent;
    try {
      if (!stop_.load(std::memory_order_relaxed)) decide(worker, *done);
    } catch (...) {
      fail(std::current_exception());
    }
    worker.path_of = nullptr;
  }
}

void Walker::push(Worker& worker, Directory* directory) {
  outstanding_.fetch_add(1);
  enqueue(worker, directory);
}

void Walker::enqueue(Worker& worker, Directory* directory) {
  {
    const std::lock_guard lock(worker.mutex);
    worker.queue.push_back(directory);
  }
  queued_.fetch_add(1);
  if (sleepers_.load() > 0) {
    const std::lock_guard lock(sleep_mutex_);
    wake_.notify_one();
  }
}

Directory* Walker::pop(Worker& worker) {
  const std::lock_guard lock(worker.mutex);
  if (worker.queue.empty()) return nullptr;
  Directory* directory = worker.queue.back();
  worker.queue.pop_back();
  queued_.fetch_sub(1);
  return directory;
}

Directory* Walker::steal(Worker& thief) {
  for (const auto& victim : workers_) {
    if (victim.get() == &thief) continue;
    const std::lock_guard lock(victim->mutex);
    if (victim->queue.empty()) continue;
    Directory* directory = victim->queue.front();
    victim->queue.pop_front();
    queued_.fetch_sub(1);
    return directory;
  }
  return nullptr;
}

// False when the whole walk is done.
bool Walker::wait_for_work() {
  std::unique_lock lock(sleep_mutex_);
  sleepers_.fetch_add(1);
  wake_.wait(lock, [&] { return queued_.load() > 0 || outstanding_.load() == 0; });
  sleepers_.fetch_sub(1);
  return outstanding_.load() > 0;
}

void Walker::start_helpers() {
  Worker& first = *workers_[0];
  if (workers_.size() == 1) return;
  if (!heavy_sink_ && first.stats.directories_read < kDirectoriesBeforeHelp) return;
  {
    const std::lock_guard lock(first.mutex);
    if (first.queue.size() < (heavy_sink_ ? 1 : kWaitingBeforeHelp)) return;
  }
  helpers_started_ = true;
  for (size_t i = 1; i < workers_.size(); ++i) {
    try {
      helpers_.emplace_back([this, i] { work(*workers_[i]); });
    } catch (const std::system_error&) {
      return;  // no more threads to be had: those that run do all the work
    }
  }
}

void Walker::fail(std::exception_ptr error) {
  const std::lock_guard lock(error_mutex_);
  if (!error_) error_ = std::move(error);
  stop_ = true;
}

WalkStats find_masks(int source_fd, const RuleSet& rules, MaskSink& sink,
                     const WalkOptions& options) {
  return Walker(rules.program(), &sink, nullptr, options).run(source_fd);
}

WalkStats list_visible(int source_fd, const RuleSet& rules, VisibleSink& sink,
                       const WalkOptions& options) {
  return Walker(rules.program(), nullptr, &sink, options).run(source_fd);
}

}  // namespace hookcore::ignore

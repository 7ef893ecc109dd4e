#include "tests/bench/ignore_raw_walk.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <atomic>
#include <condition_variable>
#include <cstring>
#include <memory>
#include <mutex>
#include <thread>

namespace bench {
namespace {

/// An open directory; closed when its last entry has been opened.
struct Open {
  explicit Open(int descriptor) : fd(descriptor) {}
  Open(const Open&) = delete;
  Open& operator=(const Open&) = delete;
  ~Open() { ::close(fd); }
  int fd;
};

struct Item {
  std::shared_ptr<Open> parent;
  std::string name;
};

class RawWalk {
 public:
  RawWalk(const std::vector<std::string>& skipped) : skipped_(skipped) {}

  uint64_t run(int root_fd, unsigned threads) {
    stack_.push_back({std::make_shared<Open>(::dup(root_fd)), "."});
    std::vector<std::thread> helpers;
    for (unsigned i = 1; i < threads; ++i) helpers.emplace_back([this] { work(); });
    work();
    for (std::thread& helper : helpers) helper.join();
    return entries_;
  }

 private:
  void work() {
    const std::unique_ptr<char[]> buffer(new char[kBuffer]);
    std::vector<Item> local;
    uint64_t entries = 0;
    for (;;) {
      if (local.empty() && !take(local)) break;
      Item item = std::move(local.back());
      local.pop_back();
      entries += list(item, buffer.get(), local);
      if (hungry_.load(std::memory_order_relaxed) > 0 && local.size() > 1) give(local);
    }
    entries_ += entries;
  }

  bool take(std::vector<Item>& local) {
    std::unique_lock lock(mutex_);
    if (stack_.empty()) {
      hungry_.fetch_add(1);
      --working_;
      if (working_ == 0) wake_.notify_all();
      wake_.wait(lock, [&] { return !stack_.empty() || working_ == 0; });
      if (stack_.empty()) return false;
      ++working_;
      hungry_.fetch_sub(1);
    }
    local.push_back(std::move(stack_.back()));
    stack_.pop_back();
    return true;
  }

  void give(std::vector<Item>& local) {
    const std::lock_guard lock(mutex_);
    const size_t half = local.size() / 2;
    for (size_t i = 0; i < half; ++i) stack_.push_back(std::move(local[i]));
    local.erase(local.begin(), local.begin() + static_cast<ptrdiff_t>(half));
    wake_.notify_one();
  }

  bool skips(const char* name) const {
    for (const std::string& skipped : skipped_) {
      if (skipped == name) return true;
    }
    return false;
  }

  uint64_t list(const Item& item, char* buffer, std::vector<Item>& local) {
    const int fd = ::openat(item.parent->fd, item.name.c_str(),
                            O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0) return 0;
    const auto open = std::make_shared<Open>(fd);
    uint64_t entries = 0;
    for (long got = 0; (got = ::syscall(SYS_getdents64, fd, buffer, kBuffer)) > 0;) {
      for (long at = 0; at < got;) {
        unsigned short length = 0;
        std::memcpy(&length, buffer + at + 16, sizeof length);
        const char* name = buffer + at + 19;
        const bool self = name[0] == '.' && (name[1] == 0 || (name[1] == '.' && name[2] == 0));
        if (!self) {
          ++entries;
          if (buffer[at + 18] == DT_DIR && !skips(name)) local.push_back({open, name});
        }
        at += length;
      }
    }
    return entries;
  }

  static constexpr size_t kBuffer = 65536;
  const std::vector<std::string>& skipped_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Item> stack_;
  unsigned working_ = 0;
  std::atomic<unsigned> hungry_{0};
  std::atomic<uint64_t> entries_{0};

 public:
  void expect(unsigned threads) { working_ = threads; }
};

}  // namespace

uint64_t raw_walk(int root_fd, const std::vector<std::string>& skipped, unsigned threads) {
  RawWalk walk(skipped);
  walk.expect(threads);
  return walk.run(root_fd, threads);
}

}  // namespace bench

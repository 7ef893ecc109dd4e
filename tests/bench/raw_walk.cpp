// The floor of every walk: two threads that do nothing but openat and getdents64.
//
//   raw_walk DIRECTORY [SKIP...]
//
// Directories called SKIP are not entered; "/SKIP" means the one at the root alone. Prints the
// number of entries.
#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <condition_variable>
#include <cstdio>
#include <cstring>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

// Closed when the last of its children has been opened.
struct Directory {
  explicit Directory(int descriptor) : fd(descriptor) {}
  Directory(const Directory&) = delete;
  Directory& operator=(const Directory&) = delete;
  ~Directory() { ::close(fd); }
  int fd;
};

struct Task {
  std::shared_ptr<Directory> parent;
  std::string name;
};

class Walk {
 public:
  Walk(int root, std::vector<std::string_view> skipped) : skipped_(std::move(skipped)) {
    auto directory = std::make_shared<Directory>(root);
    std::vector<Task> found;
    read(directory, true, buffers_[0].data(), found);
    tasks_ = std::move(found);
  }

  long run() {
    std::thread second([this] { work(buffers_[1].data()); });
    work(buffers_[0].data());
    second.join();
    return entries_;
  }

 private:
  static constexpr size_t kBufferBytes = 65536;
  static constexpr size_t kBatch = 32;

  // The newest tasks first: few directories are open at a time. A batch, so that the lock is rare.
  bool take(std::vector<Task>& batch, std::vector<Task>& found) {
    std::unique_lock lock(mutex_);
    for (Task& task : found) tasks_.push_back(std::move(task));
    if (!found.empty()) wake_.notify_one();
    found.clear();
    ++idle_;
    wake_.wait(lock, [this] { return !tasks_.empty() || idle_ == kThreads; });
    if (tasks_.empty()) {
      wake_.notify_all();
      return false;
    }
    --idle_;
    const size_t count = std::min(kBatch, tasks_.size() - tasks_.size() / 2);
    for (size_t i = 0; i < count; ++i) {
      batch.push_back(std::move(tasks_.back()));
      tasks_.pop_back();
    }
    return true;
  }

  void work(char* buffer) {
    std::vector<Task> batch;
    std::vector<Task> found;
    while (take(batch, found)) {
      for (Task& task : batch) {
        const int fd = ::openat(task.parent->fd, task.name.c_str(),
                                O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        task.parent.reset();
        if (fd >= 0) read(std::make_shared<Directory>(fd), false, buffer, found);
      }
      batch.clear();
    }
  }

  void read(const std::shared_ptr<Directory>& directory, bool is_root, char* buffer,
            std::vector<Task>& found) {
    constexpr size_t kLength = 16;  // of linux_dirent64, getdents64(2)
    constexpr size_t kType = 18;
    constexpr size_t kName = 19;
    constexpr char kDirectory = 4;
    long entries = 0;
    long size = 0;
    while ((size = ::syscall(SYS_getdents64, directory->fd, buffer, kBufferBytes)) > 0) {
      for (long at = 0; at < size;) {
        const char* record = buffer + at;
        unsigned short length = 0;
        std::memcpy(&length, record + kLength, sizeof length);
        at += length;
        const std::string_view name(record + kName);
        if (name == "." || name == "..") continue;
        ++entries;
        if (record[kType] == kDirectory && !is_skipped(name, is_root)) {
          found.push_back({directory, std::string(name)});
        }
      }
    }
    entries_ += entries;
  }

  bool is_skipped(std::string_view name, bool at_root) const {
    for (const std::string_view skip : skipped_) {
      if (skip[0] == '/' ? at_root && name == skip.substr(1) : name == skip) return true;
    }
    return false;
  }

  static constexpr int kThreads = 2;
  std::array<std::array<char, kBufferBytes>, kThreads> buffers_;
  std::vector<std::string_view> skipped_;
  std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<Task> tasks_;
  int idle_ = 0;
  std::atomic<long> entries_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int root = ::open(argv[1], O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) {
    std::perror(argv[1]);
    return 1;
  }
  Walk walk(root, {argv + 2, argv + argc});
  std::printf("%ld\n", walk.run());
  return 0;
}

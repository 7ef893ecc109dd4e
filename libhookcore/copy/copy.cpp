#include "libhookcore/copy/copy.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <mutex>
#include <set>
#include <string_view>
#include <utility>

#include "libhookcore/copy/entries.h"
#include "libhookcore/ignore/walk.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/remove.h"
#include "libhookcore/sys/temporary_tree.h"

namespace hookcore::copy {
namespace {

/// What a plain copy will take.
class Survey : public ignore::VisibleSink {
 public:
  explicit Survey(Meter& meter) : meter_(meter) {}

  void visible(const ignore::SourceDirectory& directory, std::string_view name,
               ignore::EntryType type) override {
    if (type != ignore::EntryType::kFile) return;
    const auto status = sys::stat_at(directory.fd, std::string(name));
    if (!status || !S_ISREG(status->st_mode) || is_counted(*status)) return;
    constexpr uint64_t kBlock = 512;
    meter_.expect(std::min(static_cast<uint64_t>(status->st_size),
                           static_cast<uint64_t>(status->st_blocks) * kBlock));
  }

 private:
  bool is_counted(const struct ::stat& status) {
    if (status.st_nlink < 2) return false;
    const std::lock_guard lock(mutex_);
    return !counted_.emplace(status.st_dev, status.st_ino).second;
  }

  Meter& meter_;
  std::mutex mutex_;
  std::set<std::pair<uint64_t, uint64_t>> counted_;
};

class Copier : public ignore::VisibleSink {
 public:
  explicit Copier(Entries& entries) : entries_(entries) {}

  void visible(const ignore::SourceDirectory& directory, std::string_view name,
               ignore::EntryType /*type*/) override {
    entries_.copy(directory.fd, std::string(directory.path), std::string(name));
  }

 private:
  Entries& entries_;
};

/// Copies the first file and nothing else: file systems, not files, decide about sharing.
class OneFile : public ignore::VisibleSink {
 public:
  explicit OneFile(Entries& entries) : entries_(entries) {}

  void visible(const ignore::SourceDirectory& directory, std::string_view name,
               ignore::EntryType type) override {
    if (type != ignore::EntryType::kFile || done_) return;
    done_ = true;
    entries_.copy(directory.fd, std::string(directory.path), std::string(name));
  }

 private:
  Entries& entries_;
  bool done_ = false;
};

sys::UniqueFd make_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    throw SystemError("mkdirat", name, errno, Code::kScratch,
                      "see that the scratch directory is writable and has room (df, df -i)");
  }
  return sys::open_at(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, sys::Resolve::kStrict);
}

void remove_unfinished(int directory, const std::string& name) {
  const sys::RemoveResult removed = sys::remove_tree(directory, name);
  if (removed.left > 0) {
    throw Error(Code::kScratch, "what a killed copy has left can't be removed", removed.first_left);
  }
}

// One call for all files: each by itself would wait for the journal as often as there are files.
void sync_filesystem(int directory, const std::string& name) {
  if (::syncfs(directory) != 0) throw SystemError("syncfs", name, errno, Code::kScratch);
}

void rename(int directory, const std::string& from, const std::string& to) {
  if (::renameat(directory, from.c_str(), directory, to.c_str()) != 0) {
    throw SystemError("renameat", to, errno, Code::kScratch);
  }
}

}  // namespace

Result copy_visible(int source_fd, const ignore::RuleSet& rules, int target_fd, int manifest_fd,
                    const Options& options) {
  Meter meter(options);
  const ignore::WalkOptions counting{options.threads};
  if (options.method == Method::kPlain && (options.limit_bytes != 0 || options.progress)) {
    Survey survey(meter);
    ignore::list_visible(source_fd, rules, survey, counting);
  }
  ManifestWriter manifest(manifest_fd);
  Entries entries(source_fd, target_fd, options, manifest, meter);
  Copier copier(entries);
  ignore::list_visible(source_fd, rules, copier, {options.threads, true});
  entries.finish_links();
  entries.make_anchors();
  entries.finish_directories();
  manifest.finish();
  Result result = entries.result();
  result.bytes = meter.bytes();
  return result;
}

std::string manifest_name(const std::string& name) { return name + ".manifest"; }

Result make_copy(int source_fd, const ignore::RuleSet& rules, int directory,
                 const std::string& name, const Options& options) {
  const std::string unfinished = name + ".new";
  remove_unfinished(directory, unfinished);
  Result result;
  try {
    const sys::UniqueFd target = make_directory(directory, unfinished);
    const sys::UniqueFd manifest =
        sys::open_at(directory, manifest_name(name), O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW,
                     sys::Resolve::kStrict, 0600);
    result = copy_visible(source_fd, rules, target.get(), manifest.get(), options);
    if (options.durable) sync_filesystem(directory, name);
  } catch (...) {
    // The next way needs the room, and so does the user. What it leaves goes with the session.
    static_cast<void>(sys::remove_tree(directory, unfinished));
    throw;
  }
  rename(directory, unfinished, name);
  return result;
}

uint64_t try_copy(int source_fd, const ignore::RuleSet& rules, int directory,
                  const Options& options) {
  Meter meter(options);
  if (options.method == Method::kPlain) {
    Survey survey(meter);
    ignore::list_visible(source_fd, rules, survey, {options.threads});
    return meter.expected();
  }
  const sys::TemporaryTree sample(directory, "sample");
  const sys::UniqueFd target = make_directory(directory, sample.name());
  const sys::UniqueFd unused(::memfd_create("manifest", MFD_CLOEXEC));
  if (!unused) throw SystemError("memfd_create", "manifest", errno);
  ManifestWriter manifest(unused.get());
  Entries entries(source_fd, target.get(), options, manifest, meter);
  OneFile one(entries);
  ignore::list_visible(source_fd, rules, one, {1});
  return 0;
}

}  // namespace hookcore::copy

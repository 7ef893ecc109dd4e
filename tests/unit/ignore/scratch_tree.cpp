#include "tests/unit/ignore/scratch_tree.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <filesystem>
#include <mutex>
#include <stdexcept>

namespace hookcore::ignore::testing {
namespace {

std::string make_directory() {
  const char* base = ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp";
  std::string path = std::string(base) + "/oci-cnb-ignore-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp " + path);
  return path;
}

}  // namespace

ScratchTree::ScratchTree()
    : path_(make_directory()), fd_(::open(path_.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)) {}

ScratchTree::ScratchTree(const std::vector<std::string>& entries) : ScratchTree() { add(entries); }

ScratchTree::~ScratchTree() {
  std::error_code ignored;
  std::filesystem::remove_all(path_, ignored);
}

void ScratchTree::add(const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    for (size_t slash = entry.find('/'); slash != std::string::npos;
         slash = entry.find('/', slash + 1)) {
      const std::string parent = entry.substr(0, slash);
      if (::mkdirat(fd_.get(), parent.c_str(), 0755) != 0 && errno != EEXIST) {
        throw std::runtime_error("mkdirat " + parent);
      }
    }
    if (!entry.ends_with('/')) write(entry, {});
  }
}

void ScratchTree::write(const std::string& name, std::string_view content) {
  const sys::UniqueFd file(
      ::openat(fd_.get(), name.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file ||
      ::write(file.get(), content.data(), content.size()) != static_cast<ssize_t>(content.size())) {
    throw std::runtime_error("write " + name);
  }
}

std::string join(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty()) path += '/';
  return path.append(name);
}

void CollectMasks::mask(const SourceDirectory& directory, std::string_view name, EntryType type) {
  static std::mutex mutex;
  const std::lock_guard lock(mutex);
  std::string path = join(directory.path, name);
  if (type == EntryType::kDirectory) path += '/';
  if (!paths.insert(path).second) repeated.push_back(path);
}

void CollectVisible::visible(const SourceDirectory& directory, std::string_view name,
                             EntryType type) {
  std::string path = join(directory.path, name);
  if (type == EntryType::kDirectory) path += '/';
  if (!paths.insert(path).second) repeated.push_back(path);
}

std::set<std::string> masks_of(int source_fd, const RuleSet& rules, WalkStats* stats,
                               unsigned threads) {
  CollectMasks sink;
  const WalkStats walked = find_masks(source_fd, rules, sink, {threads});
  if (stats != nullptr) *stats = walked;
  EXPECT_TRUE(sink.repeated.empty()) << sink.repeated.front();
  EXPECT_EQ(walked.masks, sink.paths.size());
  return std::move(sink.paths);
}

std::set<std::string> visible_of(int source_fd, const RuleSet& rules) {
  CollectVisible sink;
  list_visible(source_fd, rules, sink);
  EXPECT_TRUE(sink.repeated.empty()) << sink.repeated.front();
  return std::move(sink.paths);
}

}  // namespace hookcore::ignore::testing

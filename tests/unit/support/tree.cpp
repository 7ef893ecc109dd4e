#include "tests/unit/support/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <algorithm>
#include <climits>
#include <cstdlib>
#include <filesystem>
#include <sstream>
#include <stdexcept>

#include "libhookcore/sys/fd.h"

namespace tree {
namespace {

[[noreturn]] void fail(const std::string& what) {
  throw std::runtime_error(what + ": errno " + std::to_string(errno));
}

void make_directory(const std::string& path) {
  if (::mkdir(path.c_str(), 0755) != 0 && errno != EEXIST) fail("mkdir " + path);
}

std::string target_of(const std::string& path) {
  char target[PATH_MAX];
  const ssize_t size = ::readlink(path.c_str(), target, sizeof target);
  if (size < 0) fail("readlink " + path);
  return {target, static_cast<size_t>(size)};
}

std::string attributes_of(const std::string& path) {
  char list[4096];
  const ssize_t size = ::llistxattr(path.c_str(), list, sizeof list);
  std::string text;
  for (const char* name = list; size > 0 && name < list + size;
       name += std::string(name).size() + 1) {
    char value[4096];
    const ssize_t length = ::lgetxattr(path.c_str(), name, value, sizeof value);
    text += std::string(" ") + name + "=" +
            std::string(value, static_cast<size_t>(std::max<ssize_t>(length, 0)));
  }
  return text;
}

std::string describe(const std::string& path, const struct stat& status) {
  std::ostringstream text;
  text << std::oct << status.st_mode << std::dec << " " << status.st_uid << ":" << status.st_gid
       << " " << status.st_mtim.tv_sec << "." << status.st_mtim.tv_nsec;
  if (!S_ISDIR(status.st_mode)) text << " " << status.st_size << " " << status.st_nlink;
  text << attributes_of(path);
  if (S_ISLNK(status.st_mode)) text << " -> " << target_of(path);
  if (S_ISREG(status.st_mode) && ::access(path.c_str(), R_OK) == 0) text << " " << read(path);
  return text.str();
}

void collect(const std::string& root, const std::string& below,
             std::map<std::string, std::string>& all) {
  const std::string path = root + below;
  struct stat status {};
  if (::lstat(path.c_str(), &status) != 0) fail("lstat " + path);
  all[below] = describe(path, status);
  if (!S_ISDIR(status.st_mode)) return;
  for (const std::string& name : names(path)) collect(root, below + "/" + name, all);
}

}  // namespace

void make(const std::string& root, const std::vector<std::string>& entries) {
  for (const std::string& entry : entries) {
    const size_t arrow = entry.find("->");
    const size_t equals = entry.find('=');
    const std::string path = entry.substr(0, std::min(arrow, equals));
    for (size_t slash = path.find('/'); slash != path.npos; slash = path.find('/', slash + 1)) {
      make_directory(root + "/" + path.substr(0, slash));
    }
    if (path.ends_with('/')) continue;
    if (arrow != entry.npos) {
      if (::symlink(entry.substr(arrow + 2).c_str(), (root + "/" + path).c_str()) != 0) {
        fail("symlink " + path);
      }
    } else {
      write(root + "/" + path, equals == entry.npos ? "" : entry.substr(equals + 1));
    }
  }
}

void write(const std::string& path, const std::string& contents) {
  const hookcore::sys::UniqueFd file(
      ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644));
  if (!file || ::write(file.get(), contents.data(), contents.size()) < 0) fail("write " + path);
}

std::string read(const std::string& path) {
  const hookcore::sys::UniqueFd file(::open(path.c_str(), O_RDONLY | O_CLOEXEC));
  if (!file) fail("open " + path);
  std::string text;
  char buffer[4096];
  for (ssize_t got = 0; (got = ::read(file.get(), buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

std::map<std::string, std::string> snapshot(const std::string& root) {
  std::map<std::string, std::string> all;
  collect(root, "", all);
  return all;
}

std::vector<std::string> names(const std::string& path) {
  DIR* directory = ::opendir(path.c_str());
  if (directory == nullptr) fail("opendir " + path);
  std::vector<std::string> found;
  while (const struct dirent* entry = ::readdir(directory)) {
    const std::string name = entry->d_name;
    if (name != "." && name != "..") found.push_back(name);
  }
  ::closedir(directory);
  std::sort(found.begin(), found.end());
  return found;
}

bool exists(const std::string& path) {
  struct stat status {};
  return ::lstat(path.c_str(), &status) == 0;
}

Room::Room(const std::string& name) {
  std::string pattern = std::filesystem::temp_directory_path() / (name + ".XXXXXX");
  if (::mkdtemp(pattern.data()) == nullptr) fail("mkdtemp " + pattern);
  path_ = std::filesystem::canonical(pattern);
}

Room::~Room() { std::filesystem::remove_all(path_); }

}  // namespace tree

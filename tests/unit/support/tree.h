#pragma once

#include <map>
#include <string>
#include <vector>

/// Trees of files for tests; by path, since nobody attacks them while they are made.
namespace tree {

/// Each entry is a path below root: "dir/", "file", "file=contents" or "link->target". Parents are
/// made as needed.
void make(const std::string& root, const std::vector<std::string>& entries);
void write(const std::string& path, const std::string& contents);
std::string read(const std::string& path);

/// Everything below root, by path: type, mode, owner, size, times (not the access time), contents
/// or target, extended attributes. Two that are equal are the same tree.
std::map<std::string, std::string> snapshot(const std::string& root);

/// Names in a directory, sorted, "." and ".." left out; what readdir(3) says.
std::vector<std::string> names(const std::string& path);
bool exists(const std::string& path);

/// An empty directory below TMPDIR that goes, with all that is in it, when this object does.
class Room {
 public:
  explicit Room(const std::string& name);
  ~Room();
  Room(const Room&) = delete;
  Room& operator=(const Room&) = delete;

  /// Without links.
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

}  // namespace tree

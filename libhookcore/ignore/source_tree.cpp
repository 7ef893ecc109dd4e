#include "libhookcore/ignore/source_tree.h"

#include "libhookcore/sys/directory.h"

namespace hookcore::ignore {
namespace {

constexpr unsigned kAlwaysOpenDepth = 64;

}  // namespace

std::string Directory::path() const {
  size_t length = 0;
  for (const Directory* at = this; !at->is_root(); at = at->parent) length += at->name.size() + 1;
  if (length == 0) return {};
  std::string path(length - 1, '/');
  size_t end = path.size();
  for (const Directory* at = this; !at->is_root(); at = at->parent) {
    end -= at->name.size();
    path.replace(end, at->name.size(), at->name);
    if (end > 0) --end;
  }
  return path;
}

bool Directory::keeps_descriptor() const {
  return depth < kAlwaysOpenDepth || depth % kAlwaysOpenDepth == 0;
}

DirectoryHandle::DirectoryHandle(const Directory& directory) : fd_(directory.fd.get()) {
  if (fd_ >= 0) return;
  std::vector<const Directory*> closed;
  const Directory* open = &directory;
  for (; !open->fd; open = open->parent) closed.push_back(open);
  fd_ = open->fd.get();
  for (size_t i = closed.size(); i-- > 0;) {
    fd_ = sys::open_directory_at(fd_, closed[i]->name.c_str());
    owned_.reset(fd_ >= 0 ? fd_ : -1);
    if (fd_ < 0) return;
  }
}

}  // namespace hookcore::ignore

#include "libhookcore/runtime/document.h"

#include <fcntl.h>

#include <algorithm>
#include <string_view>

#include "libhookcore/base/error.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/optin/variables.h"
#include "libhookcore/sys/file.h"

namespace hookcore::runtime {

namespace {

/// An empty descriptor when there is nothing of that name.
sys::UniqueFd open_existing(int dirfd, const std::string& path, int flags,
                            const std::string& where) {
  const int fd = sys::open_at_raw(dirfd, path, flags, sys::Resolve::kHost);
  if (fd >= 0) return sys::UniqueFd(fd);
  if (fd == -ENOENT || fd == -ENOTDIR) return sys::UniqueFd();
  throw SystemError("open", where, -fd, Code::kConfig);
}

}  // namespace

std::optional<Document> Document::open(const std::string& directory, const std::string& name) {
  Document document;
  document.name_ = name;
  document.where_ = directory + (directory.ends_with('/') ? "" : "/") + name;
  document.directory_ = open_existing(AT_FDCWD, directory, O_RDONLY | O_DIRECTORY, directory);
  if (!document.directory_) return std::nullopt;
  const sys::UniqueFd file = open_existing(document.directory_.get(), name,
                                           O_RDONLY | O_NONBLOCK | O_NOCTTY, document.where_);
  if (!file) return std::nullopt;
  document.status_ = sys::stat_fd(file.get(), document.where_);
  if (!S_ISREG(document.status_.st_mode)) {
    throw Error(Code::kConfig, "this is no regular file", quote(document.where_));
  }
  document.text_ = sys::read_all(file.get(), oci::kMaxConfigSize, document.where_, Code::kConfig);
  return document;
}

std::optional<Document> Document::open(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return open(".", path);
  return open(path.substr(0, std::max<size_t>(slash, 1)), path.substr(slash + 1));
}

bool Document::may_mention_us() const {
  // The letters of our names are escaped by nobody, but they may be.
  constexpr std::string_view kEscape = "\\u";
  const std::string_view text = text_;
  return text.find(optin::kPrefix) != text.npos || text.find(optin::kRoleVariable) != text.npos ||
         text.find(kEscape) != text.npos;
}

void Document::replace(const std::string& text) const {
  const auto now = sys::stat_at(directory_.get(), name_);
  const bool same = now && now->st_dev == status_.st_dev && now->st_ino == status_.st_ino;
  if (!same) {
    throw Error(Code::kConfig, "this is a link, or was replaced meanwhile", quote(where_),
                "put the file itself there");
  }
  sys::replace_file_like(directory_.get(), name_, text, status_);
}

}  // namespace hookcore::runtime

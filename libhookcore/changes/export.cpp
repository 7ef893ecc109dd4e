#include "libhookcore/changes/export.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <map>
#include <unordered_map>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"

namespace hookcore::changes {
namespace {

// OCI image-spec, layer.md, "Whiteouts".
constexpr const char* kWhiteout = ".wh.";
constexpr const char* kOpaque = ".wh..wh..opq";

class Exporter : public Visitor {
 public:
  Exporter(const Layers& layers, const ExportOptions& options, const TarWriter::Sink& sink)
      : layers_(layers), options_(options), tar_(sink), buffer_(size_t{256} << 10, '\0') {}

  void visit(const Entry& entry) override {
    if (entry.kind == Kind::kDeleted) {
      // The opaque mark says it already.
      if (!entry.below_new) put_empty(parent_path(entry.path), kWhiteout + entry.name);
      return;
    }
    if (entry.name.starts_with(kWhiteout)) {
      problems_.push_back(quote(entry.path) + ": in a layer this name means a deletion");
      return;
    }
    if (S_ISDIR(entry.now.st_mode)) {
      put_directory(entry);
    } else if (entry.kind != Kind::kSame || entry.below_new) {
      put_file(entry);
    }
  }

  std::vector<std::string> finish() {
    tar_.finish();
    return std::move(problems_);
  }

 private:
  static uint32_t inside(const std::vector<ExportOptions::IdMap>& maps, uint32_t id) {
    for (const ExportOptions::IdMap& map : maps) id = sys::map_in(map, id).value_or(id);
    return id;
  }

  TarHeader header_of(const Entry& entry, int fd) const {
    TarHeader header;
    header.path = entry.path;
    header.mode = entry.now.st_mode;
    header.uid = inside(options_.uids, entry.now.st_uid);
    header.gid = inside(options_.gids, entry.now.st_gid);
    header.mtime = entry.now.st_mtim.tv_sec;
    if (options_.latest_time) header.mtime = std::min(header.mtime, *options_.latest_time);
    if (fd < 0) return header;
    std::vector<std::string> names = sys::list_xattrs(fd);
    std::sort(names.begin(), names.end());
    for (const std::string& name : names) {
      // What a layer carries elsewhere: labels and lists of access rights are this machine's.
      if (is_overlay_xattr(name)) continue;
      if (!name.starts_with("user.") && name != "security.capability") continue;
      if (auto value = sys::get_xattr(fd, name)) header.xattrs.emplace_back(name, *value);
    }
    return header;
  }

  void put_directory(const Entry& entry) {
    const sys::UniqueFd directory = open_entry(layers_, entry, O_DIRECTORY);
    TarHeader header = header_of(entry, directory.get());
    header.path += '/';
    header.type = '5';
    if (entry.kind == Kind::kSame && !entry.below_new && !entry.replaced) {
      parents_.emplace(entry.path, std::move(header));
      return;
    }
    begin(header);
    if (entry.replaced) put_empty(entry.path, kOpaque);
  }

  void put_file(const Entry& entry) {
    const bool several = entry.now.st_nlink > 1 && entry.data_in_source.empty();
    const auto key = std::pair(entry.now.st_dev, entry.now.st_ino);
    if (const auto first = names_.find(key); several && first != names_.end()) {
      TarHeader header = header_of(entry, -1);
      header.type = '1';
      header.link = first->second;
      begin(header);
      return;
    }
    if (S_ISSOCK(entry.now.st_mode)) {
      problems_.push_back(quote(entry.path) + ": a socket");
      return;
    }
    if (S_ISREG(entry.now.st_mode)) {
      put_contents(entry);
    } else {
      put_special(entry);
    }
    if (several) names_.emplace(key, entry.path);
  }

  void put_special(const Entry& entry) {
    TarHeader header = header_of(entry, -1);
    if (S_ISLNK(entry.now.st_mode)) {
      header.type = '2';
      header.link = read_link(entry.directory, entry.name);
    } else {
      header.type = S_ISFIFO(entry.now.st_mode) ? '6' : S_ISCHR(entry.now.st_mode) ? '3' : '4';
      header.device_major = major(entry.now.st_rdev);
      header.device_minor = minor(entry.now.st_rdev);
    }
    begin(header);
  }

  void put_contents(const Entry& entry) {
    const sys::UniqueFd file = open_entry(layers_, entry);
    TarHeader header = header_of(entry, file.get());
    header.size = static_cast<uint64_t>(entry.now.st_size);
    begin(header);
    uint64_t left = header.size;
    while (left > 0) {
      const ssize_t got = ::read(file.get(), buffer_.data(), std::min(left, buffer_.size()));
      if (got < 0 && errno == EINTR) continue;
      if (got < 0) throw SystemError("read", entry.path, errno);
      if (got == 0) {
        throw Error(Code::kSession, "a file became shorter while it was read", quote(entry.path),
                    "export again when no container of the session writes");
      }
      tar_.data({buffer_.data(), static_cast<size_t>(got)});
      left -= static_cast<uint64_t>(got);
    }
  }

  void put_empty(const std::string& directory, const std::string& name) {
    TarHeader header;
    header.path = join_path(directory, name);
    begin(header);
  }

  // Directories that are as they were are written only where something below them isn't: a layer
  // that leaves them out would give them new owners and times.
  void begin(const TarHeader& header) {
    std::string_view path = header.path;
    if (path.ends_with('/')) path.remove_suffix(1);
    for (size_t at = path.find('/'); at != std::string_view::npos; at = path.find('/', at + 1)) {
      const auto parent = parents_.extract(std::string(path.substr(0, at)));
      if (parent) tar_.begin(parent.mapped());
    }
    tar_.begin(header);
    if (options_.progress) options_.progress(++entries_);
  }

  const Layers& layers_;
  const ExportOptions& options_;
  TarWriter tar_;
  std::string buffer_;
  std::unordered_map<std::string, TarHeader> parents_;
  std::map<std::pair<dev_t, ino_t>, std::string> names_;
  std::vector<std::string> problems_;
  uint64_t entries_ = 0;
};

}  // namespace

std::vector<std::string> export_layer(const Layers& layers, const ExportOptions& options,
                                      const TarWriter::Sink& sink) {
  Exporter exporter(layers, options, sink);
  walk(layers, exporter);
  return exporter.finish();
}

}  // namespace hookcore::changes

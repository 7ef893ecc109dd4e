#include "libhookcore/ignore/walker.h"

#include <dirent.h>

#include <algorithm>
#include <cerrno>

#include "libhookcore/base/error.h"

namespace hookcore::ignore {
namespace {

// Beyond this many waiting directories a listing pauses until they are done.
constexpr size_t kMaxWaiting = 2048;
// An excluded directory's hidden files are remembered up to this; see list_hidden_files.
constexpr size_t kMaxHiddenBytes = size_t{256} << 10;

EntryType to_entry_type(unsigned char type) {
  switch (type) {
    case DT_DIR:
      return EntryType::kDirectory;
    case DT_REG:
      return EntryType::kFile;
    case DT_LNK:
      return EntryType::kSymlink;
    default:
      return EntryType::kOther;
  }
}

bool has_vanished(int error_number) {
  // ENOTDIR and ELOOP: something else stands there now, which nobody has seen yet.
  return error_number == ENOENT || error_number == ENOTDIR || error_number == ELOOP;
}

// A mask that is left out for any other reason would show what it is to hide.
bool is_gone(const DirectoryHandle& handle, const Directory& directory) {
  if (handle.fd() >= 0) return false;
  if (has_vanished(-handle.fd())) return true;
  throw SystemError("openat", directory.path(), -handle.fd(), Code::kSource);
}

[[noreturn]] void no_permission(const Directory& directory) {
  throw Error(Code::kSource, "no permission to read a directory that ignore rules reach into",
              quote(directory.path()), "make it readable, or exclude it as a whole");
}

// nullopt where there is none. A directory that we may not search shows none of its entries to us,
// but maybe to the container.
std::optional<EntryType> look_up(const Directory& directory, int fd, const char* name) {
  try {
    const auto type = sys::entry_type_at(fd, name);
    return type ? std::optional(to_entry_type(*type)) : std::nullopt;
  } catch (const SystemError& error) {
    if (error.error_number() != EACCES) throw;
    if (!directory.undecided) no_permission(directory);
    return std::nullopt;  // rule 29
  }
}

std::optional<EntryType> type_of(const Directory& directory, int fd,
                                 const sys::DirectoryReader::Entry& entry) {
  if (entry.type != DT_UNKNOWN) return to_entry_type(entry.type);
  return look_up(directory, fd, entry.name.data());
}

}  // namespace

void Walker::process(Worker& worker, Directory& directory) {
  worker.path_of = nullptr;
  const int fd = open(directory);
  if (fd < 0) return;
  sys::UniqueFd temporary;
  if (directory.keeps_descriptor()) {
    directory.fd.reset(fd);  // before anybody else knows of an entry
  } else {
    temporary.reset(fd);
  }
  const bool all = visible_ != nullptr && !directory.undecided;
  if (!all && judge_.interest(directory.scope.scope) == Judge::Interest::kNames) {
    if (!look_up_names(worker, directory, fd)) return;
  }
  list(worker, directory, fd);
}

// -1: there is nothing to read in it.
int Walker::open(Directory& directory) {
  if (directory.is_root()) {
    const int root = sys::open_directory_at(directory.fd.get(), ".");
    if (root < 0) throw SystemError("openat", "the source directory", -root, Code::kSource);
    return root;
  }
  const DirectoryHandle parent(*directory.parent);
  const int fd =
      parent.fd() < 0 ? parent.fd() : sys::open_directory_at(parent.fd(), directory.name.c_str());
  if (fd >= 0) return fd;
  const bool excluded = directory.undecided != nullptr;
  if (has_vanished(-fd)) {
    if (excluded) directory.undecided->shown = true;  // no mask for what isn't there
    return -1;
  }
  const bool denied = fd == -EACCES || fd == -EPERM;
  if (denied && excluded) return -1;  // rule 29
  if (denied) no_permission(directory);
  throw SystemError("openat", directory.path(), -fd, Code::kSource);
}

// The only entries that can differ from the directory have names that rules spell out. True if it
// has to be listed nevertheless.
bool Walker::look_up_names(Worker& worker, Directory& directory, int fd) {
  for (const Judge::Name& name : judge_.names(directory.scope.scope)) {
    ++worker.stats.lookups;
    const auto type = look_up(directory, fd, name.text.c_str());
    if (!type) continue;
    const OpenEntry entry = {name.text, *type};
    if (directory.scope.scope.excluded) {
      if (!name.directory || entry.type == EntryType::kDirectory) return true;
    } else {
      visit(worker, directory, fd, entry);
    }
  }
  return false;
}

void Walker::list(Worker& worker, Directory& directory, int fd) {
  if (worker.readers.size() == worker.level) {
    worker.readers.push_back(std::make_unique<sys::DirectoryReader>());
  }
  sys::DirectoryReader& reader = *worker.readers[worker.level];
  ++worker.level;
  ++worker.stats.directories_read;
  size_t waiting = 0;
  {
    const std::lock_guard lock(worker.mutex);
    waiting = worker.queue.size();
  }
  reader.start(fd);
  sys::DirectoryReader::Entry entry;
  while (reader.next(entry) && !stop_.load(std::memory_order_relaxed)) {
    ++worker.stats.entries_seen;
    if (const auto type = type_of(directory, fd, entry)) {
      visit(worker, directory, fd, {entry.name, *type});
    }
    if (reader.at_boundary()) work_until(worker, waiting + kMaxWaiting);
  }
  --worker.level;
}

void Walker::visit(Worker& worker, Directory& directory, int fd, const OpenEntry& entry) {
  const Scope& scope = directory.scope.scope;
  const bool is_directory = entry.type == EntryType::kDirectory;
  const Verdict verdict = judge_.judge(scope, entry.name, is_directory, worker.scratch);
  if (!verdict.excluded) {
    show(worker, directory);
    if (visible_ != nullptr) emit(worker, directory, fd, entry, /*visible=*/true);
  }
  bool enter = false;
  if (is_directory) {
    Judge::OwnedScope below = judge_.descend(scope, verdict, worker.scratch);
    enter = judge_.interest(below.scope) != Judge::Interest::kNothing ||
            (visible_ != nullptr && !verdict.excluded);
    if (enter) {
      auto child = std::make_unique<Directory>();
      child->parent = &directory;
      child->name = entry.name;
      child->depth = directory.depth + 1;
      child->scope = std::move(below);
      if (verdict.excluded) child->undecided = std::make_unique<Undecided>();
      directory.references.fetch_add(1, std::memory_order_relaxed);
      push(worker, child.release());
    }
  }
  if (verdict.excluded && !enter) hide(worker, directory, fd, entry);
}

// An excluded directory turns out to hold something visible: it and its ancestors are visible, and
// what was hidden in them so far becomes masks.
void Walker::show(Worker& worker, Directory& directory) {
  for (Directory* at = &directory; at->undecided; at = at->parent) {
    if (at->undecided->shown.load(std::memory_order_acquire)) return;
    std::string hidden;
    {
      const std::lock_guard lock(at->undecided->mutex);
      if (at->undecided->shown.exchange(true)) return;
      hidden.swap(at->undecided->hidden);
    }
    if (visible_ != nullptr) {
      emit(worker, *at->parent, -1, {at->name, EntryType::kDirectory}, /*visible=*/true);
    }
    flush(worker, *at, hidden);
  }
}

void Walker::hide(Worker& worker, Directory& directory, int fd, const OpenEntry& entry) {
  Undecided* undecided = directory.undecided.get();
  if (undecided != nullptr) {
    const bool is_directory = entry.type == EntryType::kDirectory;
    if (!is_directory && undecided->list_again.load(std::memory_order_relaxed)) return;
    const std::lock_guard lock(undecided->mutex);
    if (!undecided->shown.load(std::memory_order_relaxed)) {
      std::string& hidden = undecided->hidden;
      hidden.push_back(static_cast<char>(entry.type));
      hidden.append(entry.name);
      hidden.push_back('\0');
      // Only its own listing hides files, so list_again changes in one thread.
      if (hidden.size() > kMaxHiddenBytes && !is_directory) {
        undecided->list_again.store(true, std::memory_order_relaxed);
        std::string directories;
        for (size_t i = 0; i < hidden.size(); i = hidden.find('\0', i + 1) + 1) {
          if (static_cast<EntryType>(hidden[i]) == EntryType::kDirectory) {
            directories.append(hidden, i, hidden.find('\0', i + 1) + 1 - i);
          }
        }
        hidden = std::move(directories);
      }
      return;
    }
  }
  emit(worker, directory, fd, entry, /*visible=*/false);
}

void Walker::flush(Worker& worker, const Directory& directory, const std::string& hidden) {
  if (hidden.empty()) return;
  const DirectoryHandle handle(directory);
  if (is_gone(handle, directory)) return;
  for (size_t i = 0; i < hidden.size();) {
    const OpenEntry entry = {std::string_view(hidden.c_str() + i + 1),
                             static_cast<EntryType>(hidden[i])};
    emit(worker, directory, handle.fd(), entry, /*visible=*/false);
    i += entry.name.size() + 2;
  }
}

// fd: the directory's, -1 if the caller has none at hand.
void Walker::emit(Worker& worker, const Directory& directory, int fd, const OpenEntry& entry,
                  bool visible) {
  if (!visible && masks_ == nullptr) return;
  if (fd < 0) {
    const DirectoryHandle handle(directory);
    if (!is_gone(handle, directory)) emit(worker, directory, handle.fd(), entry, visible);
    return;
  }
  if (worker.path_of != &directory) {
    worker.path = directory.path();
    worker.path_of = &directory;
  }
  const SourceDirectory source = {worker.path, fd};
  if (visible) {
    visible_->visible(source, entry.name, entry.type);
  } else {
    ++worker.stats.masks;
    masks_->mask(source, entry.name, entry.type);
  }
}

// Everything below is done: what is still undecided has nothing visible in it.
void Walker::decide(Worker& worker, Directory& directory) {
  if (!directory.undecided) return;
  if (!directory.undecided->shown) {
    hide(worker, *directory.parent, -1, {directory.name, EntryType::kDirectory});
  } else if (directory.undecided->list_again) {
    list_hidden_files(worker, directory);
  }
}

// An excluded directory had more hidden files than are worth remembering and turned out to be
// visible: its files are judged a second time.
void Walker::list_hidden_files(Worker& worker, Directory& directory) {
  const int fd = open(directory);
  if (fd < 0) return;
  const sys::UniqueFd owned(fd);
  sys::DirectoryReader reader;
  reader.start(fd);
  sys::DirectoryReader::Entry entry;
  while (reader.next(entry)) {
    const auto type = type_of(directory, fd, entry);
    if (!type || *type == EntryType::kDirectory) continue;
    if (judge_.judge(directory.scope.scope, entry.name, false, worker.scratch).excluded) {
      emit(worker, directory, fd, {entry.name, *type}, /*visible=*/false);
    }
  }
}

}  // namespace hookcore::ignore

#include "tests/bench/tree.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace bench {
namespace {

using namespace hookcore;

constexpr size_t kFilesInDirectory = 14;
constexpr size_t kSubdirectories = 5;
constexpr size_t kPackage = 400;  // entries of one package with its own node_modules

void make_file(int parent, const std::string& name, std::string_view text = {}) {
  const sys::UniqueFd file =
      sys::open_at(parent, name, O_WRONLY | O_CREAT | O_TRUNC, sys::Resolve::kStrict, 0644);
  if (!text.empty()) sys::write_all(file.get(), text, name);
}

sys::UniqueFd make_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0755) != 0) throw SystemError("mkdirat", name, errno);
  return sys::open_at(parent, name, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
}

struct Files {
  const char* extension;
  std::string_view text;
};

// A subtree of `entries` entries below parent: a few files, the rest in subdirectories.
void grow(int parent, size_t entries, const Files& kind) {
  const size_t files = std::min(entries, kFilesInDirectory);
  for (size_t i = 0; i < files; ++i) {
    make_file(parent, "module_" + std::to_string(i) + kind.extension, kind.text);
  }
  size_t left = entries - files;
  for (size_t i = 0; left > 0; ++i) {
    const size_t share = i + 1 < kSubdirectories ? (entries - files) / kSubdirectories : left;
    const size_t here = std::clamp<size_t>(share, std::min<size_t>(left, 16), left);
    const sys::UniqueFd directory = make_directory(parent, "part_" + std::to_string(i));
    grow(directory.get(), here - 1, kind);
    left -= here;
  }
}

void grow_in(int parent, const std::string& name, size_t entries, const Files& kind) {
  const sys::UniqueFd directory = make_directory(parent, name);
  if (entries > 1) grow(directory.get(), entries - 1, kind);
}

void make_package(int packages, size_t number, std::string_view text) {
  const sys::UniqueFd package = make_directory(packages, "package-" + std::to_string(number));
  make_file(package.get(), "package.json");
  make_file(package.get(), "debug.log");
  grow_in(package.get(), "src", kPackage * 6 / 10, {".ts", text});
  grow_in(package.get(), "node_modules", kPackage * 4 / 10 - 4, {".js", text});
}

}  // namespace

void make_repository(const std::string& path, size_t entries, std::string_view text) {
  const sys::UniqueFd root =
      sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  make_file(root.get(), "README.md");
  make_file(root.get(), "notes.tmp");
  grow_in(root.get(), ".git", entries * 8 / 100, {"", text});
  grow_in(root.get(), "node_modules", entries * 18 / 100, {".js", text});
  grow_in(root.get(), "target", entries * 10 / 100, {".o", text});
  grow_in(root.get(), "vendor", entries * 20 / 100, {".go", text});
  grow_in(root.get(), "src", entries * 20 / 100, {".rs", text});
  const sys::UniqueFd packages = make_directory(root.get(), "packages");
  for (size_t i = 0; i < entries * 24 / 100 / kPackage; ++i) make_package(packages.get(), i, text);
}

void write_ignore_file(const std::string& path, std::string_view text) {
  const sys::UniqueFd root =
      sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  make_file(root.get(), ".dockerignore", text);
}

}  // namespace bench

#include "tests/bench/ignore_tree.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <random>
#include <stdexcept>

namespace bench {
namespace {

class Maker {
 public:
  Maker(const std::string& root, uint64_t entries) : wanted_(entries) {
    directory(root);
    root_ = root;
  }

  uint64_t make() {
    fill(root_ + "/.git/objects", 2, 12, "%02x");
    files(root_, {"README.md", "package.json", "Makefile", ".gitignore", "Dockerfile"});
    directory(root_ + "/packages");
    for (unsigned i = 0; made_ < wanted_; ++i) package(root_ + "/packages/p" + std::to_string(i));
    return made_;
  }

 private:
  void package(const std::string& path) {
    directory(path);
    files(path, {"package.json", "README.md", "tsconfig.json", ".env", "debug.log"});
    directory(path + "/src");
    for (int i = 0; i < 12 && made_ < wanted_; ++i) {
      sources(path + "/src/module" + std::to_string(i), 1);
    }
    sources(path + "/test", 2);
    if (pick(2) == 0) fill(path + "/node_modules", 3, 6, "lib%u");
    if (pick(3) == 0) fill(path + "/target", 2, 8, "crate%u");
    if (pick(3) == 0) fill(path + "/dist", 1, 10, "chunk%u");
    if (pick(4) == 0) sources(path + "/vendor", 0);
  }

  void sources(const std::string& path, int depth) {
    directory(path);
    static const std::array<const char*, 6> kEndings = {".ts",      ".go",  ".py",
                                                        ".test.ts", ".css", ".md"};
    for (unsigned i = 4 + pick(12); i > 0 && made_ < wanted_; --i) {
      file(path + "/component_" + std::to_string(pick(100000)) + kEndings[pick(6)]);
    }
    if (pick(8) == 0) file(path + "/trace.log");
    for (unsigned i = depth > 0 ? 1 + pick(3) : 0; i > 0 && made_ < wanted_; --i) {
      sources(path + "/part" + std::to_string(i), depth - 1);
    }
  }

  void fill(const std::string& path, int depth, unsigned width, const char* format) {
    std::string made;
    for (size_t at = path.find('/', root_.size() + 1); at != std::string::npos;
         at = path.find('/', at + 1)) {
      directory(path.substr(0, at));
    }
    directory(path);
    for (unsigned i = 0; i < width && made_ < wanted_; ++i) {
      std::array<char, 32> name = {};
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
      std::snprintf(name.data(), name.size(), format, i);
#pragma GCC diagnostic pop
      file(path + "/" + name.data() + ".js");
      if (depth > 0) fill(path + "/" + name.data(), depth - 1, width / 2, format);
    }
  }

  unsigned pick(unsigned below) { return static_cast<unsigned>(random_() % below); }

  void files(const std::string& path, std::initializer_list<const char*> names) {
    for (const char* name : names) file(path + "/" + name);
  }

  void directory(const std::string& path) {
    if (::mkdir(path.c_str(), 0755) == 0) {
      ++made_;
    } else if (errno != EEXIST) {
      throw std::runtime_error("mkdir " + path);
    }
  }

  void file(const std::string& path) {
    const int fd = ::open(path.c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0) throw std::runtime_error("open " + path);
    ::close(fd);
    ++made_;
  }

  std::string root_;
  uint64_t wanted_;
  uint64_t made_ = 0;
  std::mt19937 random_{42};
};

}  // namespace

uint64_t make_tree(const std::string& directory, uint64_t entries) {
  return Maker(directory, entries).make();
}

}  // namespace bench

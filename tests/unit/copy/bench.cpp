#include "tests/unit/copy/bench.h"

#include <fcntl.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "libhookcore/sys/file.h"

namespace hookcore::copy::testing {

Bench::Bench(std::string root) : root_(std::move(root)) {
  tree::make(root_, {"source/"});
  fd_ = sys::open_at(AT_FDCWD, root_, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  source_ = sys::open_at(fd_.get(), "source", O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
}

void Bench::in_source(const std::string& script) const {
  const std::string command = "cd '" + path("source") + "' && set -e && " + script;
  ASSERT_EQ(0, std::system(command.c_str())) << script;
}

Result Bench::copy(const std::string& rules, const Options& options) const {
  return make_copy(source_.get(), ignore::parse_dockerignore(rules, ".dockerignore"), fd_.get(),
                   "copy", options);
}

Manifest Bench::manifest() const {
  const sys::UniqueFd file =
      sys::open_at(fd_.get(), manifest_name("copy"), O_RDONLY, sys::Resolve::kStrict);
  return Manifest::read(file.get());
}

void Bench::expect_nothing_left() const {
  for (const std::string& name : tree::names(root_)) {
    EXPECT_TRUE(name == "source" || name == manifest_name("copy")) << name;
  }
}

std::map<std::string, std::string> Bench::visible(const std::vector<std::string>& hidden) const {
  std::map<std::string, std::string> all = tree::snapshot(path("source"));
  std::erase_if(all, [&](const auto& entry) {
    return std::any_of(hidden.begin(), hidden.end(), [&](const std::string& path) {
      return entry.first == "/" + path || entry.first.starts_with("/" + path + "/");
    });
  });
  return all;
}

}  // namespace hookcore::copy::testing

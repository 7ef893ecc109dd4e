#include "tests/unit/ignore/corpus.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/walk.h"
#include "tests/unit/overlay/bench.h"

namespace hookcore::overlay {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;

class Visible : public ignore::VisibleSink {
 public:
  void visible(const ignore::SourceDirectory& directory, std::string_view name,
               ignore::EntryType type) override {
    std::string path(directory.path);
    if (!path.empty()) path += '/';
    path.append(name);
    if (type == ignore::EntryType::kDirectory) path += '/';
    paths.insert(path);
  }
  std::set<std::string> paths;
};

/// What readdir(3) shows, directories with a slash.
void list(const std::string& root, const std::string& below, std::set<std::string>& paths) {
  for (const std::string& name : tree::names(root + "/" + below)) {
    const std::string path = below + name;
    struct stat status {};
    if (::lstat((root + "/" + path).c_str(), &status) != 0) {
      ADD_FAILURE() << path << " is listed and can't be looked up";
      continue;
    }
    if (S_ISDIR(status.st_mode)) {
      paths.insert(path + "/");
      list(root, path + "/", paths);
    } else {
      paths.insert(path);
    }
  }
}

void compare(const ignore::testing::CorpusCase& one, As as) {
  sandbox::run(as, [&](const Place& place) {
    const sandbox::InMemory memory(place);
    Bench bench(memory.place);
    const sys::UniqueFd source = bench.open("source");
    for (const std::string& entry : one.entries) {
      for (size_t slash = entry.find('/'); slash != entry.npos;
           slash = entry.find('/', slash + 1)) {
        ::mkdirat(source.get(), entry.substr(0, slash).c_str(), 0755);
      }
      if (entry.ends_with('/')) continue;
      const sys::UniqueFd file(::openat(source.get(), entry.c_str(), O_CREAT | O_WRONLY, 0644));
      ASSERT_TRUE(file) << entry;
    }
    Visible expected;
    ignore::list_visible(source.get(), ignore::parse_dockerignore(one.ignore, ".dockerignore"),
                         expected);
    bench.mount(one.ignore);
    std::set<std::string> shown;
    list(bench.path("workspace"), "", shown);
    EXPECT_EQ(expected.paths, shown) << one.name;
  });
}

class CorpusTest : public ::testing::TestWithParam<As> {};

// What BuildKit would send is what a container sees: the engine's list is compared with BuildKit's
// in test_ignore, and the mounted workspace with the engine's list here.
TEST_P(CorpusTest, TheWorkspaceShowsWhatTheEngineLists) {
  const auto directory = ignore::testing::corpus_directory();
  if (!directory) {
    const char* ci = std::getenv("CI");
    ASSERT_TRUE(ci == nullptr || std::string(ci) != "true") << "CI needs the corpus";
    GTEST_SKIP() << "NO CORPUS: set OCI_CNB_CORPUS";
  }
  constexpr size_t kStep = 40;
  size_t compared = 0;
  const auto cases = ignore::testing::read_corpus(*directory, "real");
  for (size_t i = 0; i < cases.size() && !IsSkipped(); i += kStep) {
    if (!cases[i].error_stage.empty()) continue;
    compare(cases[i], GetParam());
    ++compared;
  }
  EXPECT_TRUE(IsSkipped() || compared >= 10);
}

INSTANTIATE_TEST_SUITE_P(As, CorpusTest, ::testing::Values(As::kRoot, As::kUser), sandbox::name_of);

}  // namespace
}  // namespace hookcore::overlay

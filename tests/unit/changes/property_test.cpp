// Any program in a workspace, and afterwards two opinions on what it did: the upper's, and that of
// somebody who compares the two trees file by file.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <random>

#include "tests/unit/changes/bench.h"

namespace hookcore::changes {
namespace {

using sandbox::As;
using sandbox::Place;
using testing::Bench;
using testing::CopyBench;

constexpr int kRounds = 60;
constexpr int kSteps = 40;

/// Does one thing after another to paths of few names, so that they meet.
class Vandal {
 public:
  explicit Vandal(unsigned seed) : random_(seed) {}

  std::vector<std::string> source() {
    std::vector<std::string> entries;
    for (size_t i = 5 + pick(15); i > 0; --i) {
      const std::string path = this->path();
      const auto clashes = [&](const std::string& other) {
        const std::string name = other.substr(0, other.find_first_of("=-"));
        return name == path || name.starts_with(path + "/") || path.starts_with(name + "/");
      };
      if (std::none_of(entries.begin(), entries.end(), clashes)) {
        entries.push_back(path + (pick(5) == 0 ? "->" : "=") + std::to_string(pick(3)));
      }
    }
    return entries;
  }

  // Many of them fail, as they do for people: nothing is there, or something else.
  void step(const std::string& root) {
    const std::string one = root + "/" + path();
    const std::string other = root + "/" + path();
    switch (pick(10)) {
      case 0:
      case 1:
        if (std::FILE* file = std::fopen(one.c_str(), pick(2) == 0 ? "w" : "a")) {
          std::fputs(std::to_string(pick(3)).c_str(), file);
          std::fclose(file);
        }
        return;
      case 2:
        ::unlink(one.c_str());
        return;
      case 3:
        remove(one);
        return;
      case 4:
      case 5:
        ::rename(one.c_str(), other.c_str());
        return;
      case 6:
        ::mkdir(one.c_str(), 0755);
        return;
      case 7:
        ::chmod(one.c_str(), pick(2) == 0 ? 0755 : 0700);
        return;
      case 8:
        if (::symlink("1", one.c_str()) != 0) ::mkfifo(one.c_str(), 0644);
        return;
      default:
        if (::link(one.c_str(), other.c_str()) != 0) ::utimensat(AT_FDCWD, one.c_str(), nullptr, 0);
    }
  }

 private:
  size_t pick(size_t below) { return static_cast<size_t>(random_() % below); }

  std::string path() {
    static constexpr std::array<const char*, 5> kNames{"a", "b", "c\n", "\xfe", "a.b"};
    std::string path = kNames.at(pick(kNames.size()));
    while (pick(2) == 0) path.append("/").append(kNames.at(pick(kNames.size())));
    return path;
  }

  static void remove(const std::string& path) {
    struct ::stat status {};
    if (::lstat(path.c_str(), &status) != 0) return;
    if (S_ISDIR(status.st_mode)) {
      for (const std::string& name : tree::names(path)) {
        remove(std::string(path).append("/").append(name));
      }
      ::rmdir(path.c_str());
    } else {
      ::unlink(path.c_str());
    }
  }

  std::mt19937 random_;
};

// Where it came from is the upper's knowledge alone.
std::vector<std::string> without_origins(std::vector<std::string> lines) {
  for (std::string& line : lines) {
    line = line.substr(0, std::min(line.find(" from "), line.find(" link ")));
  }
  return lines;
}

void expect_same_opinion(As as, const std::string& options, unsigned first_seed) {
  sandbox::run(as, [&](const Place& on_disk) {
    const sandbox::InMemory memory(on_disk);
    size_t told = 0;
    for (unsigned seed = first_seed; seed < first_seed + kRounds; ++seed) {
      const std::string name = std::to_string(seed);
      tree::make(memory.place.path, {name + "/"});
      const Place place{memory.place.path + "/" + name, -1, as};
      Bench bench(place);
      Vandal vandal(seed);
      tree::make(bench.path("source"), vandal.source());
      const auto before = tree::snapshot(bench.path("source"));
      bench.mount(options);
      for (int step = 0; step < kSteps; ++step) vandal.step(bench.path("merged"));
      const auto expected = testing::compare_trees(bench.path("source"), bench.path("merged"));
      EXPECT_EQ(expected, without_origins(bench.changes())) << "seed " << seed;
      told += expected.size();
      EXPECT_EQ(before, tree::snapshot(bench.path("source"))) << "seed " << seed;
      bench.unmount();
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(told, size_t{kRounds}) << "programs that did nothing show nothing";
  });
}

// What is told of both trees alike when the source has moved on: nobody can compare contents then.
std::vector<std::string> without_contents(const std::vector<std::string>& lines) {
  std::vector<std::string> kept;
  for (std::string line : lines) {
    const size_t contents = line.find(" contents");
    if (contents != std::string::npos) line.erase(contents, 9);
    const bool nothing_else = line.starts_with("M ") && !line.ends_with(" mode") &&
                              line.find(" retyped") == std::string::npos;
    if (!nothing_else) kept.push_back(line);
  }
  return kept;
}

// A copy, a container that works in it, and, in every second round, a user who works in the source.
void expect_copy_tells(As as, unsigned first_seed) {
  sandbox::run(as, [&](const Place& on_disk) {
    const sandbox::InMemory memory(on_disk);
    size_t told = 0;
    for (unsigned seed = first_seed; seed < first_seed + kRounds; ++seed) {
      const std::string name = std::to_string(seed);
      tree::make(memory.place.path, {name + "/source/"});
      const std::string root = memory.place.path + "/" + name;
      Vandal vandal(seed);
      tree::make(root + "/source", vandal.source());
      const CopyBench bench(root);
      for (int step = 0; step < kSteps; ++step) vandal.step(root + "/copy");
      const bool moves_on = seed % 2 == 0;
      if (moves_on) {
        for (int step = 0; step < kSteps; ++step) vandal.step(root + "/source");
      }
      const auto expected = testing::compare_trees(root + "/before", root + "/copy");
      const auto lines = without_origins(bench.changes());
      if (moves_on) {
        EXPECT_EQ(without_contents(expected), without_contents(lines)) << "seed " << seed;
      } else {
        EXPECT_EQ(expected, lines) << "seed " << seed;
      }
      told += expected.size();
      if (::testing::Test::HasFailure()) return;
    }
    EXPECT_GT(told, size_t{kRounds}) << "programs that did nothing show nothing";
  });
}

class PropertyTest : public ::testing::TestWithParam<As> {};

TEST_P(PropertyTest, TheUpperTellsWhatTheTreesTell) { expect_same_opinion(GetParam(), "", 1); }

TEST_P(PropertyTest, TheManifestTellsWhatTheTreesTell) { expect_copy_tells(GetParam(), 1); }

INSTANTIATE_TEST_SUITE_P(As, PropertyTest, ::testing::Values(As::kRoot, As::kUser),
                         sandbox::name_of);

TEST(ChangesOfRoot, WithRedirectsAndMetadataAlone) {
  expect_same_opinion(As::kRoot, "redirect_dir=on,metacopy=on", 1000);
}

}  // namespace
}  // namespace hookcore::changes

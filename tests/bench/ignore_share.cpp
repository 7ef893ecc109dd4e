// ignore_share: how many directories of real repositories the engine reads with their own ignore
// files, against what BuildKit reads: every directory that it shows, to list what is in it (and the
// excluded ones that a negation keeps open, which aren't counted here).
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "libhookcore/ignore/rules.h"
#include "tests/unit/ignore/corpus.h"
#include "tests/unit/ignore/scratch_tree.h"

namespace {

using namespace hookcore::ignore;

size_t directories_of(const std::vector<std::string>& entries) {
  const auto is_directory = [](const std::string& entry) { return entry.ends_with('/'); };
  return 1 + static_cast<size_t>(std::count_if(entries.begin(), entries.end(), is_directory));
}

struct Share {
  size_t cases = 0;
  size_t all = 0;
  size_t ours = 0;
  size_t buildkit = 0;
  size_t at_most_one = 0;

  void add(const testing::CorpusCase& one) {
    const testing::ScratchTree tree(one.entries);
    WalkStats stats;
    testing::masks_of(tree.fd(), parse_dockerignore(one.ignore, ".dockerignore"), &stats);
    ++cases;
    all += directories_of(one.entries);
    ours += stats.directories_read;
    buildkit += directories_of(one.visible);
    at_most_one += stats.directories_read <= 1 ? 1 : 0;
  }
};

double percent(size_t part, size_t whole) {
  return 100 * static_cast<double>(part) / static_cast<double>(whole);
}

}  // namespace

int main() {
  const auto directory = testing::corpus_directory();
  if (!directory) {
    std::puts("no corpus (OCI_CNB_CORPUS): the share of directories read isn't measured");
    return 0;
  }
  Share share;
  for (const testing::CorpusCase& one : testing::read_corpus(*directory, "real")) {
    const bool own_tree = one.tree.starts_with("own-");
    if (own_tree && one.error_stage.empty() && !one.has_flag("regexp-leak")) share.add(one);
  }
  if (share.cases == 0) return EXIT_FAILURE;
  std::printf(
      "%zu ignore files on the trees of their repositories, %zu directories: read by this engine "
      "%.0f %%,\nby BuildKit at least %.0f %%; at most one directory read in %.0f %% of the "
      "trees\n",
      share.cases, share.all, percent(share.ours, share.all), percent(share.buildkit, share.all),
      percent(share.at_most_one, share.cases));
  return EXIT_SUCCESS;
}

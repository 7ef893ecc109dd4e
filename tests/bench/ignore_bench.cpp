// ignore_bench [--runs N] [--dir DIR] [--cold] [ENTRIES...]: the ignore engine against a raw
// getdents64 walk, ripgrep, fd, git status, rsync and buildah, on generated trees. All ways run in
// turn, so that a slow moment of the machine meets all of them; medians in ms and ratios are
// printed, and the peak memory of a process that does nothing but walk. A way whose program isn't
// installed is left out. --cold (root only) drops caches before each run.
//
// ignore_bench --walk DIR RULES THREADS: one walk, in a process of its own; prints its peak memory.
// ignore_bench --make DIR ENTRIES: only makes the tree.
#include <fcntl.h>
#include <unistd.h>

#include <array>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

#include "libhookcore/ignore/rules.h"
#include "libhookcore/ignore/walk.h"
#include "tests/bench/ignore_peers.h"
#include "tests/bench/ignore_raw_walk.h"
#include "tests/bench/ignore_tree.h"

namespace {

namespace ignore = hookcore::ignore;
using bench::RuleCase;
using bench::Way;
using Clock = std::chrono::steady_clock;

struct Options {
  int runs = 9;
  std::string directory = "/tmp";
  bool cold = false;
  std::vector<uint64_t> entries;
};

class CountMasks : public ignore::MaskSink {
 public:
  void mask(const ignore::SourceDirectory&, std::string_view, ignore::EntryType) override {}
};

std::vector<RuleCase> rule_cases() {
  const std::vector<std::string> hidden = {"node_modules", "target", "dist", ".git"};
  const std::string typical =
      ".git\n**/node_modules\n**/target\n**/dist\n**/*.log\n**/.env\n**/__pycache__\n";
  const std::string typical_git = "/.git\nnode_modules\ntarget\ndist\n*.log\n.env\n__pycache__\n";
  std::string many = typical;
  std::string many_git = typical_git;
  for (int i = 0; i < 193; ++i) {
    const std::string name =
        i % 3 == 0 ? "generated_" + std::to_string(i) : "*.ext" + std::to_string(i);
    many += "**/" + name + "\n";
    many_git += name + "\n";
  }
  std::string negated = "**/*.md\n**/*.log\n";
  for (int i = 0; i < 40; ++i) negated += "!packages/p" + std::to_string(i) + "/**/*.md\n";
  const std::vector<std::string> rsync = {"/.git", "node_modules", "target",     "dist",
                                          "*.log", ".env",         "__pycache__"};
  return {{"anchored", ".git\nnode_modules\ntarget\npackages/p0/dist\n", "", {}, {}},
          {"typical **", typical, typical_git, rsync, hidden},
          {"200 rules", many, many_git, {}, hidden},
          {"many !", negated, "", {}, {}}};
}

std::vector<Way> ways_of(const RuleCase& rules, const std::string& tree, uint64_t entries, int fd) {
  std::vector<Way> ways;
  ways.push_back({"raw getdents64, 2 threads", [=] { bench::raw_walk(fd, rules.skipped, 2); }});
  ways.push_back({"raw getdents64, 1 thread", [=] { bench::raw_walk(fd, rules.skipped, 1); }});
  for (const unsigned threads : {2U, 1U}) {
    ways.push_back(
        {"this engine, " + std::to_string(threads) + (threads > 1 ? " threads" : " thread"), [=] {
           CountMasks sink;
           ignore::find_masks(fd, ignore::parse_dockerignore(rules.dockerignore, ".dockerignore"),
                              sink, {threads});
         }});
  }
  const std::vector<Way> foreign = bench::foreign_ways(rules, tree, entries);
  ways.insert(ways.end(), foreign.begin(), foreign.end());
  return ways;
}

void drop_caches() {
  ::sync();
  bench::write_file("/proc/sys/vm/drop_caches", "3");
}

void measure(std::vector<Way>& ways, const Options& options) {
  for (int run = options.cold ? 0 : -1; run < options.runs; ++run) {
    for (Way& way : ways) {
      if (run >= way.most_runs || (run < 0 && way.most_runs < options.runs)) continue;
      if (options.cold) drop_caches();
      const auto start = Clock::now();
      way.run();
      const std::chrono::duration<double, std::milli> taken = Clock::now() - start;
      if (run >= 0) way.times.push_back(taken.count());  // the first round warms caches
    }
  }
}

/// A field of /proc/self/status in KiB.
long own_status(const std::string& field) {
  std::ifstream status("/proc/self/status");
  for (std::string line; std::getline(status, line);) {
    if (line.starts_with(field + ":")) return std::atol(line.c_str() + field.size() + 1);
  }
  return -1;
}

void walk_once(const std::string& tree, const std::string& rules_file, unsigned threads) {
  std::ostringstream rules;
  rules << std::ifstream(rules_file, std::ios::binary).rdbuf();
  const int fd = ::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  CountMasks sink;
  ignore::find_masks(fd, ignore::parse_dockerignore(rules.str(), rules_file), sink, {threads});
  ::close(fd);
  std::printf("%ld KiB at most (VmHWM)\n", own_status("VmHWM"));
}

/// What a process says that only walks.
std::string peak_memory(const RuleCase& rules, const std::string& tree) {
  const std::string file = tree + ".rules";
  bench::write_file(file, rules.dockerignore);
  const std::string command = std::filesystem::read_symlink("/proc/self/exe").string() +
                              " --walk '" + tree + "' '" + file + "' 2";
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(::popen(command.c_str(), "r"), ::pclose);
  std::array<char, 128> line = {};
  const bool said = pipe && std::fgets(line.data(), line.size(), pipe.get()) != nullptr;
  std::filesystem::remove(file);
  return said ? line.data() : "unknown\n";
}

void report(const RuleCase& rules, uint64_t entries, int fd, const std::string& memory,
            std::vector<Way>& ways) {
  CountMasks sink;
  const ignore::WalkStats stats =
      ignore::find_masks(fd, ignore::parse_dockerignore(rules.dockerignore, ".dockerignore"), sink);
  std::printf("\n%llu entries, %s: %llu masks, %llu directories read, %llu entries seen\n",
              static_cast<unsigned long long>(entries), rules.name.c_str(),
              static_cast<unsigned long long>(stats.masks),
              static_cast<unsigned long long>(stats.directories_read),
              static_cast<unsigned long long>(stats.entries_seen));
  const double floor = ways[0].median();
  const double own = ways[2].median();
  for (Way& way : ways) {
    const double median = way.median();
    std::printf("  %-28s %10.3f ms   %6.2f x raw   %6.2f x this engine\n", way.name.c_str(), median,
                median / floor, median / own);
  }
  std::printf("  %-28s %s", "memory of a walk alone", memory.c_str());
  std::fflush(stdout);
}

void run(const Options& options, uint64_t wanted) {
  const std::string tree = options.directory + "/oci-cnb-bench-" + std::to_string(::getpid());
  const uint64_t entries = bench::make_tree(tree, wanted);
  const int fd = ::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const RuleCase& rules : rule_cases()) {
    std::vector<Way> ways = ways_of(rules, tree, entries, fd);
    measure(ways, options);
    report(rules, entries, fd, peak_memory(rules, tree), ways);
  }
  ::close(fd);
  std::filesystem::remove_all(tree);
  bench::remove_leftovers(tree);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc == 5 && std::string(argv[1]) == "--walk") {
    walk_once(argv[2], argv[3], static_cast<unsigned>(std::atoi(argv[4])));
    return 0;
  }
  if (argc == 4 && std::string(argv[1]) == "--make") {
    bench::make_tree(argv[2], std::strtoull(argv[3], nullptr, 10));
    return 0;
  }
  Options options;
  for (int i = 1; i < argc; ++i) {
    const std::string word = argv[i];
    if (word == "--cold") {
      options.cold = true;
    } else if (word == "--runs" && i + 1 < argc) {
      options.runs = std::atoi(argv[++i]);
    } else if (word == "--dir" && i + 1 < argc) {
      options.directory = argv[++i];
    } else if (std::strtoull(word.c_str(), nullptr, 10) > 0) {
      options.entries.push_back(std::strtoull(word.c_str(), nullptr, 10));
    } else {
      std::fprintf(stderr,
                   "usage: ignore_bench [--runs N] [--dir DIR] [--cold] [ENTRIES...]\n"
                   "       ignore_bench --walk DIR RULES THREADS\n"
                   "       ignore_bench --make DIR ENTRIES\n");
      return 2;
    }
  }
  if (options.entries.empty()) options.entries = {500, 50000, 500000, 1000000};
  for (const uint64_t entries : options.entries) run(options, entries);
  return 0;
}

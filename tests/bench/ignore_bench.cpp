// ignore_bench [--runs N] [--dir DIR] [--cold] [ENTRIES...]: the ignore engine against a raw
// getdents64 walk, ripgrep, fd and rsync, on generated trees. All ways run in turn, so that a slow
// moment of the machine meets all of them; medians in ms and ratios are printed. A way whose
// program isn't installed is left out. --cold (root only) drops caches before each run.
#include <fcntl.h>
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <functional>
#include <string>
#include <vector>

#include "libhookcore/ignore/rules.h"
#include "libhookcore/ignore/walk.h"
#include "tests/bench/ignore_raw_walk.h"
#include "tests/bench/ignore_tree.h"

extern char** environ;

namespace {

namespace ignore = hookcore::ignore;
using Clock = std::chrono::steady_clock;

struct Options {
  int runs = 9;
  std::string directory = "/tmp";
  bool cold = false;
  std::vector<uint64_t> entries;
};

struct RuleCase {
  std::string name;
  std::string dockerignore;
  std::string gitignore;             ///< the same for rg, fd; empty: no equal rules
  std::vector<std::string> skipped;  ///< directories that the raw walk leaves out
};

struct Way {
  std::string name;
  std::function<void()> run;
  std::vector<double> times;

  double median() {
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
  }
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
  return {{"anchored", ".git\nnode_modules\ntarget\npackages/p0/dist\n", "", {}},
          {"typical **", typical, typical_git, hidden},
          {"200 rules", many, many_git, hidden},
          {"many !", negated, "", {}}};
}

bool installed(const char* program) {
  return std::system((std::string("command -v ") + program + " >/dev/null 2>&1").c_str()) == 0;
}

std::function<void()> spawn(std::vector<std::string> words) {
  return [words = std::move(words)] {
    std::vector<char*> arguments;
    for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
    arguments.push_back(nullptr);
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
    pid_t pid = 0;
    if (posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) == 0) {
      ::waitpid(pid, nullptr, 0);
    }
    posix_spawn_file_actions_destroy(&actions);
  };
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<Way> ways_of(const RuleCase& rules, const std::string& tree, int fd) {
  std::vector<Way> ways;
  ways.push_back({"raw getdents64, 2 threads", [=] { bench::raw_walk(fd, rules.skipped, 2); }, {}});
  ways.push_back({"raw getdents64, 1 thread", [=] { bench::raw_walk(fd, rules.skipped, 1); }, {}});
  for (const unsigned threads : {2U, 1U}) {
    ways.push_back(
        {"this engine, " + std::to_string(threads) + (threads > 1 ? " threads" : " thread"),
         [=] {
           CountMasks sink;
           ignore::find_masks(fd, ignore::parse_dockerignore(rules.dockerignore, ".dockerignore"),
                              sink, {threads});
         },
         {}});
  }
  if (rules.gitignore.empty()) return ways;
  const std::string file = tree + ".gitrules";
  write_file(file, rules.gitignore);
  if (installed("rg")) {
    ways.push_back({"ripgrep --files",
                    spawn({"rg", "--files", "--hidden", "--no-ignore-vcs", "--no-ignore-parent",
                           "--no-ignore-dot", "--no-config", "--ignore-file", file, tree}),
                    {}});
  }
  for (const char* fd_name : {"fdfind", "fd"}) {
    if (!installed(fd_name)) continue;
    ways.push_back({"fd", spawn({fd_name, "-H", "-I", "--ignore-file", file, ".", tree}), {}});
    break;
  }
  if (installed("rsync") && rules.name == "typical **") {
    ways.push_back({"rsync -an",
                    spawn({"rsync", "-an", "--exclude=/.git", "--exclude=node_modules",
                           "--exclude=target", "--exclude=dist", "--exclude=*.log",
                           "--exclude=.env", tree + "/", "/nonexistent/"}),
                    {}});
  }
  return ways;
}

void drop_caches() {
  ::sync();
  write_file("/proc/sys/vm/drop_caches", "3");
}

void measure(std::vector<Way>& ways, const Options& options) {
  for (int run = options.cold ? 0 : -1; run < options.runs; ++run) {
    for (Way& way : ways) {
      if (options.cold) drop_caches();
      const auto start = Clock::now();
      way.run();
      const std::chrono::duration<double, std::milli> taken = Clock::now() - start;
      if (run >= 0) way.times.push_back(taken.count());  // the first round warms caches
    }
  }
}

void report(const RuleCase& rules, uint64_t entries, int fd, std::vector<Way>& ways) {
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
  std::fflush(stdout);
}

void run(const Options& options, uint64_t wanted) {
  const std::string tree = options.directory + "/oci-cnb-bench-" + std::to_string(::getpid());
  const uint64_t entries = bench::make_tree(tree, wanted);
  const int fd = ::open(tree.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  for (const RuleCase& rules : rule_cases()) {
    std::vector<Way> ways = ways_of(rules, tree, fd);
    measure(ways, options);
    report(rules, entries, fd, ways);
  }
  ::close(fd);
  std::filesystem::remove_all(tree);
  std::filesystem::remove(tree + ".gitrules");
}

}  // namespace

int main(int argc, char** argv) {
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
      std::fprintf(stderr, "usage: ignore_bench [--runs N] [--dir DIR] [--cold] [ENTRIES...]\n");
      return 2;
    }
  }
  if (options.entries.empty()) options.entries = {500, 50000, 500000, 1000000};
  for (const uint64_t entries : options.entries) run(options, entries);
  return 0;
}

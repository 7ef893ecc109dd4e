#include "tests/bench/ignore_peers.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>

extern char** environ;

namespace bench {
namespace {

constexpr uint64_t kMostForGit = 100000;    // it looks at every file's inode
constexpr uint64_t kMostForBuildah = 1000;  // it copies, and commits an image

Way program(const std::string& name, std::vector<std::string> words, int most_runs = 1000) {
  return {name,
          [name, words = std::move(words)] {
            if (!run_program(words)) std::fprintf(stderr, "%s failed\n", name.c_str());
          },
          most_runs};
}

// Untracked files of a repository that lies beside its work tree.
Way git_status(const std::string& tree, const std::string& rules_file) {
  const std::string repository = tree + ".repository";
  run_program({"git", "init", "-q", "--bare", repository});
  return program("git status -uall",
                 {"git", "--git-dir=" + repository, "--work-tree=" + tree, "-c", "core.bare=false",
                  "-c", "core.excludesFile=" + rules_file, "status", "--porcelain", "-uall"});
}

// COPY . . is a walk and a copy, which is what the workspace spares.
Way buildah_copy(const std::string& tree, const RuleCase& rules) {
  write_file(tree + ".containerfile", "FROM scratch\nCOPY . .\n");
  write_file(tree + ".dockerignore", rules.dockerignore);
  return program("buildah, COPY . .",
                 {"buildah", "--root", tree + ".storage", "--runroot", tree + ".run",
                  "--storage-driver", "vfs", "bud", "-q", "--no-cache", "--isolation", "chroot",
                  "--ignorefile", tree + ".dockerignore", "-f", tree + ".containerfile", tree},
                 1);
}

Way rsync_dry_run(const std::string& tree, const RuleCase& rules) {
  std::vector<std::string> words = {"rsync", "-an"};
  for (const std::string& pattern : rules.rsync) words.push_back("--exclude=" + pattern);
  words.push_back(tree + "/");
  words.emplace_back("/nonexistent/");
  return program("rsync -an", std::move(words));
}

}  // namespace

double Way::median() {
  std::sort(times.begin(), times.end());
  return times[times.size() / 2];
}

bool installed(const char* program) {
  return std::system((std::string("command -v ") + program + " >/dev/null 2>&1").c_str()) == 0;
}

bool run_program(const std::vector<std::string>& words) {
  std::vector<char*> arguments;
  for (const std::string& word : words) arguments.push_back(const_cast<char*>(word.c_str()));
  arguments.push_back(nullptr);
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_addopen(&actions, STDOUT_FILENO, "/dev/null", O_WRONLY, 0);
  pid_t pid = 0;
  int status = -1;
  if (posix_spawnp(&pid, arguments[0], &actions, nullptr, arguments.data(), environ) == 0) {
    ::waitpid(pid, &status, 0);
  }
  posix_spawn_file_actions_destroy(&actions);
  return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

void write_file(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

std::vector<Way> foreign_ways(const RuleCase& rules, const std::string& tree, uint64_t entries) {
  std::vector<Way> ways;
  if (!rules.gitignore.empty()) {
    const std::string file = tree + ".gitrules";
    write_file(file, rules.gitignore);
    if (installed("rg")) {
      ways.push_back(program("ripgrep --files",
                             {"rg", "--files", "--hidden", "--no-ignore-vcs", "--no-ignore-parent",
                              "--no-ignore-dot", "--no-config", "--ignore-file", file, tree}));
    }
    for (const char* fd : {"fdfind", "fd"}) {
      if (!installed(fd)) continue;
      ways.push_back(program("fd", {fd, "-H", "-I", "--ignore-file", file, ".", tree}));
      break;
    }
    if (installed("git") && entries <= kMostForGit) ways.push_back(git_status(tree, file));
  }
  if (rules.rsync.empty()) return ways;
  if (installed("rsync")) ways.push_back(rsync_dry_run(tree, rules));
  if (installed("buildah") && ::geteuid() == 0 && entries <= kMostForBuildah) {
    ways.push_back(buildah_copy(tree, rules));
  }
  return ways;
}

void remove_leftovers(const std::string& tree) {
  std::error_code ignored;
  for (const char* ending :
       {".gitrules", ".dockerignore", ".containerfile", ".repository", ".storage", ".run"}) {
    std::filesystem::remove_all(tree + ending, ignored);
  }
}

}  // namespace bench

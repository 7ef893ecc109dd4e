#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace bench {

/// A way to do what the engine does, and how long its runs took.
struct Way {
  std::string name;
  std::function<void()> run;
  int most_runs = 1000;  ///< for ways that take seconds
  std::vector<double> times = {};

  double median();
};

/// The same rules in the languages of several programs.
struct RuleCase {
  std::string name;
  std::string dockerignore;
  std::string gitignore;             ///< for rg, fd and git; empty: no equal rules
  std::vector<std::string> rsync;    ///< --exclude of rsync; empty: no equal rules
  std::vector<std::string> skipped;  ///< directories that the raw walk leaves out
};

/// Programs that walk or copy tree by these rules, those that are installed. Their files stand
/// beside the tree, with names that begin as the tree's does.
std::vector<Way> foreign_ways(const RuleCase& rules, const std::string& tree, uint64_t entries);

/// The directories a build with buildah leaves beside the tree.
void remove_leftovers(const std::string& tree);

bool installed(const char* program);
/// Runs a program to its end, stdout to /dev/null; false if it failed.
bool run_program(const std::vector<std::string>& words);
void write_file(const std::string& path, const std::string& text);

}  // namespace bench

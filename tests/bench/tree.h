#pragma once

#include <string>
#include <string_view>

namespace bench {

/// An ignore file, the same for rsync, and the directories that a walk need not enter.
struct Rules {
  std::string_view dockerignore;
  std::string_view rsync;       ///< for --exclude-from
  std::string_view skipped[4];  ///< for raw_walk; empty ones are unused
};

/// Rules at the root alone: nothing below it is read.
inline constexpr Rules kAnchored{
    ".git\nnode_modules\ntarget\ndist\ncoverage\n*.tmp\n.locald\n",
    "/.git\n/node_modules\n/target\n/dist\n/coverage\n/*.tmp\n/.locald\n",
    {"/.git", "/node_modules", "/target", ""},
};

/// Rules that may match anywhere: every visible directory is read.
inline constexpr Rules kAnywhere{
    ".git\n**/node_modules\n**/target\n**/__pycache__\n**/debug.log\n*.tmp\n.locald\n",
    "/.git\nnode_modules\ntarget\n__pycache__\ndebug.log\n/*.tmp\n/.locald\n",
    {"/.git", "node_modules", "target", "__pycache__"},
};

/// Fills an existing, empty directory with about `entries` files and directories in the shape of a
/// repository of many packages: .git, node_modules at the root and in each package, target, vendor,
/// src. Each file has `text`; empty files are the best case of everybody who copies them.
void make_repository(const std::string& path, size_t entries, std::string_view text = {});

/// Writes path/.dockerignore.
void write_ignore_file(const std::string& path, std::string_view text);

}  // namespace bench

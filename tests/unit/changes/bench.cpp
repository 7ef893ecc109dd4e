#include "tests/unit/changes/bench.h"

#include <fcntl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <map>

#include "libhookcore/copy/copy.h"
#include "libhookcore/ignore/rules.h"

namespace hookcore::changes::testing {
namespace {

namespace fs = std::filesystem;

struct Facts {
  struct ::stat status {};
  std::string contents;  ///< a link's: its target
};

using Tree = std::map<std::string, Facts>;

Tree read_tree(const std::string& root) {
  Tree tree;
  for (const auto& entry : fs::recursive_directory_iterator(root)) {
    Facts facts;
    EXPECT_EQ(0, ::lstat(entry.path().c_str(), &facts.status)) << entry.path();
    if (S_ISREG(facts.status.st_mode)) facts.contents = tree::read(entry.path());
    if (S_ISLNK(facts.status.st_mode)) facts.contents = fs::read_symlink(entry.path());
    tree.emplace(entry.path().lexically_relative(root), std::move(facts));
  }
  return tree;
}

bool is_directory(const Facts& facts) { return S_ISDIR(facts.status.st_mode); }

std::string parent_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

std::string slash_of(const Facts& facts) { return is_directory(facts) ? "/" : ""; }

// Empty where they are the same.
std::string difference(const Facts& old, const Facts& now) {
  if ((old.status.st_mode & S_IFMT) != (now.status.st_mode & S_IFMT)) return " retyped";
  std::string text;
  if (old.status.st_mode != now.status.st_mode) text += " mode";
  if (old.status.st_uid != now.status.st_uid || old.status.st_gid != now.status.st_gid) {
    text += " owner";
  }
  const bool other = old.contents != now.contents ||
                     (!S_ISREG(now.status.st_mode) && old.status.st_rdev != now.status.st_rdev);
  return other ? " contents" + text : text;
}

std::vector<std::string> lines_of(const Layers& layers) {
  std::vector<std::string> lines;
  for (const Change& change : summarise(layers)) {
    const Entry& entry = change.entry;
    const bool deleted = entry.kind == Kind::kDeleted;
    std::string line{"AMD"[static_cast<size_t>(entry.kind)]};
    line += " " + entry.path;
    if (S_ISDIR((deleted ? entry.old : entry.now).st_mode)) line += "/";
    if (entry.retyped()) line += " retyped";
    if (entry.contents && !entry.retyped()) line += " contents";
    if (entry.mode && !entry.retyped()) line += " mode";
    if (entry.owner && !entry.retyped()) line += " owner";
    if (change.below > 0) line += " below " + std::to_string(change.below);
    if (!entry.moved_from.empty()) line += " from " + entry.moved_from;
    if (!change.hard_link.empty()) line += " link " + change.hard_link;
    lines.push_back(line);
  }
  return lines;
}

}  // namespace

Bench::Bench(const sandbox::Place& place) : place_(place) {
  tree::make(place.path, {"source/", "upper/", "work/", "merged/"});
}

void Bench::mount(const std::string& options) {
  std::string data =
      "lowerdir=" + path("source") + ",upperdir=" + path("upper") + ",workdir=" + path("work");
  if (user_xattr()) data += ",userxattr";
  if (!options.empty()) data += "," + options;
  ASSERT_EQ(0, ::mount("overlay", path("merged").c_str(), "overlay", 0, data.c_str()))
      << data << ": " << errno;
}

void Bench::in_merged(const std::string& script) {
  const std::string command = "set -e; cd '" + path("merged") + "'; " + script;
  ASSERT_EQ(0, std::system(command.c_str())) << script;
}

void Bench::unmount() { ASSERT_EQ(0, ::umount2(path("merged").c_str(), MNT_DETACH)); }

Layers Bench::layers(const std::string& rules, bool user_xattr) {
  upper_.reset(::open(path("upper").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  source_.reset(::open(path("source").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  Layers layers;
  layers.upper = upper_.get();
  layers.source = source_.get();
  layers.user_xattr = user_xattr;
  layers.masks = find_masks(source_.get(), ignore::parse_dockerignore(rules, ".dockerignore"));
  return layers;
}

std::vector<std::string> Bench::changes(const std::string& rules) {
  return changes(layers(rules, user_xattr()));
}

std::vector<std::string> Bench::changes(const Layers& layers) const { return lines_of(layers); }

CopyBench::CopyBench(std::string root, const std::string& rules) {
  EXPECT_EQ(0, std::system(("cp -a '" + root + "/source' '" + root + "/before'").c_str()));
  const sys::UniqueFd place(::open(root.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  source_ = sys::open_at(place.get(), "source", O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
  const auto parsed = ignore::parse_dockerignore(rules, ".dockerignore");
  copy::make_copy(source_.get(), parsed, place.get(), "copy", {});
  copy_ = sys::open_at(place.get(), "copy", O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
  const sys::UniqueFd manifest =
      sys::open_at(place.get(), copy::manifest_name("copy"), O_RDONLY, sys::Resolve::kStrict);
  layers_.upper = copy_.get();
  layers_.source = source_.get();
  layers_.masks = find_masks(source_.get(), parsed);
  layers_.copied = std::make_shared<const copy::Manifest>(copy::Manifest::read(manifest.get()));
}

std::vector<std::string> CopyBench::changes() const { return lines_of(layers_); }
std::vector<std::string> compare_trees(const std::string& before, const std::string& now) {
  const Tree old = read_tree(before);
  const Tree seen = read_tree(now);
  std::map<std::string, std::string> lines;
  std::map<std::string, std::string> tops;  // directory that is new, or in one -> the uppermost
  std::map<std::string, uint64_t> below;
  for (const auto& [path, facts] : seen) {
    const auto top = tops.find(parent_of(path));
    const auto was = old.find(path);
    if (top != tops.end()) {
      ++below[top->second];
      if (is_directory(facts)) tops[path] = top->second;
      continue;
    }
    const std::string what = was == old.end() ? "" : difference(was->second, facts);
    if (was != old.end() && what.empty()) continue;
    const bool is_new = was == old.end() || what == " retyped";
    if (is_directory(facts) && is_new) tops[path] = path;
    lines[path].append(was == old.end() ? "A " : "M ").append(path).append(slash_of(facts));
    lines[path] += what;
  }
  for (const auto& [path, facts] : old) {
    const std::string parent = parent_of(path);
    const bool has_parent =
        parent.empty() || (seen.contains(parent) && is_directory(seen.at(parent)));
    if (!seen.contains(path) && has_parent && !tops.contains(parent)) {
      lines[path].append("D ").append(path).append(slash_of(facts));
    }
  }
  std::vector<std::string> out;
  for (auto& [path, line] : lines) {
    if (below[path] > 0) line += " below " + std::to_string(below[path]);
    out.push_back(line);
  }
  return out;
}

}  // namespace hookcore::changes::testing

#include "libhookcore/ignore/rules.h"

#include <fcntl.h>
#include <sys/stat.h>

#include <array>
#include <cerrno>
#include <utility>

#include "libhookcore/base/error.h"
#include "libhookcore/ignore/pattern.h"
#include "libhookcore/ignore/program.h"
#include "libhookcore/sys/file.h"

namespace hookcore::ignore {
namespace {

constexpr const char* kProjectToml = "project.toml";

// Text of an open ignore file. O_NONBLOCK at open has kept a FIFO from blocking; here it is
// refused.
std::string read_text(int fd, const std::string& name) {
  if (!S_ISREG(sys::stat_fd(fd, name).st_mode)) {
    throw Error(Code::kIgnoreFile, "an ignore file that isn't a regular file", quote(name),
                "replace or remove it");
  }
  std::string text = sys::read_all(fd, kMaxIgnoreFileBytes, name, Code::kIgnoreFile);
  // As bytes it would match nothing, and the container would see what was to be hidden.
  if (text.starts_with("\xFF\xFE") || text.starts_with("\xFE\xFF")) {
    throw Error(Code::kIgnoreFile, "the ignore file is UTF-16", quote(name), "save it as UTF-8");
  }
  return text;
}

SystemError cannot_open(const std::string& name, int error) {
  return {"open", name, error, Code::kIgnoreFile, "make the ignore file readable, or remove it"};
}

// Opens name in the source; nullopt if it isn't there. Links are followed, but never out of the
// source, like those of an image.
std::optional<std::string> read_in_source(int source_fd, const std::string& name) {
  const int fd =
      sys::open_at_raw(source_fd, name, O_RDONLY | O_NONBLOCK | O_NOCTTY, sys::Resolve::kInRoot);
  if (fd == -ENOENT) {
    // Any other answer than ENOENT about the name itself (EXDEV: it was moved meanwhile) is a
    // reason to refuse: a source with rules must not pass for one without.
    const int itself =
        sys::open_at_raw(source_fd, name, O_PATH | O_NOFOLLOW, sys::Resolve::kInRoot);
    if (itself == -ENOENT) return std::nullopt;
    if (itself < 0) throw cannot_open(name, -itself);
    const sys::UniqueFd link(itself);
    throw Error(Code::kIgnoreFile, "a link to nothing inside the source", quote(name),
                "replace it by the file that it means");
  }
  if (fd < 0) throw cannot_open(name, -fd);
  const sys::UniqueFd file(fd);
  return read_text(file.get(), name);
}

RuleSet parse_named(std::string_view text, const std::string& name) {
  if (!name.ends_with(".toml")) return parse_dockerignore(text, name, RuleSource::kExplicit);
  if (auto rules = parse_project_toml(text, name)) return *std::move(rules);
  throw Error(Code::kIgnoreFile, "neither exclude nor include in [io.buildpacks]", quote(name),
              "add one of them, or name another file");
}

}  // namespace

RuleSet load_rules(int source_fd, const std::optional<std::string>& ignore_file) {
  if (ignore_file) {
    if (const auto text = read_in_source(source_fd, *ignore_file)) {
      return parse_named(*text, *ignore_file);
    }
    throw Error(Code::kIgnoreFile, "the named ignore file doesn't exist", quote(*ignore_file),
                "name a file relative to the source directory");
  }
  constexpr std::array<std::pair<const char*, RuleSource>, 2> kDockerSyntax = {
      {{".localdignore", RuleSource::kLocaldignore}, {".dockerignore", RuleSource::kDockerignore}}};
  for (const auto& [name, source] : kDockerSyntax) {
    if (const auto text = read_in_source(source_fd, name)) {
      return parse_dockerignore(*text, name, source);
    }
  }
  if (const auto text = read_in_source(source_fd, kProjectToml)) {
    if (auto rules = parse_project_toml(*text, kProjectToml)) return *std::move(rules);
  }
  return default_policy();
}

RuleSet load_rules_from(int file_fd, const std::string& name) {
  return parse_named(read_text(file_fd, name), name);
}

RuleSet default_policy() {
  ProgramBuilder builder(Program::Semantics::kBuildKit, RuleSource::kDefaultPolicy, {});
  for (const char* name : {".git", "node_modules", "target", ".locald"}) {
    builder.add({name, 0, false}, compile_dockerignore_pattern(name));
  }
  return builder.finish();
}

}  // namespace hookcore::ignore

#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace hookcore::ignore {

struct Program;

/// Where the rules of a source come from (SPEC 5). One place only, never a mix.
enum class RuleSource {
  kLocaldignore,        ///< .localdignore, syntax of .dockerignore
  kDockerignore,        ///< .dockerignore
  kExplicit,            ///< a file named by annotation or --ignore-file, syntax of .dockerignore
  kProjectTomlExclude,  ///< project.toml, `exclude`: syntax of .gitignore
  kProjectTomlInclude,  ///< project.toml, `include`: only what matches is visible
  kDefaultPolicy,       ///< no file: .git, node_modules, target, .locald at the root
};

/// One rule as a person wrote it.
struct Rule {
  std::string text;      ///< the line or TOML string, without line end and outer blanks
  unsigned line = 0;     ///< line in RuleSet::file(), from 1; 0 for the default policy
  bool negated = false;  ///< `!`: brings back what an earlier rule took
};

/// The compiled rules of one source. Immutable, cheap to copy, read by any number of threads.
class RuleSet {
 public:
  explicit RuleSet(std::shared_ptr<const Program> program) : program_(std::move(program)) {}

  RuleSource source() const;
  /// The file relative to the source root; empty for the default policy.
  const std::string& file() const;
  const std::vector<Rule>& rules() const;
  /// What the walk runs; see program.h.
  const Program& program() const { return *program_; }

 private:
  std::shared_ptr<const Program> program_;
};

/// Ignore files larger than this are refused.
inline constexpr size_t kMaxIgnoreFileBytes = size_t{4} << 20;

/// Finds and compiles the rules of a source (SPEC 5): .localdignore, .dockerignore, project.toml
/// with `exclude` or `include`, else the default policy. ignore_file, a path relative to the
/// source, replaces the search and must exist; a name that ends in ".toml" is read as project.toml.
/// Links resolve inside the source. Throws Error(kIgnoreFile) that names file, line and pattern.
RuleSet load_rules(int source_fd, const std::optional<std::string>& ignore_file);

/// Reads and compiles an ignore file that lies outside the source: for people, who name a host
/// path. fd: the open file; name: what error messages and explain call it.
RuleSet load_rules_from(int file_fd, const std::string& name);

/// `.dockerignore` text with BuildKit's meaning.
RuleSet parse_dockerignore(std::string_view text, std::string file_name,
                           RuleSource source = RuleSource::kDockerignore);
/// project.toml; nullopt when it has neither `exclude` nor `include`. In a list each string is one
/// line of .gitignore. pack refuses a file that has both, and so does this.
std::optional<RuleSet> parse_project_toml(std::string_view text, const std::string& file_name);
/// `.git`, `node_modules`, `target`, `.locald`, each at the root.
RuleSet default_policy();

}  // namespace hookcore::ignore

// oci-cnb context: what the ignore rules make of a directory.
#include "hooks/cli/context_commands.h"

#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdio>
#include <memory>
#include <mutex>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "hooks/cli/json_output.h"
#include "hooks/cli/named.h"
#include "hooks/cli/output.h"
#include "hooks/cli/tree_view.h"
#include "libhookcore/base/path.h"
#include "libhookcore/ignore/explain.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/ignore/walk.h"

namespace hookcore::cli {
namespace {

/// What the command line of all subcommands may hold.
struct Arguments {
  std::string directory;
  std::string ignore_file;
  std::vector<std::string> paths;
  bool json = false;
  bool zero = false;
  bool tree = false;
};

/// Collects paths, of masks or of what is visible. Directories end in '/'.
class Paths : public ignore::MaskSink, public ignore::VisibleSink {
 public:
  void mask(const ignore::SourceDirectory& directory, std::string_view name,
            ignore::EntryType type) override {
    const std::lock_guard lock(mutex_);
    add(directory, name, type);
  }
  void visible(const ignore::SourceDirectory& directory, std::string_view name,
               ignore::EntryType type) override {
    add(directory, name, type);
  }
  std::vector<std::string> sorted() && {
    std::sort(paths_.begin(), paths_.end());
    return std::move(paths_);
  }

 private:
  void add(const ignore::SourceDirectory& directory, std::string_view name,
           ignore::EntryType type) {
    std::string path = join_path(directory.path, name);
    if (type == ignore::EntryType::kDirectory) path += '/';
    paths_.push_back(std::move(path));
  }

  std::mutex mutex_;
  std::vector<std::string> paths_;
};

const char* source_name(ignore::RuleSource source) {
  switch (source) {
    case ignore::RuleSource::kLocaldignore:
      return "localdignore";
    case ignore::RuleSource::kDockerignore:
      return "dockerignore";
    case ignore::RuleSource::kExplicit:
      return "explicit";
    case ignore::RuleSource::kProjectTomlExclude:
      return "project.toml exclude";
    case ignore::RuleSource::kProjectTomlInclude:
      return "project.toml include";
    case ignore::RuleSource::kDefaultPolicy:
      return "default policy";
  }
  return "";
}

std::string file_of(const ignore::RuleSet& rules) {
  return rules.file().empty() ? "(default policy)" : rules.file();
}

void put_rules(Json& document, const ignore::RuleSet& rules) {
  document["source"] = source_name(rules.source());
  if (!rules.file().empty()) put_name(document, "file", rules.file());
}

void print_paths(const Arguments& arguments, const ignore::RuleSet& rules, const char* key,
                 const std::vector<std::string>& paths) {
  if (arguments.json) {
    Json document = Json::object();
    put_rules(document, rules);
    document[key] = Json::array();
    for (const std::string& path : paths) {
      Json entry = Json::object();
      put_name(entry, "path", path);
      document[key].push_back(std::move(entry));
    }
    print_json(document);
    return;
  }
  if (arguments.tree) {
    print(tree_view(paths));
    return;
  }
  std::string text;
  for (const std::string& path : paths) {
    text += arguments.zero ? path : printable(path);
    text += arguments.zero ? '\0' : '\n';
  }
  print(text);
}

void list(const Arguments& arguments) {
  const Source source = open_source(arguments.directory, arguments.ignore_file);
  Paths paths;
  ignore::list_visible(source.fd.get(), source.rules, paths);
  print_paths(arguments, source.rules, "visible", std::move(paths).sorted());
}

void masks(const Arguments& arguments) {
  const Source source = open_source(arguments.directory, arguments.ignore_file);
  Paths paths;
  ignore::find_masks(source.fd.get(), source.rules, paths);
  print_paths(arguments, source.rules, "masks", std::move(paths).sorted());
}

std::string rule_name(const ignore::RuleSet& rules, std::optional<size_t> index) {
  if (!index) return "::";  // as git check-ignore -v -n for a path that no rule matches
  const ignore::Rule& rule = rules.rules()[*index];
  const std::string line = rule.line > 0 ? std::to_string(rule.line) : "";
  return printable(file_of(rules)) + ":" + line + ":" + printable(rule.text);
}

const char* verdict_name(const ignore::Explanation& explanation) {
  return explanation.hidden ? "hidden" : "visible";
}

// RULE<TAB>PATH as `git check-ignore -v`, then the verdict and what else there is to know.
std::string explain_line(const ignore::RuleSet& rules, const std::string& path,
                         const ignore::Explanation& explanation) {
  std::string line = rule_name(rules, explanation.rule) + "\t" + printable(path) + "\t" +
                     verdict_name(explanation);
  std::string_view trimmed = path;
  while (trimmed.starts_with("./")) trimmed.remove_prefix(2);
  while (trimmed.ends_with('/')) trimmed.remove_suffix(1);
  if (explanation.rule && explanation.decided_at != trimmed) {
    line += ", decided at " + printable(explanation.decided_at);
  }
  if (explanation.visible_for_content) line += ", for what is visible in it";
  if (explanation.overridden) line += ", overrides " + rule_name(rules, explanation.overridden);
  if (!explanation.exists) line += ", doesn't exist";
  if (!explanation.exists && path.starts_with('/')) line += " (paths are relative to DIR)";
  return line + "\n";
}

Json rule_json(const ignore::RuleSet& rules, size_t index) {
  const ignore::Rule& rule = rules.rules()[index];
  Json document = Json::object();
  put_name(document, "file", file_of(rules));
  document["line"] = rule.line;
  put_name(document, "pattern", rule.text);
  return document;
}

void explain(const Arguments& arguments) {
  const Source source = open_source(arguments.directory, arguments.ignore_file);
  Json document = Json::array();
  for (const std::string& path : arguments.paths) {
    const ignore::Explanation found = ignore::explain(source.fd.get(), source.rules, path);
    if (!arguments.json) {
      print(explain_line(source.rules, path, found));
      continue;
    }
    Json entry = Json::object();
    put_name(entry, "path", path);
    entry["verdict"] = verdict_name(found);
    entry["exists"] = found.exists;
    entry["visible_for_content"] = found.visible_for_content;
    if (found.rule) {
      entry["rule"] = rule_json(source.rules, *found.rule);
      put_name(entry, "decided_at", found.decided_at);
    }
    if (found.overridden) entry["overridden"] = rule_json(source.rules, *found.overridden);
    document.push_back(std::move(entry));
  }
  if (arguments.json) print_json(document);
}

Json stats_json(const ignore::RuleSet& rules, const ignore::Stats& stats) {
  Json document = Json::object();
  put_rules(document, rules);
  document["visible"] = {{"entries", stats.visible_entries}, {"bytes", stats.visible_bytes}};
  document["masked"] = {{"entries", stats.masked_entries}, {"bytes", stats.masked_bytes}};
  document["rules"] = Json::array();
  for (size_t i = 0; i < stats.rules.size(); ++i) {
    Json rule = rule_json(rules, i);
    rule["matched"] = stats.rules[i].matched;
    rule["masks"] = stats.rules[i].masks;
    rule["masked_entries"] = stats.rules[i].masked_entries;
    rule["masked_bytes"] = stats.rules[i].masked_bytes;
    document["rules"].push_back(std::move(rule));
  }
  document["hints"] = stats.hints;
  return document;
}

std::string stats_text(const ignore::RuleSet& rules, const ignore::Stats& stats) {
  const Style& colours = style();
  std::string text(colours.bold);
  text += "   matched     masks   entries       size  rule\n";
  text += colours.reset;
  for (size_t i = 0; i < stats.rules.size(); ++i) {
    const ignore::RuleStats& rule = stats.rules[i];
    std::array<char, 80> numbers = {};
    std::snprintf(numbers.data(), numbers.size(), "%10llu%10llu%10llu%11s  ",
                  static_cast<unsigned long long>(rule.matched),
                  static_cast<unsigned long long>(rule.masks),
                  static_cast<unsigned long long>(rule.masked_entries),
                  human_bytes(rule.masked_bytes).c_str());
    text += numbers.data() + rule_name(rules, i);
    if (rule.matched == 0) text.append("  ").append(colours.red).append("matches nothing");
    text.append(rule.matched == 0 ? colours.reset : std::string_view()).append("\n");
  }
  text += "visible: " + std::to_string(stats.visible_entries) + " entries, " +
          human_bytes(stats.visible_bytes) + " on disk\n";
  text += "masked:  " + std::to_string(stats.masked_entries) + " entries, " +
          human_bytes(stats.masked_bytes) + " on disk\n";
  for (const std::string& hint : stats.hints) text += "hint: " + hint + "\n";
  return text;
}

void stats(const Arguments& arguments) {
  const Source source = open_source(arguments.directory, arguments.ignore_file);
  const bool terminal = ::isatty(STDERR_FILENO) == 1;
  const auto progress = [terminal](uint64_t entries) {
    if (terminal) std::fprintf(stderr, "\r%llu entries", static_cast<unsigned long long>(entries));
  };
  const ignore::Stats found = ignore::collect_stats(source.fd.get(), source.rules, progress);
  if (terminal) std::fprintf(stderr, "\r\033[K");
  if (arguments.json) {
    print_json(stats_json(source.rules, found));
  } else {
    print(stats_text(source.rules, found));
  }
}

Command add(Command group, const std::shared_ptr<Arguments>& arguments, const char* name,
            const char* description, void (*run)(const Arguments&)) {
  const Command command = group.command(name, description);
  command.option("DIR", arguments->directory, "Directory of the application").required();
  command.option("--ignore-file", arguments->ignore_file,
                 "Rules from this file (relative to where you are) instead of the "
                 "directory's own; *.toml is read as project.toml");
  command.flag("--json", arguments->json, "JSON on stdout");
  command.callback([arguments, run] { run(*arguments); });
  return command;
}

Option add_zero(Command command, const std::shared_ptr<Arguments>& arguments) {
  return command.flag("-0", arguments->zero, "NUL behind each path, and no quoting")
      .excludes(command.find("--json"));
}

}  // namespace

void add_context_commands(Command app) {
  const Command group = app.command("context", "What the ignore rules show and hide");
  group.needs_command();
  const auto arguments = std::make_shared<Arguments>();
  const Command visible =
      add(group, arguments, "list", "Visible paths, sorted by bytes; directories end in /", list);
  const Option zero = add_zero(visible, arguments);
  visible.flag("--tree", arguments->tree, "As a tree")
      .excludes(zero)
      .excludes(visible.find("--json"));
  const Command hidden = add(group, arguments, "masks",
                             "The whiteouts: hidden entries whose directory is visible", masks);
  add_zero(hidden, arguments);
  const Command why =
      add(group, arguments, "explain",
          "The rule, file and line that decides on a path, as git check-ignore -v", explain);
  why.option("PATH", arguments->paths, "Paths relative to DIR; they need not exist").required();
  add(group, arguments, "stats", "Entries and disk space that each rule hides", stats);
}

}  // namespace hookcore::cli

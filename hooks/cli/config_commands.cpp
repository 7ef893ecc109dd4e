// oci-cnb config: config.toml as it counts, with where each value comes from, and changed key by
// key.
#include "hooks/cli/config_commands.h"

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/node/edit.h"
#include "libhookcore/session/store.h"
#include "libhookcore/settings/effective.h"

namespace hookcore::cli {
namespace {

using settings::Change;
using settings::Effective;

struct Options {
  std::vector<std::string> words;  ///< keys, or KEY=VALUE
  std::string root = "/";
  bool json = false;
  bool dry_run = false;
};

/// Whose configuration is meant, and the files in which it stands.
struct Subject {
  settings::HostUser user;
  settings::SettingsFiles files;
};

Subject find_subject(const Options& options) {
  Subject subject;
  if (options.root != "/") {
    subject.files.system = settings::kSystemFile;
    subject.files.root = options.root;
    return subject;
  }
  subject.user = settings::find_host_user();
  subject.files = settings::settings_files(subject.user);
  return subject;
}

std::vector<Effective> effective(const Subject& subject) {
  auto all = settings::effective_settings(subject.user, subject.files);
  for (Effective& one : all) {
    if (one.key != "scratch-dir" || !one.value.empty()) continue;
    const settings::HostUser& user = subject.user;
    one.value = session::default_root(user.rootful, user.uid, user.home);
  }
  return all;
}

std::string origin(const Effective& one) {
  return one.file.empty() ? "default" : one.file + ":" + std::to_string(one.line);
}

/// For people: no value may have words for what holds.
std::string shown(const Effective& one) {
  if (!one.value.empty()) return one.value;
  return one.key == "runtime" ? "runc, else crun" : "-";
}

void list_text(const std::vector<Effective>& all) {
  std::vector<std::vector<std::string>> rows{{"KEY", "VALUE", "FROM"}};
  for (const Effective& one : all) {
    rows.push_back({std::string(one.key), shown(one), origin(one)});
  }
  print(table(rows));
}

Json to_json(const std::vector<Effective>& all) {
  Json document = Json::array();
  for (const Effective& one : all) {
    Json entry = Json::object();
    entry["key"] = one.key;
    entry["value"] = one.value.empty() ? Json(nullptr) : Json(one.value);
    entry["file"] = one.file.empty() ? Json(nullptr) : Json(one.file);
    entry["line"] = one.file.empty() ? Json(nullptr) : Json(one.line);
    document.push_back(std::move(entry));
  }
  return document;
}

void list(const Options& options) {
  const auto all = effective(find_subject(options));
  options.json ? print_json(to_json(all)) : list_text(all);
}

void get(const Options& options) {
  const std::string& key = options.words.front();
  settings::require_key(key, {});
  for (const Effective& one : effective(find_subject(options))) {
    if (one.key == key) print(one.value + "\n");
  }
}

Change parse_change(const std::string& word) {
  const size_t equals = word.find('=');
  if (equals == word.npos || equals == 0) {
    throw Error(Code::kUsage, "not a setting: " + quote(word), {},
                "write KEY=VALUE, for example log=debug");
  }
  return {word.substr(0, equals), word.substr(equals + 1)};
}

/// Whose file changes, and where.
struct Target {
  node::Host host;      ///< the machine that it is in
  std::string file;     ///< there
  std::string message;  ///< its name in messages
  std::string root;     ///< as in settings::SettingsFiles
};

/// The file that is whoever's who calls; below root, where there is one.
Target find_target(const Options& options) {
  const Subject subject = find_subject(options);
  const std::string& file = subject.user.rootful ? subject.files.system : subject.files.user;
  if (file.empty()) {
    throw Error(Code::kSettings, "you have no home directory in /etc/passwd", {},
                "let root change " + std::string(settings::kSystemFile));
  }
  return {node::Host(options.root), file, subject.files.root + file, subject.files.root};
}

/// A file in which nothing is left goes, and the directory that was made for it; what a link leads
/// to is somebody else's, and stays.
std::vector<node::Edit> plan(const Target& target, const std::vector<Change>& changes) {
  const auto before = settings::read_settings_file(target.file, target.root);
  std::string after = settings::change_settings(before.value_or(""), changes, target.message);
  if (after == before.value_or("")) return {};
  if (!after.empty() || target.host.link(target.file)) return {{target.file, std::move(after)}};
  return {{target.file, std::nullopt, {parent_path(target.file)}}};
}

std::string described(const Target& target, const std::vector<node::Edit>& edits) {
  std::string text = node::diff(target.host, edits);
  for (const std::string& directory : node::removed_directories(target.host, edits)) {
    text += "remove " + directory + "\n";
  }
  return text;
}

/// Alone with the file: of two at once, the later would undo what the first has written.
bool write(const Target& target, const std::vector<Change>& changes) {
  // What is refused makes no directory, and what is there already no lock.
  if (plan(target, changes).empty()) return false;
  const bool sets = std::any_of(changes.begin(), changes.end(),
                                [](const Change& change) { return change.value.has_value(); });
  const auto lock = target.host.lock_directory(parent_path(target.file), sets);
  return lock && node::make_edits(target.host, plan(target, changes));
}

void change(const Options& options, const std::vector<Change>& changes) {
  const Target target = find_target(options);
  if (options.dry_run) {
    const std::string text = described(target, plan(target, changes));
    return print(text.empty() ? "nothing to do\n" : text);
  }
  if (!write(target, changes)) return print("nothing to do\n");
  print("changed " + target.message + "; it holds for containers that start from now on\n");
}

void set(const Options& options) {
  std::vector<Change> changes;
  for (const std::string& word : options.words) changes.push_back(parse_change(word));
  change(options, changes);
}

void unset(const Options& options) {
  std::vector<Change> changes;
  for (const std::string& word : options.words) changes.push_back({word, std::nullopt});
  change(options, changes);
}

Command add(Command group, const std::shared_ptr<Options>& options, const char* name,
            const char* text, void (*run)(const Options&)) {
  const Command command = group.command(name, text);
  command
      .option("--root", options->root,
              "The directory that is / of the machine, whose own file is meant then")
      .type("DIR")
      .existing_directory();
  command.callback([options, run] {
    while (options->root.size() > 1 && options->root.ends_with('/')) options->root.pop_back();
    run(*options);
  });
  return command;
}

}  // namespace

Json settings_json() { return to_json(effective(find_subject({}))); }

void add_config_commands(Command app) {
  const Command group = app.command("config", "The settings that count, and how to change them");
  group.needs_command();
  const auto options = std::make_shared<Options>();
  add(group, options, "list", "Every key, its value, and the file and line that it comes from",
      list)
      .flag("--json", options->json, "JSON on stdout");
  add(group, options, "get", "The value of one key", get)
      .option("KEY", options->words, "See oci-cnb-hooks.toml(5)")
      .required()
      .single();
  const Command set_command =
      add(group, options, "set", "Write keys to config.toml; run again, it changes nothing", set);
  set_command.option("KEY=VALUE", options->words, "See oci-cnb-hooks.toml(5)").required();
  const Command unset_command =
      add(group, options, "unset", "Take keys out of config.toml: the default holds again", unset);
  unset_command.option("KEY", options->words, "See oci-cnb-hooks.toml(5)").required();
  for (const Command& command : {set_command, unset_command}) {
    command.flag("--dry-run", options->dry_run, "Print what would change, as diff -u does");
  }
}

}  // namespace hookcore::cli

// oci-cnb preview: a command in the workspace, without a container.
#include "hooks/cli/preview_commands.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hooks/cli/json_output.h"
#include "hooks/cli/named.h"
#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/preview/preview.h"

namespace hookcore::cli {
namespace {

struct Arguments {
  std::string directory;
  std::string ignore_file;
  std::string scratch;
  std::vector<std::string> command;
  bool json = false;
};

optin::Scratch scratch_of(const Arguments& arguments, const settings::Settings& settings) {
  if (arguments.scratch.empty()) return settings.defaults.scratch;
  const auto scratch = optin::parse_scratch(arguments.scratch);
  if (scratch) return *scratch;
  throw Error(Code::kUsage, "not a kind of scratch: " + quote(arguments.scratch), "--scratch",
              "write disk, tmpfs or tmpfs:SIZE, as in tmpfs:512m");
}

char letter(overlay::Change::Kind kind) {
  switch (kind) {
    case overlay::Change::Kind::kAdded:
      return 'A';
    case overlay::Change::Kind::kModified:
      return 'M';
    case overlay::Change::Kind::kDeleted:
      return 'D';
  }
  return '?';
}

const char* type_name(overlay::Change::Type type) {
  switch (type) {
    case overlay::Change::Type::kDirectory:
      return "directory";
    case overlay::Change::Type::kFile:
      return "file";
    case overlay::Change::Type::kLink:
      return "link";
    case overlay::Change::Type::kOther:
      return "other";
  }
  return "";
}

std::string shown_path(const overlay::Change& change) {
  return change.type == overlay::Change::Type::kDirectory ? change.path + "/" : change.path;
}

void print_changes(const std::vector<overlay::Change>& changes) {
  const Style& colours = style();
  std::string text;
  for (const overlay::Change& change : changes) {
    text += change.kind == overlay::Change::Kind::kDeleted ? colours.red : colours.green;
    text += letter(change.kind);
    text.append(colours.reset).append(" ").append(printable(shown_path(change)));
    if (change.below > 0) {
      text.append(colours.dim).append(" (").append(std::to_string(change.below));
      text.append(change.below == 1 ? " entry)" : " entries)").append(colours.reset);
    }
    text += '\n';
  }
  std::fputs(changes.empty() ? "oci-cnb: nothing was changed\n"
                             : "oci-cnb: changed in the preview, not in the source:\n",
             stderr);
  print(text);
}

void print_json_changes(const preview::Result& result) {
  Json document = Json::object();
  document["exit_code"] = result.exit_code;
  document["changes"] = Json::array();
  for (const overlay::Change& change : result.changes) {
    Json entry = Json::object();
    entry["status"] = std::string(1, letter(change.kind));
    put_name(entry, "path", shown_path(change));
    entry["type"] = type_name(change.type);
    if (change.old_type != change.type) entry["old_type"] = type_name(change.old_type);
    if (change.below > 0) entry["entries"] = change.below;
    document["changes"].push_back(std::move(entry));
  }
  print_json(document);
}

void preview_command(const Arguments& arguments, int& exit_code) {
  const sys::Proc proc = sys::Proc::open();
  const hook::Home home = hook::Home::find();
  const optin::Scratch scratch = scratch_of(arguments, home.settings);
  const ignore::RuleSet rules = open_source(arguments.directory, arguments.ignore_file).rules;
  preview::Options options;
  options.directory = arguments.directory;
  options.command = arguments.command;
  options.tmpfs = scratch.tmpfs;
  options.tmpfs_bytes = scratch.size_bytes;
  options.output_to_stderr = arguments.json;
  session::Store store = session::Store::open(home.store_root);
  const preview::Result result = preview::run(options, rules, store, proc);
  if (arguments.json) {
    print_json_changes(result);
  } else {
    print_changes(result.changes);
  }
  exit_code = result.exit_code;
}

}  // namespace

void add_preview_commands(Command app, int& exit_code) {
  const Command command =
      app.command("preview", "Run a command in the filtered workspace, without a container");
  command.footer(
      "Shows what the command changed. The source stays as it is, and what was written is gone in "
      "the\nend. The exit code is the command's.");
  const auto arguments = std::make_shared<Arguments>();
  command.option("DIR", arguments->directory, "The source").required();
  command.option("COMMAND", arguments->command, "After --: the program and its arguments")
      .required();
  command.option("--ignore-file", arguments->ignore_file,
                 "Rules from this file instead of the source's own");
  command.option("--scratch", arguments->scratch,
                 "Where changes are kept meanwhile: disk, tmpfs or tmpfs:SIZE");
  command.flag("--json", arguments->json,
               "The changes as JSON on stdout; what COMMAND prints goes to stderr");
  command.callback([arguments, &exit_code] { preview_command(*arguments, exit_code); });
}

}  // namespace hookcore::cli

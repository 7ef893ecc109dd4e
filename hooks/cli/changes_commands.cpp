// oci-cnb session diff, export, apply, rm: what a session's containers made of the workspace.
#include "hooks/cli/changes_commands.h"

#include <cstdio>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <vector>

#include "hooks/cli/apply_command.h"
#include "hooks/cli/change_text.h"
#include "hooks/cli/export_command.h"
#include "hooks/cli/json_output.h"
#include "hooks/cli/output.h"
#include "hooks/cli/session_commands.h"
#include "libhookcore/base/error.h"
#include "libhookcore/changes/subject.h"
#include "libhookcore/changes/summary.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/session/naming.h"

namespace hookcore::cli {
namespace {

struct Arguments {
  std::string id;
  std::string file;
  ApplyOptions apply;
  bool json = false;
  bool zero = false;
};

session::Store open_store(const std::string& id) {
  auto store = session::Store::open_existing(hook::Home::find().store_root);
  if (store) return std::move(*store);
  throw session::no_session(id);
}

std::optional<changes::Subject> open_subject(const std::string& id) {
  const session::Store store = open_store(id);
  return changes::Subject::open(store, session::resolve(store, id));
}

void diff(const Arguments& arguments) {
  const auto subject = open_subject(arguments.id);
  std::vector<changes::Change> found;
  if (subject) {
    if (!subject->doubt.empty()) std::fprintf(stderr, "oci-cnb: %s\n", subject->doubt.c_str());
    found = changes::summarise(subject->layers);
  }
  if (arguments.json) {
    print_json(changes_json(found));
  } else {
    print(arguments.zero ? changes_zero(found) : changes_text(found));
  }
}

void export_command(const Arguments& arguments, int& exit_code) {
  const auto subject = open_subject(arguments.id);
  if (!subject) throw Error(Code::kSession, "its workspace was read-only", quote(arguments.id));
  if (!subject->doubt.empty()) std::fprintf(stderr, "oci-cnb: %s\n", subject->doubt.c_str());
  if (!export_changes(*subject, arguments.file)) exit_code = 1;
}

void apply_command(const Arguments& arguments, int& exit_code) {
  const auto subject = open_subject(arguments.id);
  if (!subject) throw Error(Code::kSession, "its workspace was read-only", quote(arguments.id));
  if (!apply_changes(*subject, arguments.apply)) exit_code = 1;
}

// What mounts an upper that is being removed is refused by its name already.
void remove(const Arguments& arguments) {
  session::Store store = open_store(arguments.id);
  auto session = store.find(session::resolve(store, arguments.id));
  if (!session) throw session::no_session(arguments.id);
  if (store.remove(std::move(*session), sys::Proc::open(), session::kAtOnce)) return;
  empty_trash_detached(store);
}

Command add(Command group, const char* name, const char* description, Arguments& arguments) {
  const Command command = group.command(name, description);
  command.option("SESSION", arguments.id, "Its name or its container's id").required();
  return command;
}

}  // namespace

void add_changes_commands(Command group, int& exit_code) {
  const auto arguments = std::make_shared<Arguments>();
  const Command exports =
      add(group, "export",
          "The changes as a layer of an image: a tar with .wh. files. Exit code 1 when "
          "it can't hold everything",
          *arguments);
  exports.option("-o,--output", arguments->file, "To this file instead of stdout");
  exports.callback([arguments, &exit_code] { export_command(*arguments, exit_code); });

  const Command apply =
      add(group, "apply",
          "Brings the changes to the source, after it has asked. Exit code 1 when it refuses",
          *arguments);
  apply.option("PATTERN", arguments->apply.patterns, "Only these paths, and what is below");
  apply.flag("--yes", arguments->apply.yes, "Without asking");
  apply.flag("--force", arguments->apply.force, "Also over what was changed meanwhile");
  apply.flag("--dry-run", arguments->apply.dry_run, "Only shows what would be done");
  apply.callback([arguments, &exit_code] { apply_command(*arguments, exit_code); });

  add(group, "rm", "Removes a session: all that its containers wrote", *arguments)
      .callback([arguments] { remove(*arguments); });

  const Command compare =
      add(group, "diff", "What containers added (A), changed (M, T: the type) and deleted (D)",
          *arguments);
  compare.flag("--json", arguments->json, "As JSON");
  compare.flag("-0", arguments->zero, "NUL behind each line, and no quoting")
      .excludes(compare.find("--json"));
  compare.callback([arguments] { diff(*arguments); });
}

}  // namespace hookcore::cli

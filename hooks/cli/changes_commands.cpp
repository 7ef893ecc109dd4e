// oci-cnb session diff, export: what a session's containers made of the workspace.
#include "hooks/cli/changes_commands.h"

#include <sys/stat.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "hooks/cli/change_text.h"
#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/changes/subject.h"
#include "libhookcore/changes/summary.h"
#include "libhookcore/hook/program.h"

namespace hookcore::cli {
namespace {

struct Arguments {
  std::string id;
  bool json = false;
  bool zero = false;
};

session::Store open_store(const std::string& id) {
  auto store = session::Store::open_existing(hook::Home::find().store_root);
  if (store) return std::move(*store);
  throw Error(Code::kSession, "no such session", quote(id), "see `oci-cnb session list`");
}

void diff(const Arguments& arguments) {
  const session::Store store = open_store(arguments.id);
  const auto subject = changes::Subject::open(store, arguments.id);
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

}  // namespace

void add_changes_commands(CLI::App& group, int& /*exit_code*/) {
  const auto arguments = std::make_shared<Arguments>();
  auto* command = group.add_subcommand(
      "diff", "What containers added (A), changed (M, T: the type) and deleted (D)");
  command->add_option("ID", arguments->id, "The session")->required();
  command->add_flag("--json", arguments->json, "As JSON");
  command->add_flag("-0", arguments->zero, "NUL behind each line, and no quoting")
      ->excludes(command->get_option("--json"));
  command->callback([arguments] { diff(*arguments); });
}

}  // namespace hookcore::cli

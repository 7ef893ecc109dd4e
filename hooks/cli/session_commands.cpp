// oci-cnb session: the scratch of containers, and what their hooks did.
#include "hooks/cli/session_commands.h"

#include <fcntl.h>
#include <unistd.h>

#include <CLI/CLI.hpp>
#include <array>
#include <cstdio>
#include <ctime>
#include <memory>
#include <string>
#include <vector>

#include "hooks/cli/changes_commands.h"
#include "hooks/cli/output.h"
#include "hooks/cli/subordinate_ids.h"
#include "libhookcore/base/error.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/report/log.h"
#include "libhookcore/session/listing.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/file.h"

namespace hookcore::cli {
namespace {

struct Arguments {
  std::string id;
  bool json = false;
  bool mapped = false;
};

// "3 h", for one column.
std::string human_age(int64_t seconds) {
  struct Unit {
    int64_t length;
    const char* name;
  };
  constexpr std::array<Unit, 4> kUnits{{{86400, " d"}, {3600, " h"}, {60, " min"}, {1, " s"}}};
  for (const Unit& unit : kUnits) {
    if (seconds >= unit.length) return std::to_string(seconds / unit.length) + unit.name;
  }
  return "0 s";
}

std::string size_of(const session::Listing& listing) {
  return (listing.all_counted ? "" : "> ") + human_bytes(listing.bytes);
}

void list_text(const std::vector<session::Listing>& sessions) {
  using Row = std::array<std::string, 5>;
  std::vector<Row> rows{{"SESSION", "STATE", "SCRATCH", "SIZE", "AGE"}};
  for (const session::Listing& one : sessions) {
    rows.push_back({printable(one.name), std::string(name(one.condition)),
                    one.scratch.empty() ? "?" : printable(one.scratch), size_of(one),
                    human_age(::time(nullptr) - one.last_change_time)});
  }
  std::array<size_t, 5> widths{};
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const Row& row : rows) {
    for (size_t i = 0; i < row.size(); ++i) {
      const bool last = i + 1 == row.size();
      text += row[i] + (last ? "\n" : std::string(widths[i] - row[i].size() + 2, ' '));
    }
  }
  print(text);
}

void list_json(const std::vector<session::Listing>& sessions) {
  Json document = Json::array();
  for (const session::Listing& one : sessions) {
    Json entry = Json::object();
    put_name(entry, "session", one.name);
    put_name(entry, "container", one.container);
    entry["state"] = name(one.condition);
    entry["scratch"] = one.scratch;
    entry["bytes"] = one.bytes;
    entry["all_counted"] = one.all_counted;
    entry["last_change_time"] = one.last_change_time;
    document.push_back(std::move(entry));
  }
  print_json(document);
}

void list(const Arguments& arguments) {
  const auto store = session::Store::open_existing(hook::Home::find().store_root);
  std::vector<session::Listing> sessions;
  if (store) sessions = session::list_sessions(*store, sys::Proc::open());
  if (arguments.json) {
    list_json(sessions);
  } else {
    list_text(sessions);
  }
}

// For files of subordinate ids; what then still stands is told as before.
void collect_with_subordinate_ids(session::CollectResult& result) {
  try {
    result.problems = run_with_subordinate_ids({"session", "gc", "--mapped"});
  } catch (const Error& error) {
    result.problems.push_back(error.line() + "; run `podman unshare oci-cnb session gc`");
  }
}

void report_collection(const Arguments& arguments, const session::CollectResult& result) {
  if (!arguments.json) {
    print("removed " + std::to_string(result.removed) + ", kept " + std::to_string(result.kept) +
          "\n");
    for (const std::string& problem : result.problems) {
      std::fprintf(stderr, "oci-cnb: could not be removed: %s\n", problem.c_str());
    }
    return;
  }
  Json document = Json::object();
  document["removed"] = result.removed;
  document["kept"] = result.kept;
  document["problems"] = result.problems;
  print_json(document);
}

void collect(const Arguments& arguments, int& exit_code) {
  const sys::Proc proc = sys::Proc::open();
  // Told by the namespace that we are in, and so before another one is entered.
  const hook::Home home = hook::Home::find();
  const std::string& root = home.store_root;
  if (arguments.mapped) enter_subordinate_namespace();
  auto store = session::Store::open_existing(root);
  session::CollectResult result;
  if (store) result = store->collect(proc, home.settings.session_idle_seconds);
  if (arguments.mapped) {
    for (const std::string& problem : result.problems) print(problem + "\n");
    return;
  }
  if (!result.problems.empty() && ::geteuid() != 0) collect_with_subordinate_ids(result);
  report_collection(arguments, result);
  exit_code = result.problems.empty() ? 0 : 1;
}

// TIME PROGRAM CONTAINER LEVEL TEXT
bool is_about(std::string_view line, std::string_view container) {
  for (int field = 0; field < 2; ++field) {
    const size_t blank = line.find(' ');
    if (blank == std::string_view::npos) return false;
    line.remove_prefix(blank + 1);
  }
  return line.starts_with(container);
}

void print_log(int directory, const std::string& file, const std::string& container) {
  constexpr size_t kMaxLog = size_t{16} << 20;
  const auto fd = sys::try_open_at(directory, file, O_RDONLY | O_NOFOLLOW, sys::Resolve::kStrict);
  if (!fd) return;
  const std::string text = sys::read_all(fd->get(), kMaxLog, file);
  std::string wanted;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    const std::string_view line(text.data() + begin, end - begin);
    if (container.empty() || is_about(line, container)) wanted.append(line).append("\n");
    begin = end + 1;
  }
  print(wanted);
}

void log(const Arguments& arguments) {
  const auto store = session::Store::open_existing(hook::Home::find().store_root);
  if (!store) return;
  const sys::UniqueFd directory = store->log_directory();
  print_log(directory.get(), std::string(report::kLogFile) + ".1", arguments.id);
  print_log(directory.get(), report::kLogFile, arguments.id);
}

}  // namespace

void add_session_commands(CLI::App& app, int& exit_code) {
  auto* group = app.add_subcommand("session", "The scratch of containers, and what hooks did");
  group->require_subcommand(1);
  const auto arguments = std::make_shared<Arguments>();

  auto* list_command = group->add_subcommand("list", "Sessions, their state and size");
  list_command->add_flag("--json", arguments->json, "As JSON");
  list_command->callback([arguments] { list(*arguments); });

  auto* gc = group->add_subcommand(
      "gc", "Removes the scratch of containers that are gone. Exit code 1 when some is left");
  gc->add_flag("--json", arguments->json, "As JSON");
  gc->add_flag("--mapped", arguments->mapped, "")->group("");
  gc->callback([arguments, &exit_code] { collect(*arguments, exit_code); });

  add_changes_commands(*group, exit_code);

  auto* log_command = group->add_subcommand("log", "What the hooks wrote down, oldest first");
  log_command->add_option("ID", arguments->id, "Only containers whose id begins so");
  log_command->callback([arguments] { log(*arguments); });
}

}  // namespace hookcore::cli

// oci-cnb session: the scratch of containers, and what their hooks did.
#include "hooks/cli/session_commands.h"

#include <unistd.h>

#include <array>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "hooks/cli/changes_commands.h"
#include "hooks/cli/log_text.h"
#include "hooks/cli/output.h"
#include "hooks/cli/subordinate_ids.h"
#include "libhookcore/base/error.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/listing.h"
#include "libhookcore/session/naming.h"
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

/// An engine's id as engines show it, which commands take as well; one that somebody has chosen
/// whole.
std::string_view short_id(std::string_view id) {
  constexpr size_t kLength = 64;
  constexpr size_t kShown = 12;
  const bool is_engines =
      id.size() == kLength && id.find_first_not_of("0123456789abcdef") == id.npos;
  return is_engines ? id.substr(0, kShown) : id;
}

std::string short_name(const session::Listing& listing) {
  const std::string& name = listing.name;
  constexpr std::string_view kPrefix = session::kContainerPrefix;
  if (!name.starts_with(kPrefix)) return printable(name);
  return std::string(kPrefix) + printable(short_id(std::string_view(name).substr(kPrefix.size())));
}

// "4711 (888d5003f148), 4720 (0f2a33c19e00)"
std::string members_of(const session::Listing& listing) {
  std::string text;
  for (const session::Member& member : listing.members) {
    text.append(text.empty() ? "" : ", ").append(std::to_string(member.pid)).append(" (");
    text.append(printable(short_id(member.container))).append(")");
  }
  return text.empty() ? "-" : text;
}

void list_text(const std::vector<session::Listing>& sessions) {
  std::vector<std::vector<std::string>> rows{
      {"SESSION", "KIND", "STATE", "SCRATCH", "WAY", "SIZE", "AGE", "MEMBERS"}};
  for (const session::Listing& one : sessions) {
    rows.push_back({short_name(one), std::string(name(one.kind)), std::string(name(one.condition)),
                    one.scratch.empty() ? "?" : printable(one.scratch), std::string(name(one.way)),
                    size_of(one), human_age(::time(nullptr) - one.last_change_time),
                    members_of(one)});
  }
  std::string text = table(rows);
  for (const session::Listing& one : sessions) {
    if (!one.failure.empty()) {
      text += short_name(one) + ": broken: " + printable(one.failure) + "\n";
    }
    if (one.way_reason.empty()) continue;
    text += short_name(one) + ": " + std::string(name(one.way)) + ", since " +
            printable(one.way_reason) + "\n";
  }
  print(text);
}

Json members_json(const session::Listing& listing) {
  Json members = Json::array();
  for (const session::Member& member : listing.members) {
    Json one = Json::object();
    one["pid"] = member.pid;
    put_name(one, "container", member.container);
    one["state"] =
        name(member.mounted ? session::Condition::kRunning : session::Condition::kPreparing);
    members.push_back(std::move(one));
  }
  return members;
}

Json to_json(const std::vector<session::Listing>& sessions) {
  Json document = Json::array();
  for (const session::Listing& one : sessions) {
    Json entry = Json::object();
    put_name(entry, "session", one.name);
    put_name(entry, "name", session::own_name(one.name));
    entry["kind"] = name(one.kind);
    put_name(entry, "container", one.container);
    entry["state"] = name(one.condition);
    entry["members"] = members_json(one);
    entry["scratch"] = one.scratch;
    entry["way"] = name(one.way);
    put_name(entry, "way_reason", one.way_reason);
    if (!one.failure.empty()) put_name(entry, "failure", one.failure);
    entry["bytes"] = one.bytes;
    entry["all_counted"] = one.all_counted;
    entry["last_change_time"] = one.last_change_time;
    document.push_back(std::move(entry));
  }
  return document;
}

std::vector<session::Listing> find_sessions() {
  const auto store = session::Store::open_existing(hook::Home::find().store_root);
  if (!store) return {};
  return session::list_sessions(*store, sys::Proc::open());
}

/// Where there is nothing of the caller's: root's containers and a user's have stores of their own.
void tell_whose_are_missing() {
  const char* const sudo = std::getenv("SUDO_UID");
  const std::string roots = session::default_root(true, 0, {});
  if (::geteuid() != 0 && ::access(roots.c_str(), F_OK) == 0) {
    std::fputs("oci-cnb: these are of your own containers; root's are shown with sudo\n", stderr);
  } else if (::geteuid() == 0 && sudo != nullptr && std::string_view(sudo) != "0") {
    std::fputs("oci-cnb: these are of root's containers; your own are shown without sudo\n",
               stderr);
  }
}

void list(const Arguments& arguments) {
  const std::vector<session::Listing> sessions = find_sessions();
  if (arguments.json) return print_json(to_json(sessions));
  list_text(sessions);
  if (sessions.empty()) tell_whose_are_missing();
}

// For files of subordinate ids; what then still stands is told as before.
void collect_with_subordinate_ids(session::CollectResult& result) {
  if (result.problems.empty() || ::geteuid() == 0) return;
  try {
    result.problems = run_with_subordinate_ids({"session", "gc", "--mapped"});
  } catch (const Error& error) {
    result.problems.push_back(error.line() + "; run `podman unshare oci-cnb session gc`");
  }
}

void report_collection(const Arguments& arguments, const session::CollectResult& result) {
  if (!arguments.json) {
    print("removed " + std::to_string(result.removed) + ", kept " + std::to_string(result.kept) +
          (result.unfinished ? "; much is being removed in the background\n" : "\n"));
    for (const std::string& report : result.reports) {
      std::fprintf(stderr, "oci-cnb: %s\n", report.c_str());
    }
    for (const std::string& problem : result.problems) {
      std::fprintf(stderr, "oci-cnb: could not be removed: %s\n", problem.c_str());
    }
    return;
  }
  Json document = Json::object();
  document["removed"] = result.removed;
  document["kept"] = result.kept;
  document["unfinished"] = result.unfinished;
  document["problems"] = result.problems;
  document["reports"] = result.reports;
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
  const uint64_t limit = arguments.mapped ? sys::kNoLimit : session::kAtOnce;
  if (store) result = store->collect(proc, home.settings.session_idle_seconds, limit);
  if (arguments.mapped) {
    for (const std::string& problem : result.problems) print(problem + "\n");
    return;
  }
  if (result.unfinished) {
    // Of a plain user's, those that are of subordinate ids go in the background.
    if (::geteuid() != 0) result.problems.clear();
    empty_trash_detached(*store);
  } else {
    collect_with_subordinate_ids(result);
  }
  report_collection(arguments, result);
  exit_code = result.problems.empty() ? 0 : 1;
}

void log(const Arguments& arguments) {
  const std::string root = hook::Home::find().store_root;
  if (const auto store = session::Store::open_existing(root)) {
    const std::string lines = select_log(read_log(*store), arguments.id);
    print(lines);
    if (!lines.empty() || arguments.id.empty()) return;
    std::fprintf(stderr, "oci-cnb: the log has nothing of %s\n", quote(arguments.id).c_str());
  } else {
    std::fprintf(stderr, "oci-cnb: no hook has written to %s yet; oci-cnb doctor tries it\n",
                 quote(root).c_str());
    tell_whose_are_missing();
  }
}

}  // namespace

Json sessions_json() { return to_json(find_sessions()); }

void empty_trash_detached(session::Store& store) {
  store.empty_trash_detached([](const session::CollectResult& result) {
    session::CollectResult rest = result;
    collect_with_subordinate_ids(rest);
  });
}

void add_session_commands(Command app, int& exit_code) {
  const Command group = app.command("session", "The scratch of containers, and what hooks did");
  group.needs_command();
  const auto arguments = std::make_shared<Arguments>();

  const Command list_command = group.command("list", "Sessions, their state and size");
  list_command.flag("--json", arguments->json, "As JSON");
  list_command.callback([arguments] { list(*arguments); });

  const Command gc = group.command(
      "gc", "Removes the scratch of containers that are gone. Exit code 1 when some is left");
  gc.flag("--json", arguments->json, "As JSON");
  gc.flag("--mapped", arguments->mapped, "").hidden();
  gc.callback([arguments, &exit_code] { collect(*arguments, exit_code); });

  add_changes_commands(group, exit_code);

  const Command log_command = group.command("log", "What the hooks wrote down, oldest first");
  log_command.option("SESSION", arguments->id,
                     "Only this session, or containers whose id begins so");
  log_command.callback([arguments] { log(*arguments); });
}

}  // namespace hookcore::cli

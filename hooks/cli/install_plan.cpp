#include "hooks/cli/install_plan.h"

#include "hooks/cli/output.h"

namespace hookcore::cli {
namespace {

std::string told(const std::vector<std::string>& notes) {
  std::string text;
  for (const std::string& note : notes) text += note + "\n";
  return text;
}

void print_description(const node::Host& host, const node::Plan& plan) {
  const std::string text = node::describe(host, plan);
  print(text.empty() ? "nothing to do\n" : text);
}

}  // namespace

settings::Settings system_settings(const std::string& root) {
  settings::SettingsFiles files;
  files.system = settings::kSystemFile;
  if (root != "/") files.root = root;
  return settings::load_settings({}, files);
}

void install_plan(const node::Host& host, const node::Plan& plan, bool dry_run) {
  if (dry_run) return print_description(host, plan);
  const bool idle = node::describe(host, plan).empty();
  const bool changed = node::install(host, plan);
  const std::string what =
      plan.version.empty() ? "installed\n" : "installed " + plan.version + "\n";
  if (!idle) return print(what + (changed ? told(plan.notes) : ""));
  print("nothing to do\n" + (plan.versioned.empty() ? told(plan.notes) : ""));
}

void uninstall_plan(const node::Host& host, const node::Plan& plan, bool dry_run) {
  if (dry_run) return print_description(host, plan);
  const bool idle = node::describe(host, plan).empty();
  const bool changed = node::uninstall(host, plan);
  print(idle ? "nothing to do\n" : "uninstalled\n" + (changed ? told(plan.notes) : ""));
}

}  // namespace hookcore::cli

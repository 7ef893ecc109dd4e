#include "hooks/cli/examples.h"

#include <string>
#include <string_view>

namespace hookcore::cli {
namespace {

struct Example {
  std::string_view command;  ///< as it is typed, without the program; "" for the program itself
  std::string_view lines;
};

constexpr Example kExamples[] = {
    {"",
     "  oci-cnb doctor                             # what works on this machine, and what doesn't\n"
     "  oci-cnb context masks .                    # what a container won't see of this directory\n"
     "  oci-cnb run . -- sh                        # a shell over it, without an engine\n"
     "  oci-cnb session log                        # what the hooks said\n"
     "  oci-cnb explain                            # why the last container was refused\n"},
    {"run",
     "  oci-cnb run . -- make test\n"
     "  oci-cnb run --session work -t src -- bash  # a shell that finds its changes again\n"
     "  oci-cnb run --network host . -- npm ci\n"},
    {"context", "  oci-cnb context list --tree .\n"},
    {"context list",
     "  oci-cnb context list .\n"
     "  oci-cnb context list -0 . | xargs -0 ls -d\n"},
    {"context masks",
     "  oci-cnb context masks .\n"
     "  oci-cnb context masks --ignore-file ci.dockerignore .\n"},
    {"context explain", "  oci-cnb context explain . node_modules/dep logs/keep\n"},
    {"context stats", "  oci-cnb context stats .                    # which rules hide nothing\n"},
    {"preview",
     "  oci-cnb preview . -- make\n"
     "  oci-cnb preview --scratch tmpfs:1g --json . -- npm ci\n"},
    {"session", "  oci-cnb session list\n"},
    {"session list",
     "  oci-cnb session list\n"
     "  oci-cnb session list --json\n"},
    {"session diff",
     "  oci-cnb session diff work\n"
     "  oci-cnb session diff --json 3f2a1b\n"},
    {"session export", "  oci-cnb session export work | podman import - changes\n"},
    {"session apply",
     "  oci-cnb session apply --dry-run work\n"
     "  oci-cnb session apply work src 'docs/*.md'\n"},
    {"session rm", "  oci-cnb session rm work\n"},
    {"session gc", "  oci-cnb session gc\n"},
    {"session log",
     "  oci-cnb session log\n"
     "  oci-cnb session log 3f2a1b                 # a container's id, or its beginning\n"},
    {"spec", "  oci-cnb spec validate --bundle bundle\n"},
    {"spec generate", "  oci-cnb spec generate --bundle bundle project -- make\n"},
    {"spec apply",
     "  oci-cnb spec apply --in-place --bundle bundle\n"
     "  oci-cnb spec apply --role build < config.json > adjusted.json\n"},
    {"spec validate",
     "  oci-cnb spec validate --bundle bundle\n"
     "  oci-cnb spec validate --rules\n"},
    {"explain",
     "  oci-cnb explain                            # the last failure that was logged\n"
     "  oci-cnb explain 3f2a1b                     # the last one of this container\n"
     "  oci-cnb explain 28                         # a hook's exit code\n"
     "  oci-cnb explain ids                        # the same, by its name\n"},
    {"config", "  oci-cnb config list\n"},
    {"config list",
     "  oci-cnb config list\n"
     "  oci-cnb config list --json\n"},
    {"config get", "  oci-cnb config get scratch-dir\n"},
    {"config set",
     "  oci-cnb config set log=debug\n"
     "  oci-cnb config set --dry-run copy=always copy-limit=2g\n"},
    {"config unset", "  oci-cnb config unset log\n"},
    {"doctor",
     "  oci-cnb doctor\n"
     "  oci-cnb doctor --json\n"
     "  oci-cnb doctor --report > report.json      # for a bug report\n"
     "  oci-cnb doctor .                           # a container over this directory\n"},
    {"install",
     "  oci-cnb install podman --user --dry-run\n"
     "  oci-cnb install docker\n"
     "  oci-cnb install containerd --without-nri   # containerd 1.6\n"},
    {"uninstall", "  oci-cnb uninstall podman --user\n"},
    {"node", "  oci-cnb node install --dry-run\n"},
    {"node install", "  oci-cnb node install --engine crio --root /host\n"},
    {"node uninstall", "  oci-cnb node uninstall --root /host\n"},
    {"node wait", "  oci-cnb node wait\n"},
};

std::string_view examples_of(const std::string& command) {
  for (const Example& example : kExamples) {
    if (example.command == command) return example.lines;
  }
  return {};
}

void add_below(Command app, const std::string& command) {
  const std::string footer = app.footer();
  const std::string_view lines = examples_of(command);
  if (!lines.empty()) {
    app.footer((footer.empty() ? "" : footer + "\n\n") + "Examples:\n" +
               std::string(lines.substr(0, lines.size() - 1)));
  }
  for (const Command& child : app.commands()) {
    add_below(child, command.empty() ? child.name() : command + " " + child.name());
  }
}

}  // namespace

void add_examples(Command app) { add_below(app, {}); }

}  // namespace hookcore::cli

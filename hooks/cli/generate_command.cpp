// oci-cnb spec generate: a config.json from nothing.
#include "hooks/cli/generate_command.h"

#include <fcntl.h>

#include <memory>

#include "hooks/cli/container_options.h"
#include "hooks/cli/output.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/settings/settings.h"
#include "libhookcore/sys/file.h"

namespace hookcore::cli {

namespace {

struct Target {
  std::string bundle;
  std::string output;
  bool force = false;
};

/// A document that somebody has edited isn't overwritten by the way.
void write_document(const Target& target, const std::string& text) {
  const std::string path = target.output.empty() ? target.bundle + "/config.json" : target.output;
  const std::string name = base_name(path);
  const std::string before = path.substr(0, path.size() - name.size());
  const sys::UniqueFd parent =
      sys::open_named(before.empty() ? "." : before, O_RDONLY | O_DIRECTORY, Code::kUsage);
  if (!target.force && sys::stat_at(parent.get(), name)) {
    throw Error(Code::kUsage, "this file is there already", quote(path),
                "remove it first, or use --force");
  }
  sys::replace_file(parent.get(), name, text, 0644);
}

void generate(const ContainerOptions& options, const Target& target) {
  bundle::Options plan = bundle_options(options);
  if (!options.rootfs.empty()) plan.rootfs = options.rootfs;
  if (plan.args.empty()) plan.args = {"sh"};
  const auto settings = settings::load_settings(settings::find_host_user());
  const std::string text = bundle::make_document(plan, settings);
  if (target.bundle.empty() && (target.output.empty() || target.output == "-")) {
    print(text);
  } else {
    write_document(target, text);
  }
}

}  // namespace

void add_generate_command(Command spec, const std::vector<std::string>& words) {
  const Command command = spec.command(
      "generate", "Write a complete config.json for crun or runc; rootless when not root");
  command.footer("What stands after -- is the process's arguments (default: sh).");
  const auto options = add_container_options(command, words);
  const auto target = std::make_shared<Target>();
  command
      .option("--rootfs", options->rootfs,
              "The root file system, absolute or relative to the bundle (default: rootfs)")
      .type("DIR");
  const Option bundle =
      command.option("--bundle,-b", target->bundle, "Write DIR/config.json").type("DIR");
  command.option("--output,-o", target->output, "Write this file (default: stdout)")
      .type("FILE")
      .excludes(bundle);
  command.flag("--force,-f", target->force, "Replace a file that is there");
  command.callback([options, target] { generate(*options, *target); });
}

}  // namespace hookcore::cli

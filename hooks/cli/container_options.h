#pragma once

#include <memory>
#include <string>
#include <vector>

#include "hooks/cli/command_line.h"
#include "libhookcore/bundle/bundle.h"

/// What `oci-cnb run` and `oci-cnb spec generate` ask alike of one container.
namespace hookcore::cli {

struct ContainerOptions {
  std::string directory = ".";
  std::string role = "dev";
  std::string rootfs;
  std::string cnb;
  std::string layers;
  std::string platform;
  std::string session;
  std::string hostname = "cnb";
  std::string network = "none";
  std::string user = "0:0";
  std::string hooks_directory;
  std::vector<std::string> annotations;
  std::vector<std::string> env;
  bool readonly_rootfs = false;
  bool terminal = false;
  std::vector<std::string> command;
};

/// words: what stands behind the first `--`; see take_command.
std::shared_ptr<ContainerOptions> add_container_options(Command command,
                                                        const std::vector<std::string>& words);

/// The plan for them, run by whoever we are. rootfs stays as written. Throws Error(Code::kUsage)
/// for an option that can't be meant, and Error(Code::kSource) for a directory that isn't there.
bundle::Options bundle_options(const ContainerOptions& options);

/// Takes what stands behind the first `--` of `run` and `spec generate` off: their DIR may be left
/// out, so that nothing else tells it from the command's first word. words: without the program.
std::vector<std::string> take_command(std::vector<std::string>& words);

}  // namespace hookcore::cli

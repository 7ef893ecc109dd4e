// oci-cnb: the command for people. Each group of subcommands has a pair of files here and one line
// in add_commands. Callbacks throw hookcore::Error; exit_code is theirs to set when a check found
// something (1).
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "hooks/cli/command_line.h"
#include "hooks/cli/config_commands.h"
#include "hooks/cli/container_options.h"
#include "hooks/cli/context_commands.h"
#include "hooks/cli/doctor_commands.h"
#include "hooks/cli/examples.h"
#include "hooks/cli/explain_command.h"
#include "hooks/cli/install_commands.h"
#include "hooks/cli/node_commands.h"
#include "hooks/cli/preview_commands.h"
#include "hooks/cli/run_commands.h"
#include "hooks/cli/session_commands.h"
#include "hooks/cli/spec_commands.h"
#include "libhookcore/base/error.h"

namespace {

constexpr int kWrongUsage = 2;
constexpr int kRefused = 4;

int fail(const std::string& line, int exit_code) {
  std::fprintf(stderr, "oci-cnb: %s\n", line.c_str());
  return exit_code;
}

void add_commands(hookcore::cli::Command app, const std::vector<std::string>& words,
                  int& exit_code) {
  hookcore::cli::add_run_command(app, words, exit_code);
  hookcore::cli::add_context_commands(app);
  hookcore::cli::add_preview_commands(app, exit_code);
  hookcore::cli::add_session_commands(app, exit_code);
  hookcore::cli::add_spec_commands(app, words, exit_code);
  hookcore::cli::add_explain_command(app);
  hookcore::cli::add_config_commands(app);
  hookcore::cli::add_doctor_command(app, exit_code);
  hookcore::cli::add_install_commands(app);
  hookcore::cli::add_node_commands(app);
  hookcore::cli::add_examples(app);
}

int run(int argc, char** argv) {
  hookcore::cli::CommandLine line(
      "oci-cnb",
      "Shows, tries and checks what oci-cnb-hooks does to a container, and sets it up.\n"
      "Exit codes: 0 done, 1 a check found something, 2 wrong usage, 3 bad input, 4 the "
      "system refused.\n"
      "Manual: oci-cnb(1), oci-cnb-hooks(7), oci-cnb-hooks.toml(5).");
  line.version("oci-cnb " OCI_CNB_VERSION);
  line.program().needs_command();
  int exit_code = 0;
  std::vector<std::string> words(argv + 1, argv + argc);
  const std::vector<std::string> command = hookcore::cli::take_command(words);
  add_commands(line.program(), command, exit_code);
  if (argc < 2) {
    std::fputs(line.help().c_str(), stderr);
    return kWrongUsage;
  }
  line.parse(std::move(words));
  return exit_code;
}

}  // namespace

int main(int argc, char** argv) {
  try {
    return run(argc, argv);
  } catch (const hookcore::Error& error) {
    return fail(error.line(), hookcore::cli_exit_code(error.code()));
  } catch (const std::exception& error) {
    return fail(std::string("system: ") + error.what(), kRefused);
  }
}

#include "hooks/cli/command_line.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <utility>

#include "hooks/cli/usage.h"

namespace hookcore::cli {

Option Option::required() const { return Option(*option_->required()); }
Option Option::type(const std::string& name) const { return Option(*option_->type_name(name)); }
Option Option::one_of(std::vector<std::string> words) const {
  return Option(*option_->check(cli::one_of(std::move(words))));
}
Option Option::existing_directory() const {
  return Option(*option_->check(CLI::ExistingDirectory));
}
Option Option::single() const { return Option(*option_->expected(1)); }
Option Option::repeated() const { return Option(*option_->allow_extra_args(false)); }
Option Option::excludes(Option other) const { return Option(*option_->excludes(other.option_)); }
Option Option::hidden() const { return Option(*option_->group("")); }

Command Command::command(const std::string& name, const std::string& text) const {
  return Command(*app_->add_subcommand(name, text));
}
Option Command::option(const std::string& names, std::string& value,
                       const std::string& text) const {
  return Option(*app_->add_option(names, value, text));
}
Option Command::option(const std::string& names, std::vector<std::string>& values,
                       const std::string& text) const {
  return Option(*app_->add_option(names, values, text));
}
Option Command::flag(const std::string& names, bool& value, const std::string& text) const {
  return Option(*app_->add_flag(names, value, text));
}
Option Command::find(const std::string& name) const { return Option(*app_->get_option(name)); }
void Command::callback(std::function<void()> run) const { app_->callback(std::move(run)); }
void Command::needs_command() const { app_->require_subcommand(1); }
std::string Command::footer() const { return app_->get_footer(); }
void Command::footer(const std::string& text) const { app_->footer(text); }
std::string Command::name() const { return app_->get_name(); }
std::vector<Command> Command::commands() const {
  std::vector<Command> all;
  for (CLI::App* child : app_->get_subcommands([](const CLI::App*) { return true; })) {
    all.emplace_back(*child);
  }
  return all;
}

CommandLine::CommandLine(const std::string& name, const std::string& text)
    : app_(std::make_unique<CLI::App>(text, name)) {}
CommandLine::~CommandLine() = default;

void CommandLine::version(const std::string& text) { app_->set_version_flag("--version", text); }

std::string CommandLine::help() const { return app_->help(); }

void CommandLine::parse(std::vector<std::string> words) {
  std::reverse(words.begin(), words.end());  // as CLI11 takes them
  try {
    app_->parse(std::move(words));
  } catch (const CLI::ParseError& error) {
    // --help and --version arrive here too, with code 0.
    if (error.get_exit_code() != 0) throw usage_error(*app_, error);
    app_->exit(error);
  }
}

}  // namespace hookcore::cli

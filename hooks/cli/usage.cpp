#include "hooks/cli/usage.h"

#include <algorithm>
#include <memory>

#include "libhookcore/base/path.h"

namespace hookcore::cli {
namespace {

using Names = std::vector<std::string>;

std::string joined(const Names& words) {
  std::string text;
  for (const std::string& word : words) text.append(text.empty() ? "" : ", ").append(word);
  return text;
}

/// A command as it is typed, and where it stands.
struct Command {
  const CLI::App* app;
  std::string words;
};

/// The innermost command that was understood.
Command command_of(const CLI::App& app) {
  Command command{&app, app.get_name()};
  while (!command.app->get_subcommands().empty()) {
    command.app = command.app->get_subcommands().front();
    command.words += " " + command.app->get_name();
  }
  return command;
}

std::vector<const CLI::App*> children(const CLI::App& app) {
  return app.get_subcommands([](const CLI::App*) { return true; });
}

Names child_names(const CLI::App& app) {
  Names names;
  for (const CLI::App* child : children(app)) names.push_back(child->get_name());
  return names;
}

Names option_names(const CLI::App& app) {
  Names names;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_group().empty()) continue;
    for (const std::string& name : option->get_lnames()) names.push_back(name);
  }
  return names;
}

/// "session log" for log: who knows a command seldom knows its group.
std::string in_a_group(const CLI::App& app, const std::string& word) {
  for (const CLI::App* group : children(app)) {
    const Names names = child_names(*group);
    const bool there = std::find(names.begin(), names.end(), word) != names.end();
    if (there) return group->get_name() + " " + word;
  }
  return {};
}

/// The words to type instead, or nothing.
std::string instead_of(const Command& command, const std::string& word) {
  const Names options = option_names(*command.app);
  if (word.starts_with('-')) {
    const std::string name = word.substr(0, word.find('='));
    const size_t dashes = std::min(name.find_first_not_of('-'), name.size());
    const std::string_view near = nearest(name.substr(dashes), options);
    return near.empty() ? "" : "--" + std::string(near);
  }
  const bool is_option = std::find(options.begin(), options.end(), word) != options.end();
  if (is_option) return command.words + " --" + word;
  std::string known = in_a_group(*command.app, word);
  if (known.empty()) known = nearest(word, child_names(*command.app));
  return known.empty() ? known : command.words + " " + known;
}

std::string help_of(const Command& command) {
  return "`" + command.words + " --help` has examples";
}

/// Who forgets -- in front of a command is told where it stands.
bool takes_a_command(const CLI::App& app) {
  return app.get_name() == "run" || app.get_name() == "generate";
}

Error unknown_word(const Command& command, const std::string& word) {
  const bool is_option = word.size() > 1 && word.starts_with('-');
  const bool has_commands = !children(*command.app).empty();
  const std::string what = is_option      ? "unknown option "
                           : has_commands ? "unknown command "
                                          : "one word too many: ";
  if (takes_a_command(*command.app) && !is_option) {
    const std::string shown = has_control_bytes(word) ? "COMMAND" : word;
    return Error(Code::kUsage, what + quote(word), command.words,
                 "write a command behind --: `" + command.words + " DIR -- " + shown + "`");
  }
  const std::string instead = instead_of(command, word);
  return Error(Code::kUsage, what + quote(word), command.words,
               instead.empty() ? help_of(command) : "did you mean `" + instead + "`?");
}

std::string one_line(std::string text) {
  std::replace(text.begin(), text.end(), '\n', ' ');
  return text;
}

}  // namespace

CLI::Validator one_of(std::vector<std::string> words) {
  const std::string all = joined(words);
  const auto known = std::make_shared<const Names>(std::move(words));
  const auto check = [known, all](const std::string& word) -> std::string {
    if (std::find(known->begin(), known->end(), word) != known->end()) return {};
    const std::string_view near = nearest(word, *known);
    return "bad value " + quote(word) + "; use one of " + all +
           (near.empty() ? "" : "; did you mean " + quote(near) + "?");
  };
  return {check, "{" + all + "}", "one of"};
}

Error usage_error(const CLI::App& app, const CLI::ParseError& error) {
  const Command command = command_of(app);
  for (const std::string& word : app.remaining(true)) {
    if (word != "--") return unknown_word(command, word);
  }
  const Names names = child_names(*command.app);
  if (!names.empty()) {
    return Error(Code::kUsage, "a command is missing", command.words,
                 "use one of " + joined(names));
  }
  // What a validator says has a remedy of its own.
  const bool of_value = dynamic_cast<const CLI::ValidationError*>(&error) != nullptr;
  return Error(Code::kUsage, one_line(error.what()), command.words,
               of_value ? "" : help_of(command));
}

}  // namespace hookcore::cli

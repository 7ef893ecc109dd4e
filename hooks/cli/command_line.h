#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace CLI {
class App;
class Option;
}  // namespace CLI

/// What the program takes, as its commands declare it. CLI11 does the work; its headers take a
/// compiler ten seconds a file, and clang-tidy half a minute: command_line.cpp and usage.cpp alone
/// include them.
namespace hookcore::cli {

/// An option, a flag, or a word without a name. A handle, as Command is: it lives as long as the
/// CommandLine.
class Option {
 public:
  explicit Option(CLI::Option& option) : option_(&option) {}

  Option required() const;
  /// What --help calls its value.
  Option type(const std::string& name) const;
  /// Other values are refused, with these and the nearest of them.
  Option one_of(std::vector<std::string> words) const;
  Option existing_directory() const;
  /// Of a list: one value, and no more.
  Option single() const;
  /// Of a list: each value has the option's name before it, so that no word behind is taken for
  /// another.
  Option repeated() const;
  Option excludes(Option other) const;
  /// Not in --help.
  Option hidden() const;

 private:
  CLI::Option* option_;
};

/// A command, or a group of them. Values have to live as long as the CommandLine.
class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}

  Command command(const std::string& name, const std::string& text) const;
  /// names: "--long,-l", or a word in capitals for a value without a name.
  Option option(const std::string& names, std::string& value, const std::string& text) const;
  Option option(const std::string& names, std::vector<std::string>& values,
                const std::string& text) const;
  Option flag(const std::string& names, bool& value, const std::string& text) const;
  /// One that is there already.
  Option find(const std::string& name) const;
  /// What the command does. Throws Error.
  void callback(std::function<void()> run) const;
  /// A group does nothing by itself.
  void needs_command() const;

  /// The end of --help.
  std::string footer() const;
  void footer(const std::string& text) const;
  std::string name() const;
  std::vector<Command> commands() const;

 private:
  CLI::App* app_;
};

class CommandLine {
 public:
  CommandLine(const std::string& name, const std::string& text);
  ~CommandLine();
  CommandLine(const CommandLine&) = delete;
  CommandLine& operator=(const CommandLine&) = delete;

  /// Of which the commands are part.
  Command program() const { return Command(*app_); }
  /// What --version prints.
  void version(const std::string& text);
  std::string help() const;
  /// Calls what the words name, or prints help or version. words: without the program. Throws
  /// Error(kUsage) for words that mean nothing, with the nearest that do.
  void parse(std::vector<std::string> words);

 private:
  std::unique_ptr<CLI::App> app_;
};

}  // namespace hookcore::cli

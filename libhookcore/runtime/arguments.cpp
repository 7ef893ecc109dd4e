#include "libhookcore/runtime/arguments.h"

#include <algorithm>
#include <iterator>
#include <span>

namespace hookcore::runtime {

namespace {

struct Option {
  std::string_view name;
  char letter = 0;
  bool has_value = false;
};

/// The options of runc 1.1 to 1.3 and crun 1.8 to 1.28 together.
constexpr Option kGlobal[] = {
    {"root", 0, true},
    {"log", 0, true},
    {"log-format", 0, true},
    {"log-level", 0, true},
    {"criu", 0, true},
    {"rootless", 0, true},
    {"cgroup-manager", 0, true},
    {"debug"},
    {"systemd-cgroup"},
    {"help", 'h'},
    {"usage"},
    {"version", 'v'},
};
constexpr Option kCreate[] = {
    {"bundle", 'b', true},
    {"config", 'f', true},
    {"console-socket", 0, true},
    {"pidfd-socket", 0, true},
    {"pid-file", 0, true},
    {"preserve-fds", 0, true},
    {"detach", 'd'},
    {"keep"},
    {"no-pivot"},
    {"no-new-keyring"},
    {"no-subreaper"},
    {"help", 'h'},
    {"usage"},
    {"image-path", 0, true},
    {"work-path", 0, true},
    {"manage-cgroups-mode", 0, true},
    {"empty-ns", 0, true},
    {"lsm-profile", 0, true},
    {"tcp-established"},
    {"lsm-mount-context", 0, true},
    {"ext-unix-sk"},
    {"shell-job"},
    {"file-locks"},
    {"auto-dedup"},
    {"lazy-pages"},
};
constexpr Option kExec[] = {
    {"process", 'p', true},
    {"cwd", 0, true},
    {"env", 'e', true},
    {"user", 'u', true},
    {"cap", 'c', true},
    {"additional-gids", 'g', true},
    {"console-socket", 0, true},
    {"pidfd-socket", 0, true},
    {"pid-file", 0, true},
    {"preserve-fds", 0, true},
    {"process-label", 0, true},
    {"apparmor", 0, true},
    {"cgroup", 0, true},
    {"tty", 't'},
    {"detach", 'd'},
    {"no-new-privs"},
    {"ignore-paused"},
    {"help", 'h'},
    {"usage"},
};

constexpr std::string_view kCommands[] = {
    "checkpoint", "create", "delete", "events", "exec",   "features", "help",
    "kill",       "list",   "mounts", "pause",  "ps",     "restore",  "resume",
    "run",        "spec",   "start",  "state",  "update", "version",
};

using Options = std::span<const Option>;
constexpr Option kUnknown{};

bool is_option(std::string_view word) { return word.size() > 1 && word[0] == '-'; }

bool is_command(std::string_view word) {
  return std::find(std::begin(kCommands), std::end(kCommands), word) != std::end(kCommands);
}

/// An abbreviation that several options share is none of them, but takes a value if all do.
Option abbreviated(Options options, std::string_view name) {
  std::optional<Option> found;
  for (const Option& option : options) {
    if (!option.name.starts_with(name)) continue;
    const bool all_have_values = option.has_value && (!found || found->has_value);
    found = found ? Option{{}, 0, all_have_values} : option;
  }
  return found.value_or(kUnknown);
}

/// Walks over words; each option goes to take(option, value).
template <typename Take>
class Scanner {
 public:
  Scanner(const Words& words, Dialect dialect, Take take)
      : words_(words), dialect_(dialect), take_(take) {}

  /// Of the word that is read next.
  size_t position() const { return at_; }

  /// Passes over options up to the next operand, which is returned; empty at the end.
  std::string_view next_operand(Options options) {
    while (at_ < words_.size()) {
      const std::string_view word = words_[at_++];
      if (only_operands_ || !is_option(word)) return word;
      if (word == "--") {
        only_operands_ = true;
      } else if (dialect_ == Dialect::kGo) {
        go_option(options, word);
      } else if (word[1] == '-') {
        long_option(options, word.substr(2));
      } else {
        letters(options, word.substr(1));
      }
    }
    return {};
  }

 private:
  void go_option(Options options, std::string_view word) {
    const std::string_view text = word.substr(word[1] == '-' ? 2 : 1);
    const std::string_view name = text.substr(0, text.find('='));
    named(
        options, text,
        [&](const Option& option) {
          return option.name == name || (name.size() == 1 && option.letter == name[0]);
        },
        kUnknown);
  }

  void long_option(Options options, std::string_view text) {
    const std::string_view name = text.substr(0, text.find('='));
    named(
        options, text, [&](const Option& option) { return option.name == name; },
        abbreviated(options, name));
  }

  template <typename Is>
  void named(Options options, std::string_view text, Is is, const Option& otherwise) {
    const auto found = std::find_if(options.begin(), options.end(), is);
    const Option option = found == options.end() ? otherwise : *found;
    const size_t equals = text.find('=');
    if (equals != text.npos) {
      take_(option, text.substr(equals + 1));
    } else if (option.has_value) {
      take_(option, next_word());
    } else {
      take_(option, std::string_view());
      if (option.name.empty()) pass_over_unknown_value(options);
    }
  }

  void letters(Options options, std::string_view text) {
    for (; !text.empty(); text.remove_prefix(1)) {
      const auto found = std::find_if(options.begin(), options.end(), [&](const Option& option) {
        return option.letter == text[0];
      });
      if (found == options.end()) continue;
      if (found->has_value) {
        take_(*found, text.size() > 1 ? text.substr(1) : next_word());
        return;
      }
      take_(*found, std::string_view());
    }
  }

  /// An option of a later version may have a value. Before the command that can be told: what
  /// follows it, and is no command, is one.
  void pass_over_unknown_value(Options options) {
    const bool before_command = options.data() == std::data(kGlobal);
    if (!before_command || at_ == words_.size()) return;
    if (!is_option(words_[at_]) && !is_command(words_[at_])) ++at_;
  }

  std::string_view next_word() { return at_ < words_.size() ? words_[at_++] : std::string_view(); }

  const Words& words_;
  Dialect dialect_;
  Take take_;
  size_t at_ = 0;
  bool only_operands_ = false;
};

Options options_of(std::string_view command) {
  if (command == "create" || command == "run" || command == "restore") return kCreate;
  if (command == "exec") return kExec;
  return {};
}

}  // namespace

Invocation parse_arguments(const Words& words, Dialect dialect) {
  Invocation call;
  bool help = false;
  const auto take = [&](const Option& option, std::string_view value) {
    const std::string_view name = option.name;
    if (name == "root") call.root = value;
    if (name == "log") call.log = value;
    if (name == "log-format") call.log_format = value;
    if (name == "bundle") call.bundle = value;
    if (name == "config") call.config = value;
    if (name == "process") call.process = value;
    if (name == "cwd") call.has_cwd = true;
    if (name == "env") call.env.push_back(value);
    if (name == "help" || name == "usage" || name == "version") help = true;
  };
  Scanner scanner(words, dialect, take);
  call.command = scanner.next_operand(kGlobal);
  call.options_at = scanner.position();
  const Options options = options_of(call.command);
  if (options.empty()) return help ? Invocation{} : call;
  call.id = scanner.next_operand(options);
  // urfave/cli reads options behind an operand too, but for exec, where they are the command's.
  const bool goes_on = dialect == Dialect::kGo && call.command != "exec";
  while (goes_on && !scanner.next_operand(options).empty()) {
  }
  if (help) call.command = {};
  return call;
}

}  // namespace hookcore::runtime

#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

/// The command line of a runtime, read as far as it decides whether there is anything to adjust.
namespace hookcore::runtime {

/// How a runtime reads its options, and writes its log.
enum class Dialect {
  kGo,  ///< runc: Go's flag package by way of urfave/cli. --x V, --x=V, -x V, -x=V; a short name
        ///< is just another name
  kGetopt,  ///< crun: getopt_long(3) by way of argp. --x V, --x=V, -xV, -x V, -abc; long names may
            ///< be abbreviated
};

using Words = std::vector<std::string_view>;

/// What a command line says. Views into the words that were parsed.
struct Invocation {
  std::string_view command;  ///< "create", "exec", …; empty: none, or only help is asked for
  std::optional<std::string_view> root;
  std::optional<std::string_view> log;
  std::string_view log_format;
  std::optional<std::string_view> bundle;   ///< of create, run and restore
  std::optional<std::string_view> config;   ///< crun's --config
  std::optional<std::string_view> process;  ///< of exec: a document; none: arguments
  bool has_cwd = false;                     ///< of exec
  std::vector<std::string_view> env;        ///< of exec: "NAME=value"
  size_t options_at = 0;                    ///< the word behind the command
  std::string_view id;                      ///< the container; empty where none is given
};

/// words: the command line without the program's name. Options that this version doesn't know are
/// passed over; what isn't well-formed is left to the runtime, which refuses it.
Invocation parse_arguments(const Words& words, Dialect dialect);

}  // namespace hookcore::runtime

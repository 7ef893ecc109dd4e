#pragma once

#include <CLI/CLI.hpp>
#include <string>
#include <vector>

#include "libhookcore/base/error.h"

/// What somebody is told whose command line is wrong.
namespace hookcore::cli {

/// One of these words; a message names them all, and the nearest.
CLI::Validator one_of(std::vector<std::string> words);

/// What CLI11 refused, as all other failures are told: what, where, and what to do. An unknown word
/// goes before anything that is missing, and is answered with the nearest that is known.
Error usage_error(const CLI::App& app, const CLI::ParseError& error);

}  // namespace hookcore::cli

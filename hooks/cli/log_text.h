#pragma once

#include <string>

#include "libhookcore/session/store.h"

/// What the hooks wrote down (report::Log), for people to read.
namespace hookcore::cli {

/// All lines that there are, oldest first. Throws Error.
std::string read_log(const session::Store& store);

/// The lines of one session, by the name that people give it, or of containers whose id begins so;
/// of all where wanted is empty. Told by the log alone: it outlives sessions. Throws
/// Error(kSession) where the lines of several sessions are meant.
std::string select_log(const std::string& lines, const std::string& wanted);

}  // namespace hookcore::cli

#pragma once

#include <ctime>
#include <string>
#include <string_view>

#include "libhookcore/runtime/arguments.h"

namespace hookcore::runtime {

/// One line of a runtime's log, without the newline, as runc (logrus) or crun writes it.
std::string log_line(Dialect dialect, bool json, std::string_view message, std::time_t now);

/// Adds message to the log that the engine named with --log, which is where it looks for the reason
/// of a failure. A log that can't be written is let go: the message is on stderr as well.
void tell_engine(const Invocation& invocation, Dialect dialect, std::string_view message);

}  // namespace hookcore::runtime

#pragma once

#include <gtest/gtest.h>

#include <string>

#include "libhookcore/base/error.h"

/// Expects an Error of this code whose whole line is this text.
template <typename Call>
void expect_error(hookcore::Code code, const std::string& line, Call call) {
  try {
    call();
    ADD_FAILURE() << "no error, expected: " << line;
  } catch (const hookcore::Error& error) {
    EXPECT_EQ(code, error.code());
    EXPECT_EQ(line, error.line());
  }
}

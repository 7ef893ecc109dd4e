#pragma once

namespace hookcore::runtime {

/// oci-cnb-runtime: adjusts what the call is about, if a container opts in, and becomes the real
/// runtime (execve(2)), with the words, environment, descriptors and signal mask that it was given.
/// Returns only when it failed: with hook_exit_code of the failure, which is told in one line on
/// stderr, in the engine's log and in the hooks' log. Nothing in the bundle is changed then.
int run_runtime(int argc, char** argv, char** environment);

}  // namespace hookcore::runtime

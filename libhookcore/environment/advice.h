#pragma once

#include <string>
#include <string_view>

#include "libhookcore/oci/config.h"

/// What to do, in the words of whoever made the container: options of a command, or fields of a
/// pod.
namespace hookcore::environment {

/// podman, whose hooks can do more than an option.
bool is_of_podman(const oci::ConfigView& config);

/// Made over the CRI. podman's own pods are not: they are made by options.
bool is_of_a_pod(const oci::ConfigView& config);

/// How to set a variable: "--env NAME=VALUE", or "env: [{name: NAME, value: VALUE}]".
std::string env_option(std::string_view name, std::string_view value);
std::string env_field(std::string_view name, std::string_view value);

/// How to mount the source at path.
std::string mount_source(const oci::ConfigView& config, std::string_view path);

}  // namespace hookcore::environment

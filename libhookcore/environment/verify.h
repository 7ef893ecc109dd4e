#pragma once

#include "libhookcore/environment/finding.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/settings/settings.h"

/// The guarantee as rules over config.json: what the mount hook refuses and `spec validate` prints.
/// All functions are pure and throw nothing but std::bad_alloc.
namespace hookcore::environment {

/// What the mount hook checks of a container that opted in: all of the below but verify_bundle and
/// verify_document.
Findings verify(const oci::ConfigView& config, const optin::Request& request,
                const settings::Settings& settings);

/// cwd and the variables that the role sets: what a config door would still have to change.
Findings verify_process(const oci::ConfigView& config, const optin::Request& request,
                        const settings::Settings& settings);

/// What image or user set, which no door changes (SPEC 4): values, and that a phase of the
/// lifecycle runs by itself where the next one would miss what it writes (SPEC 6).
Findings verify_variables(const oci::ConfigView& config, const optin::Request& request);

/// linux.maskedPaths and linux.readonlyPaths that would hide what the environment promises.
Findings verify_masked_paths(const oci::ConfigView& config, const optin::Request& request);

/// What the mount hook finds out by being there: the source's mount, that /layers can be written,
/// and that somebody calls it.
Findings verify_bundle(const oci::ConfigView& config, const optin::Request& request);

/// /proc, /sys, /dev, /dev/pts, /dev/shm, /tmp and mapped ids: true of any container.
/// Only what is written in the document: nothing is looked up in the rootfs.
Findings verify_mounts(const oci::ConfigView& config);

/// What else of any document would fail or is lost: hidden and doubled mounts, standard mounts that
/// are masked, id mappings that the kernel refuses. workspace: the path that verify_bundle judges.
Findings verify_document(const oci::ConfigView& config, std::string_view workspace);

/// The later mount on a directory above that hides mount, which is one of config's; or nullptr.
const oci::Mount* hidden_by(const oci::ConfigView& config, const oci::Mount& mount);

}  // namespace hookcore::environment

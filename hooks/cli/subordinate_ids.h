#pragma once

#include <string>
#include <utility>
#include <vector>

#include "libhookcore/settings/accounts.h"
#include "libhookcore/sys/process.h"

namespace hookcore::cli {

/// What a container of a plain user wrote may belong to the user's subordinate ids (subuid(5)):
/// only a user namespace that has them, made with newuidmap(1) and newgidmap(1), can remove it.

/// What a container with the usual map of a plain user (podman's default) calls the user's ids: 0
/// is himself, from 1 on his subordinate ids. Of uids and of gids.
std::pair<std::vector<sys::IdRange>, std::vector<sys::IdRange>> own_id_maps();

/// What /etc/subuid and /etc/subgid grant the user that we are; empty, both of them, where
/// newuidmap(1) or newgidmap(1) is missing or only one file grants something.
struct SubordinateIds {
  settings::IdRanges uids;
  settings::IdRanges gids;
};
SubordinateIds own_subordinate_ids();

/// Runs this program once more, with these arguments, as the root of such a namespace; it has to
/// call enter_subordinate_namespace first of all. What it prints, line by line. Throws
/// Error(kSystem) where the machine has no such ids or programs.
std::vector<std::string> run_with_subordinate_ids(const std::vector<std::string>& arguments);
/// The other side: returns when the maps are written and we are root inside.
void enter_subordinate_namespace();

}  // namespace hookcore::cli

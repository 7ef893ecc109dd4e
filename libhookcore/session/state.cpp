#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libhookcore/base/utf8.h"
#include "libhookcore/session/document.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/shared_mount.h"

namespace hookcore::session {
namespace {

constexpr int kVersion = 2;
constexpr std::array<const char*, 3> kKinds{"container", "named", "pod"};

nlohmann::ordered_json to_json(const Member& member) {
  nlohmann::ordered_json json{
      {"pid", member.pid}, {"start", member.start_time}, {"mounted", member.mounted}};
  if (!member.container.empty()) json["container"] = member.container;
  if (member.pid_namespace != 0) json["pidns"] = member.pid_namespace;
  return json;
}

Member to_member(const nlohmann::json& json) {
  Member member{json.at("pid"), json.at("start"), json.at("mounted")};
  member.container = json.value("container", std::string());
  member.pid_namespace = json.value("pidns", uint64_t{0});
  return member;
}

void read_shared(const nlohmann::json& json, SessionState& state) {
  const std::string kind = json.at("kind");
  const auto* const found = std::find(kKinds.begin(), kKinds.end(), kind);
  // Of a later version: better none than one that is taken for another.
  if (found == kKinds.end()) throw nlohmann::json::out_of_range::create(403, "kind", &json);
  state.kind = static_cast<Kind>(found - kKinds.begin());
  if (state.kind == Kind::kContainer) return;
  state.mount_source = json.at("mount");
  state.pod_bundle = json.at("pod-bundle");
}

// Of a later version: better none than one that is taken for another.
void read_way(const nlohmann::json& json, SessionState& state) {
  const std::string text = json.at("name");
  const auto way = parse_way(text);
  if (!way) throw nlohmann::json::out_of_range::create(403, "way", &json);
  state.way = *way;
  state.way_reason = json.at("reason");
}

using Json = nlohmann::ordered_json;

// A path is bytes, and JSON text is UTF-8: what isn't is an array of numbers.
Json path_to_json(const std::string& path) {
  for (std::string_view rest = path; !rest.empty();) {
    const size_t length = utf8_length(rest);
    if (length == 0) return std::vector<uint8_t>(path.begin(), path.end());
    rest.remove_prefix(length);
  }
  return path;
}

std::string path_from_json(const nlohmann::json& json) {
  if (json.is_string()) return json;
  const std::vector<uint8_t> bytes = json;
  return {bytes.begin(), bytes.end()};
}

Json origin_to_json(const Origin& origin) {
  Json json;
  json["path"] = path_to_json(origin.path);
  json["since"] = {origin.seconds, origin.nanoseconds};
  json["asked-rules"] = path_to_json(origin.asked_rules);
  json["rules"] = path_to_json(origin.rules);
  json["user-xattr"] = origin.user_xattr;
  json["uid-swap"] = origin.uid_swap;
  json["gid-swap"] = origin.gid_swap;
  json["uids"] = origin.uids;
  json["gids"] = origin.gids;
  return json;
}

Origin origin_from_json(const nlohmann::json& json) {
  Origin origin;
  origin.path = path_from_json(json.at("path"));
  origin.seconds = json.at("since").at(0);
  origin.nanoseconds = json.at("since").at(1);
  origin.asked_rules = path_from_json(json.at("asked-rules"));
  origin.rules = path_from_json(json.at("rules"));
  origin.user_xattr = json.at("user-xattr");
  origin.uid_swap = json.at("uid-swap");
  origin.gid_swap = json.at("gid-swap");
  if (json.contains("uids")) origin.uids = json.at("uids");
  if (json.contains("gids")) origin.gids = json.at("gids");
  return origin;
}

}  // namespace

namespace {

// What format_state() makes ends so, and has nothing like it within: inner lines are indented.
std::string_view last_whole(std::string_view text) {
  static constexpr std::string_view kEnd = "\n}\n";
  const size_t last = text.rfind(kEnd);
  if (last == std::string_view::npos || last == 0) return text;
  const size_t before = text.rfind(kEnd, last - 1);
  const size_t begin = before == std::string_view::npos ? 0 : before + kEnd.size();
  return text.substr(begin, last + kEnd.size() - begin);
}

}  // namespace

std::string format_state(const SessionState& state) {
  nlohmann::ordered_json json;
  json["version"] = kVersion;
  json["kind"] = kKinds.at(static_cast<size_t>(state.kind));
  json["container"] = state.container;
  json["bundle"] = state.bundle;
  json["restartable"] = state.restartable;
  json["boot"] = state.boot_id;
  json["source"] = {{"device", state.source_device}, {"inode", state.source_inode}};
  json["scratch"] = state.scratch;
  if (!state.origin.path.empty()) json["origin"] = origin_to_json(state.origin);
  if (state.way != Way::kOverlay) {
    json["way"] = {{"name", name(state.way)}, {"reason", state.way_reason}};
  }
  json["members"] = nlohmann::ordered_json::array();
  for (const Member& member : state.members) json["members"].push_back(to_json(member));
  if (state.kind != Kind::kContainer) {
    json["mount"] = state.mount_source;
    json["pod-bundle"] = state.pod_bundle;
  }
  // Names of bundles are bytes; what isn't UTF-8 is only ever compared, so replacing is enough.
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::optional<SessionState> parse_session_state(const std::string& text) {
  const auto document = parse_document(last_whole(text));
  if (!document) return std::nullopt;
  const nlohmann::json& json = *document;
  try {
    const int version = json.at("version");
    if (version != 1 && version != kVersion) return std::nullopt;
    SessionState state;
    state.container = json.at("container");
    state.bundle = json.at("bundle");
    state.restartable = json.at("restartable");
    state.boot_id = json.at("boot");
    state.source_device = json.at("source").at("device");
    state.source_inode = json.at("source").at("inode");
    state.scratch = json.at("scratch");
    if (json.contains("origin")) state.origin = origin_from_json(json.at("origin"));
    if (json.contains("way")) read_way(json.at("way"), state);
    for (const auto& entry : json.at("members")) state.members.push_back(to_member(entry));
    if (version != 1) read_shared(json, state);
    return state;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

bool is_alive(const sys::Proc& proc, const SessionState& state, const Member& member) {
  if (state.boot_id != proc.boot_id()) return false;
  if (member.pid_namespace != 0) {
    const uint64_t ours = proc.pid_namespace();
    if (ours != 0 && ours != member.pid_namespace) return true;
  }
  return proc.start_time(member.pid) == member.start_time;
}

bool drop_dead_members(const sys::Proc& proc, SessionState& state) {
  return std::erase_if(state.members,
                       [&](const Member& member) { return !is_alive(proc, state, member); }) > 0;
}

sys::MountTag workspace_tag(const SessionState& state) {
  return {state.way == Way::kFuse ? sys::kFuseType : "overlay", state.mount_source};
}

bool is_still_mounted(const sys::Proc& proc, const SessionState& state) {
  return !state.mount_source.empty() && !is_copied(state.way) && state.boot_id == proc.boot_id() &&
         sys::find_mount_holder(proc, workspace_tag(state)).has_value();
}

bool has_living_member(const sys::Proc& proc, const SessionState& state) {
  for (const Member& member : state.members) {
    if (is_alive(proc, state, member)) return true;
  }
  return false;
}

}  // namespace hookcore::session

#include <nlohmann/json.hpp>

#include "libhookcore/base/utf8.h"
#include "libhookcore/session/store.h"

namespace hookcore::session {
namespace {

constexpr int kVersion = 1;

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
  return origin;
}

}  // namespace

std::string format_state(const SessionState& state) {
  nlohmann::ordered_json json;
  json["version"] = kVersion;
  json["container"] = state.container;
  json["bundle"] = state.bundle;
  json["restartable"] = state.restartable;
  json["boot"] = state.boot_id;
  json["source"] = {{"device", state.source_device}, {"inode", state.source_inode}};
  json["scratch"] = state.scratch;
  if (!state.origin.path.empty()) json["origin"] = origin_to_json(state.origin);
  json["members"] = nlohmann::ordered_json::array();
  for (const Member& member : state.members) {
    json["members"].push_back(
        {{"pid", member.pid}, {"start", member.start_time}, {"mounted", member.mounted}});
  }
  // Names of bundles are bytes; what isn't UTF-8 is only ever compared, so replacing is enough.
  return json.dump(1, ' ', false, nlohmann::ordered_json::error_handler_t::replace) + "\n";
}

std::optional<SessionState> parse_session_state(const std::string& text) {
  const auto json = nlohmann::json::parse(text, nullptr, false);
  if (!json.is_object()) return std::nullopt;
  try {
    if (json.at("version") != kVersion) return std::nullopt;
    SessionState state;
    state.container = json.at("container");
    state.bundle = json.at("bundle");
    state.restartable = json.at("restartable");
    state.boot_id = json.at("boot");
    state.source_device = json.at("source").at("device");
    state.source_inode = json.at("source").at("inode");
    state.scratch = json.at("scratch");
    if (json.contains("origin")) state.origin = origin_from_json(json.at("origin"));
    for (const auto& entry : json.at("members")) {
      state.members.push_back({entry.at("pid"), entry.at("start"), entry.at("mounted")});
    }
    return state;
  } catch (const nlohmann::json::exception&) {
    return std::nullopt;
  }
}

bool is_alive(const sys::Proc& proc, const SessionState& state, const Member& member) {
  return state.boot_id == proc.boot_id() && proc.start_time(member.pid) == member.start_time;
}

bool has_living_member(const sys::Proc& proc, const SessionState& state) {
  for (const Member& member : state.members) {
    if (is_alive(proc, state, member)) return true;
  }
  return false;
}

}  // namespace hookcore::session

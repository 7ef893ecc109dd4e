#include <nlohmann/json.hpp>

#include "libhookcore/session/store.h"

namespace hookcore::session {
namespace {

constexpr int kVersion = 1;

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

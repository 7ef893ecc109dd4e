#include "libhookcore/session/state.h"

#include <fcntl.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>

#include "libhookcore/session/document.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/state_writer.h"
#include "libhookcore/sys/file.h"

namespace hookcore::session {
namespace {

constexpr int kVersion = 2;
constexpr size_t kMaxFile = 1 << 20;
/// In the order of Kind.
constexpr std::array<std::string_view, 3> kKinds{"container", "named", "pod"};

void write(StateWriter& writer, const Member& member) {
  writer.element([&] {
    writer.number("pid", member.pid);
    writer.number("start", member.start_time);
    writer.boolean("mounted", member.mounted);
    if (!member.container.empty()) writer.string("container", member.container);
    if (member.pid_namespace != 0) writer.number("pidns", member.pid_namespace);
  });
}

void write_origin(StateWriter& writer, const Origin& origin) {
  writer.object("origin", [&] {
    writer.path("path", origin.path);
    writer.numbers("since", std::array{origin.seconds, origin.nanoseconds});
    writer.path("asked-rules", origin.asked_rules);
    writer.path("rules", origin.rules);
    writer.boolean("user-xattr", origin.user_xattr);
    writer.numbers("uid-swap", origin.uid_swap);
    writer.numbers("gid-swap", origin.gid_swap);
    writer.array("uids", origin.uids, [&](const auto& range) { writer.numbers(range); });
    writer.array("gids", origin.gids, [&](const auto& range) { writer.numbers(range); });
  });
}

Member to_member(const nlohmann::json& json) {
  Member member{json.at("pid"), json.at("start"), json.at("mounted")};
  member.container = json.value("container", std::string());
  member.pid_namespace = json.value("pidns", uint64_t{0});
  return member;
}

void read_shared(const nlohmann::json& json, SessionState& state) {
  const std::string kind = json.at("kind");
  const auto found = parse_kind(kind);
  // Of a later version: better none than one that is taken for another.
  if (!found) throw nlohmann::json::out_of_range::create(403, "kind", &json);
  state.kind = *found;
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

std::string path_from_json(const nlohmann::json& json) {
  if (json.is_string()) return json;
  const std::vector<uint8_t> bytes = json;
  return {bytes.begin(), bytes.end()};
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

std::string_view name(Kind kind) { return kKinds.at(static_cast<size_t>(kind)); }

std::optional<Kind> parse_kind(std::string_view text) {
  const auto* const found = std::find(kKinds.begin(), kKinds.end(), text);
  if (found == kKinds.end()) return std::nullopt;
  return static_cast<Kind>(found - kKinds.begin());
}

std::optional<SessionState> read_state(int session_fd) {
  const auto file =
      sys::try_open_at(session_fd, kStateFile, O_RDONLY | O_NOFOLLOW, sys::Resolve::kStrict);
  if (!file) return std::nullopt;
  const std::string text = sys::read_all(file->get(), kMaxFile, kStateFile);
  // Laid in for the first one.
  if (text.empty()) return std::nullopt;
  return parse_session_state(text);
}

std::string format_state(const SessionState& state) {
  StateWriter writer;
  writer.number("version", kVersion);
  writer.string("kind", name(state.kind));
  writer.string("container", state.container);
  writer.string("bundle", state.bundle);
  writer.boolean("restartable", state.restartable);
  writer.string("boot", state.boot_id);
  writer.object("source", [&] {
    writer.number("device", state.source_device);
    writer.number("inode", state.source_inode);
  });
  writer.string("scratch", state.scratch);
  if (!state.origin.path.empty()) write_origin(writer, state.origin);
  if (state.way != Way::kOverlay) {
    writer.object("way", [&] {
      writer.string("name", name(state.way));
      writer.string("reason", state.way_reason);
    });
  }
  writer.array("members", state.members, [&](const Member& member) { write(writer, member); });
  if (state.kind != Kind::kContainer) {
    writer.string("mount", state.mount_source);
    writer.string("pod-bundle", state.pod_bundle);
  }
  return writer.finish();
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

}  // namespace hookcore::session

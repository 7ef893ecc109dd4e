#include "libhookcore/oci/state.h"

#include <limits>

#include "libhookcore/oci/json.h"

namespace hookcore::oci {

namespace {

[[noreturn]] void refuse(const std::string& what) {
  throw Error(Code::kState, what, "state on stdin", "hooks are started by an OCI runtime");
}

}  // namespace

State parse_state(std::string_view json) {
  if (json.size() > kMaxStateSize) {
    refuse("the document is larger than " + std::to_string(kMaxStateSize >> 20) + " MiB");
  }
  JsonReader reader(json, Code::kState, "state on stdin");
  if (reader.peek() != JsonKind::kObject) reader.fail("the document isn't a JSON object");
  State state;
  reader.object("", Field{"ociVersion", [&] { state.oci_version = reader.string("ociVersion"); }},
                Field{"id", [&] { state.id = reader.string("id"); }},
                Field{"status", [&] { state.status = reader.string("status"); }},
                Field{"pid",
                      [&] {
                        state.pid = static_cast<pid_t>(
                            reader.integer("pid", 0, std::numeric_limits<pid_t>::max()));
                      }},
                Field{"bundle", [&] { state.bundle = reader.string("bundle"); }},
                Field{"root", [&] { state.root = reader.string("root"); }},
                Field{"annotations", [&] { state.annotations = read_annotations(reader); }});
  reader.finish();

  if (state.id.empty()) refuse("there is no container id");
  // Runtimes allow no such id; here it becomes a file name.
  if (state.id.find('/') != state.id.npos || state.id == "." || state.id == "..") {
    refuse("the container id " + quote(state.id) + " can't be a file name");
  }
  if (state.status.empty()) refuse("there is no status");
  if (!state.bundle.starts_with('/')) {
    refuse("bundle is " + quote(state.bundle) + ", not an absolute path");
  }
  return state;
}

}  // namespace hookcore::oci

#include "libhookcore/node/containerd_config.h"

#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"

namespace hookcore::node {
namespace {

constexpr std::string_view kBegin =
    "# BEGIN oci-cnb-hooks: `oci-cnb node install` wrote this, `oci-cnb node uninstall` removes "
    "it\n";
constexpr std::string_view kEnd = "# END oci-cnb-hooks\n";
constexpr const char* kFile = "config.toml of containerd";
constexpr const char* kNri = "io.containerd.nri.v1.nri";

[[noreturn]] void refuse(const std::string& what, const std::string& remedy) {
  throw Error(Code::kSettings, what, kFile, remedy);
}

toml::table parse(std::string_view text) {
  try {
    return parse_toml(text);
  } catch (const TomlError& error) {
    throw Error(Code::kSettings, error.what, kFile + (":" + std::to_string(error.line)),
                "containerd can't read it either: mend the line");
  }
}

int64_t version_of(const toml::table& config) {
  const int64_t version = config["version"].value_or(int64_t{1});
  if (version < 2) {
    refuse("the file has version " + std::to_string(version) + ", not 2 or 3",
           "`containerd config migrate` prints it in a newer one");
  }
  return version;
}

/// JSON strings are basic strings of TOML.
std::string toml_string(std::string_view text) { return nlohmann::json(text).dump(); }

std::string cri_plugin(int64_t version) {
  return version >= 3 ? "io.containerd.cri.v1.runtime" : "io.containerd.grpc.v1.cri";
}

/// A runtime's options as lines. Those in use (BinaryName, SystemdCgroup, Root) are scalars.
std::string option_lines(const toml::table* options) {
  std::string lines;
  if (options == nullptr) return lines;
  for (const auto& [key, value] : *options) {
    std::string written;
    if (const auto* text = value.as_string()) written = toml_string(text->get());
    if (const auto* flag = value.as_boolean()) written = flag->get() ? "true" : "false";
    if (const auto* number = value.as_integer()) written = std::to_string(number->get());
    if (written.empty()) {
      refuse("option " + quote(key.str()) + " of the handler can't be carried over",
             "name another one with --based-on");
    }
    lines += std::string(key.str()) + " = " + written + "\n";
  }
  return lines;
}

struct Section {
  std::string prefix;  ///< `[PREFIX.NAME]` is a runtime
  const toml::table* runtimes = nullptr;
  std::string default_runtime;
};

Section cri_section(const toml::table& config, int64_t version) {
  const std::string plugin = cri_plugin(version);
  const auto containerd = config["plugins"][plugin]["containerd"];
  return {"plugins." + toml_string(plugin) + ".containerd.runtimes",
          containerd["runtimes"].as_table(),
          containerd["default_runtime_name"].value_or(std::string("runc"))};
}

std::string block(const toml::table& config, const Handler& handler) {
  const int64_t version = version_of(config);
  const Section cri = cri_section(config, version);
  const std::string based_on = handler.based_on.empty() ? cri.default_runtime : handler.based_on;
  const toml::table* base = nullptr;
  if (cri.runtimes != nullptr) {
    if (cri.runtimes->contains(handler.name)) {
      refuse("there is a runtime handler " + quote(handler.name) + " that isn't ours",
             "choose another name with --handler");
    }
    base = (*cri.runtimes)[based_on].as_table();
  }
  if (base == nullptr && based_on != "runc") {
    refuse("no runtime handler " + quote(based_on), "name one that is there with --based-on");
  }
  std::string text;
  // One table of runtimes replaces the default ones: runc would be gone.
  if (base == nullptr) {
    text += "[" + cri.prefix + ".runc]\nruntime_type = \"io.containerd.runc.v2\"\n";
  }
  text += "[" + cri.prefix + "." + toml_string(handler.name) + "]\nruntime_type = ";
  text += toml_string(base == nullptr
                          ? "io.containerd.runc.v2"
                          : (*base)["runtime_type"].value_or(std::string("io.containerd.runc.v2")));
  text += "\nbase_runtime_spec = " + toml_string(handler.base_spec) + "\n";
  if (handler.door == Door::kSpec) {
    // "*" ends at a slash.
    for (const char* scope : {"pod", "container"}) {
      text += std::string(scope) + R"(_annotations = ["io.cnb.hooks.*", "io.cnb.hooks.*/*"])"
                                   "\n";
    }
  }
  text += "[" + cri.prefix + "." + toml_string(handler.name) + ".options]\n";
  text += option_lines(base == nullptr ? nullptr : (*base)["options"].as_table());
  // Off by default in 1.7, which reads version 2; 2.x has it on.
  if (handler.door == Door::kNri && version == 2 && !config["plugins"][kNri]) {
    text += "[plugins." + toml_string(kNri) + "]\ndisable = false\n";
  }
  return text;
}

}  // namespace

std::string without_handler(std::string_view text) {
  const size_t begin = text.find(kBegin);
  if (begin == std::string_view::npos) return std::string(text);
  const size_t end = text.find(kEnd, begin);
  if (end == std::string_view::npos) {
    refuse("the block of oci-cnb-hooks has lost its end", "remove it by hand");
  }
  return std::string(text.substr(0, begin)) + std::string(text.substr(end + kEnd.size()));
}

std::string with_handler(std::string_view text, const Handler& handler) {
  std::string kept = without_handler(text);
  const bool is_new = kept.empty();
  if (!is_new && kept.back() != '\n') kept += '\n';
  // Inside of the block, so that what is left without it is what was there before.
  const std::string head = is_new ? "version = 2\n" : "";
  std::string result = kept;
  result.append(kBegin).append(head).append(block(parse(kept + head), handler)).append(kEnd);
  try {
    static_cast<void>(parse_toml(result));
  } catch (const TomlError& error) {
    refuse("a runtime handler can't be added: " + error.what,
           "write `plugins` as tables, [plugins.\"NAME\"], not inline");
  }
  return result;
}

}  // namespace hookcore::node

#include "libhookcore/node/containerd_config.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"

namespace hookcore::node {
namespace {

constexpr std::string_view kBegin =
    "# BEGIN oci-cnb-hooks: `oci-cnb node install` wrote this, `oci-cnb node uninstall` removes "
    "it\n";
/// Behind a last line that has no end: the line break before it goes with the block.
constexpr std::string_view kBeginUnended =
    "\n# BEGIN oci-cnb-hooks, and the line break above: `oci-cnb node install` wrote this, "
    "`oci-cnb node uninstall` removes it\n";
constexpr std::string_view kEnd = "# END oci-cnb-hooks\n";
constexpr const char* kNri = "io.containerd.nri.v1.nri";
constexpr const char* kCriOf2 = "io.containerd.grpc.v1.cri";
constexpr const char* kCriOf3 = "io.containerd.cri.v1.runtime";

[[noreturn]] void refuse(const ConfigFile& file, const std::string& what,
                         const std::string& remedy) {
  throw Error(Code::kSettings, what, file.path, remedy);
}

toml::table parse(const ConfigFile& file) {
  try {
    return parse_toml(file.text);
  } catch (const TomlError& error) {
    throw Error(Code::kSettings, error.what, file.path + ":" + std::to_string(error.line),
                "containerd can't read it either: mend the line");
  }
}

/// JSON strings are basic strings of TOML.
std::string toml_string(std::string_view text) { return nlohmann::json(text).dump(); }

std::string cri_plugin(int64_t version) { return version >= 3 ? kCriOf3 : kCriOf2; }

std::vector<std::string> strings(const toml::array* list) {
  std::vector<std::string> found;
  if (list == nullptr) return found;
  for (const auto& entry : *list) {
    if (const auto* text = entry.as_string()) found.push_back(text->get());
  }
  return found;
}

void merge(toml::table& into, const toml::table& from) {
  for (const auto& [key, value] : from) {
    toml::table* present = into.get_as<toml::table>(key.str());
    if (present != nullptr && value.is_table()) {
      merge(*present, *value.as_table());
    } else {
      value.visit([&, name = key.str()](const auto& node) { into.insert_or_assign(name, node); });
    }
  }
}

/// As containerd sees them: the tables of all plugins, and the file whose table of the CRI counts.
struct Effective {
  toml::table plugins;
  size_t cri_file = 0;
};

// A file of version 2 among those of version 3 is brought to 3 by containerd itself.
void migrate(toml::table& plugins) {
  if (const auto* old = plugins.get_as<toml::table>(kCriOf2)) {
    toml::table copy = *old;
    plugins.erase(kCriOf2);
    merge(plugins, toml::table{{kCriOf3, std::move(copy)}});
  }
}

Effective effective(const Configuration& configuration, int64_t version) {
  Effective all;
  for (size_t i = 0; i < configuration.files.size(); ++i) {
    toml::table file = parse(configuration.files[i]);
    auto* plugins = file.get_as<toml::table>("plugins");
    if (plugins == nullptr) continue;
    if (version >= 3) {
      migrate(*plugins);
      merge(all.plugins, *plugins);
      continue;
    }
    if (plugins->contains(kCriOf2) || plugins->contains("cri")) all.cri_file = i;
    for (const auto& [key, value] : *plugins) {
      value.visit(
          [&, name = key.str()](const auto& node) { all.plugins.insert_or_assign(name, node); });
    }
  }
  return all;
}

/// A runtime's options as lines. Those in use (BinaryName, SystemdCgroup, Root) are scalars.
std::string option_lines(const toml::table* options, const ConfigFile& file) {
  std::string lines;
  if (options == nullptr) return lines;
  for (const auto& [key, value] : *options) {
    std::string written;
    if (const auto* text = value.as_string()) written = toml_string(text->get());
    if (const auto* flag = value.as_boolean()) written = flag->get() ? "true" : "false";
    if (const auto* number = value.as_integer()) written = std::to_string(number->get());
    if (written.empty()) {
      refuse(file, "option " + quote(key.str()) + " of the handler can't be carried over",
             "name another one with --based-on");
    }
    lines += toml_string(key.str()) + " = " + written + "\n";
  }
  return lines;
}

/// The handler that ours stands on; nullptr: containerd's built-in runc.
const toml::table* base_handler(const toml::table* runtimes, const std::string& based_on,
                                const Handler& handler, const ConfigFile& file) {
  const toml::table* base = nullptr;
  if (runtimes != nullptr) {
    if (runtimes->contains(handler.name)) {
      refuse(file, "there is a runtime handler " + quote(handler.name) + " that isn't ours",
             "choose another name with --handler");
    }
    base = (*runtimes)[based_on].as_table();
  }
  if (base == nullptr && based_on != "runc") {
    refuse(file, "no runtime handler " + quote(based_on), "name one that is there with --based-on");
  }
  return base;
}

std::string tables(const toml::table& plugins, int64_t version, const Handler& handler,
                   const ConfigFile& file) {
  const std::string plugin = cri_plugin(version);
  const auto containerd = plugins[plugin]["containerd"];
  const std::string prefix = "plugins." + toml_string(plugin) + ".containerd.runtimes";
  const std::string based_on =
      handler.based_on.empty() ? containerd["default_runtime_name"].value_or(std::string("runc"))
                               : handler.based_on;
  const toml::table* base =
      base_handler(containerd["runtimes"].as_table(), based_on, handler, file);
  const std::string runc = "io.containerd.runc.v2";
  std::string text;
  // One table of runtimes replaces the default ones: runc would be gone.
  if (base == nullptr) text += "[" + prefix + ".runc]\nruntime_type = " + toml_string(runc) + "\n";
  text += "[" + prefix + "." + toml_string(handler.name) + "]\nruntime_type = ";
  text += toml_string(base == nullptr ? runc : (*base)["runtime_type"].value_or(runc));
  text += "\nbase_runtime_spec = " + toml_string(handler.base_spec) + "\n";
  if (handler.door == Door::kSpec) {
    // "*" ends at a slash.
    for (const char* scope : {"pod", "container"}) {
      text += std::string(scope) + R"(_annotations = ["io.cnb.hooks.*", "io.cnb.hooks.*/*"])"
                                   "\n";
    }
  }
  text += "[" + prefix + "." + toml_string(handler.name) + ".options]\n";
  text += option_lines(base == nullptr ? nullptr : (*base)["options"].as_table(), file);
  // Off by default in 1.7, which reads version 2; 2.x has it on.
  if (handler.door == Door::kNri && version == 2 && !plugins.contains(kNri)) {
    text += "[plugins." + toml_string(kNri) + "]\ndisable = false\n";
  }
  return text;
}

}  // namespace

int64_t version_of(const ConfigFile& file) {
  if (file.text.empty()) return 2;
  const int64_t version = parse(file)["version"].value_or(int64_t{1});
  if (version < 2) {
    refuse(file, "the file has version " + std::to_string(version) + ", not 2 or later",
           "`containerd config migrate` prints it in a newer one");
  }
  return version;
}

FoundConfiguration find_handlers(const std::vector<ConfigFile>& files) {
  const int64_t version = version_of(files.front());
  const toml::table plugins = effective({files, {}}, version).plugins;
  FoundConfiguration found;
  found.nri_disabled = plugins[kNri]["disable"].value<bool>();
  found.nri_socket = plugins[kNri]["socket_path"].value_or(std::string());
  const auto* runtimes = plugins[cri_plugin(version)]["containerd"]["runtimes"].as_table();
  if (runtimes == nullptr) return found;
  for (const auto& [name, node] : *runtimes) {
    const auto* table = node.as_table();
    if (table == nullptr) continue;
    const toml::table& handler = *table;
    found.handlers.push_back({std::string(name.str()),
                              handler["base_runtime_spec"].value_or(std::string()),
                              handler["options"]["BinaryName"].value_or(std::string()),
                              strings(handler["pod_annotations"].as_array()),
                              strings(handler["container_annotations"].as_array())});
  }
  return found;
}

std::vector<std::string> imports_of(const ConfigFile& file) {
  const toml::table config = parse(file);
  return strings(config["imports"].as_array());
}

bool is_drop_in(std::string_view text) { return text.starts_with(kDropInHeader); }

std::string without_handler(std::string_view text, const std::string& path) {
  const size_t begin = std::min(text.find(kBegin), text.find(kBeginUnended));
  if (begin == std::string_view::npos) return std::string(text);
  const size_t end = text.find(kEnd, begin);
  if (end == std::string_view::npos) {
    refuse({path, {}}, "the block of oci-cnb-hooks has lost its end", "remove it by hand");
  }
  return std::string(text.substr(0, begin)) + std::string(text.substr(end + kEnd.size()));
}

ConfigFile with_handler(const Configuration& configuration, const Handler& handler) {
  const int64_t version = version_of(configuration.files.front());
  const Effective all = effective(configuration, version);
  const ConfigFile& file = configuration.files.at(all.cri_file);
  const std::string added = tables(all.plugins, version, handler, file);
  if (!configuration.drop_in.empty()) {
    // One of a later version than config.toml's is refused by containerd.
    return {configuration.drop_in,
            std::string(kDropInHeader) + "version = " + std::to_string(version) + "\n" + added};
  }
  static_cast<void>(version_of(file));  // tables of another version would stand beside ours
  const bool unended = !file.text.empty() && file.text.back() != '\n';
  ConfigFile result = file;
  result.text.append(unended ? kBeginUnended : kBegin);
  // Inside of the block, so that what is left without it is what was there before.
  if (file.text.empty()) result.text += "version = 2\n";
  result.text.append(added).append(kEnd);
  try {
    static_cast<void>(parse_toml(result.text));
  } catch (const TomlError& error) {
    refuse(file, "a runtime handler can't be added: " + error.what,
           "write `plugins` as tables, [plugins.\"NAME\"], not inline");
  }
  return result;
}

}  // namespace hookcore::node

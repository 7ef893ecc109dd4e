#include "libhookcore/node/crio_config.h"

#include <algorithm>
#include <cctype>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/base/toml.h"

namespace hookcore::node {
namespace {

constexpr const char* kMainFile = "/etc/crio/crio.conf";
constexpr const char* kDropIns = "/etc/crio/crio.conf.d";
constexpr const char* kSharedHooks = "/usr/share/containers/oci/hooks.d";  // CRI-O's default

/// JSON strings, and arrays of them, are TOML's too.
std::string toml_string(std::string_view text) { return nlohmann::json(text).dump(); }

std::string toml_key(std::string_view key) {
  const bool bare = !key.empty() && std::all_of(key.begin(), key.end(), [](unsigned char c) {
    return std::isalnum(c) != 0 || c == '_' || c == '-';
  });
  return bare ? std::string(key) : toml_string(key);
}

/// As Go's filepath.Walk. Whatever a file is called, CRI-O reads it.
void add_files(const Host& host, const std::string& directory, std::vector<std::string>& paths) {
  for (const std::string& name : host.list(directory)) {
    const std::string path = std::string(directory).append("/").append(name);
    host.is_directory(path) ? add_files(host, path, paths) : paths.push_back(path);
  }
}

toml::table parse(const std::string& path, const std::string& text) {
  try {
    return parse_toml(text);
  } catch (const TomlError& error) {
    throw Error(Code::kSettings, error.what, path + ":" + std::to_string(error.line),
                "CRI-O can't read it either: mend the line");
  }
}

/// A value of a handler's table as it is written; empty: none of those that handlers have.
std::string written(const toml::node& value) {
  if (const auto* text = value.as_string()) return toml_string(text->get());
  if (const auto* flag = value.as_boolean()) return flag->get() ? "true" : "false";
  if (const auto* number = value.as_integer()) return std::to_string(number->get());
  std::string list;
  if (const auto* array = value.as_array()) {
    for (const auto& one : *array) {
      const std::string text = written(one);
      if (text.empty()) return {};
      list += (list.empty() ? "" : ", ") + text;
    }
    return "[" + list + "]";
  }
  if (const auto* table = value.as_table()) {
    for (const auto& [key, one] : *table) {
      const std::string text = written(one);
      if (text.empty()) return {};
      list += (list.empty() ? "" : ", ") + toml_key(key.str()) + " = " + text;
    }
    return "{" + list + "}";
  }
  return {};
}

CrioRuntime runtime_of(const toml::table& table, const std::string& path) {
  CrioRuntime runtime;
  runtime.file = path;
  for (const auto& [key, value] : table) {
    if (key.str() == "runtime_path") {
      runtime.path = value.value_or(std::string());
      continue;
    }
    const std::string text = written(value);
    if (text.empty()) {
      runtime.strange = key.str();
    } else {
      runtime.settings += toml_key(key.str()) + " = " + text + "\n";
    }
  }
  return runtime;
}

void take(const toml::table& file, const std::string& path, CrioConfiguration& configuration) {
  const auto runtime = file["crio"]["runtime"];
  if (const auto* list = runtime["hooks_dir"].as_array()) {
    configuration.hooks_directories.emplace();
    configuration.hooks_file = path;
    for (const auto& entry : *list) {
      configuration.hooks_directories->push_back(entry.value_or(std::string()));
    }
  }
  if (const auto name = runtime["default_runtime"].value<std::string>()) {
    configuration.default_runtime = *name;
  }
  if (const auto* runtimes = runtime["runtimes"].as_table()) {
    for (const auto& [name, table] : *runtimes) {
      if (!table.is_table()) continue;
      configuration.runtimes[std::string(name.str())] = runtime_of(*table.as_table(), path);
    }
  }
  const auto nri = file["crio"]["nri"];
  if (const auto enabled = nri["enable_nri"].value<bool>()) configuration.nri_enabled = *enabled;
  if (const auto socket = nri["nri_listen"].value<std::string>()) {
    configuration.nri_socket = *socket;
  }
}

/// The program of a handler that names none: CRI-O looks for it under the handler's own name.
std::string find_program(const Host& host, const std::string& name) {
  for (const char* directory : {"/usr/libexec/crio/", "/usr/bin/", "/usr/sbin/"}) {
    if (host.exists(directory + name)) return directory + name;
  }
  return {};
}

/// The name of the handler that ours, which may be the default one itself, stands on.
std::string base_of(const Host& host, const CrioConfiguration& others, const std::string& handler,
                    const std::string& based_on) {
  if (!based_on.empty()) return based_on;
  const bool is_ours = others.default_runtime == handler;
  if (!others.default_runtime.empty() && !is_ours) return others.default_runtime;
  // CRI-O's own default is crun, and was runc before 1.31.
  const bool runc = others.runtimes.count("crun") == 0 && find_program(host, "crun").empty();
  return runc ? "runc" : "crun";
}

}  // namespace

CrioConfiguration read_crio(const Host& host, bool ours) {
  std::vector<std::string> paths{kMainFile};
  add_files(host, kDropIns, paths);
  CrioConfiguration configuration;
  for (const std::string& path : paths) {
    if (!ours && path == kCrioConfig) continue;
    toml::table file = parse(path, host.read(path).value_or(""));
    if (path > kCrioConfig && file["crio"]["runtime"]["hooks_dir"].is_array()) {
      configuration.later_hooks_file = path;
      if (!ours) file["crio"]["runtime"].as_table()->erase("hooks_dir");
    }
    take(file, path, configuration);
  }
  return configuration;
}

std::string crio_drop_in(const Host& host, const CrioConfiguration& others,
                         const std::string& handler, const std::string& based_on) {
  if (others.runtimes.count(handler) != 0) {
    throw Error(Code::kSettings,
                "there is a runtime handler " + quote(handler) + " that isn't ours", "/etc/crio",
                "choose another name with `oci-cnb node install --handler`");
  }
  const std::string base = base_of(host, others, handler, based_on);
  const auto found = others.runtimes.find(base);
  CrioRuntime runtime = found == others.runtimes.end() ? CrioRuntime{} : found->second;
  if (!runtime.strange.empty()) {
    throw Error(Code::kSettings,
                "setting " + quote(runtime.strange) + " of the runtime handler " + quote(base) +
                    " can't be carried over",
                runtime.file, "name another one with `oci-cnb node install --based-on`");
  }
  if (runtime.path.empty()) runtime.path = find_program(host, base);
  if (runtime.path.empty()) {
    throw Error(Code::kSettings, "no runtime " + quote(base), "the node's /usr",
                "install crun or runc; another handler: `oci-cnb node install --based-on`");
  }
  std::vector<std::string> directories =
      others.hooks_directories.value_or(std::vector<std::string>{kSharedHooks});
  if (std::find(directories.begin(), directories.end(), kCrioHooks) == directories.end()) {
    directories.emplace_back(kCrioHooks);
  }
  std::string text = "[crio.runtime]\nhooks_dir = [\n";
  for (const std::string& directory : directories) text += "  " + toml_string(directory) + ",\n";
  text += "]\n[crio.runtime.runtimes." + toml_string(handler) +
          "]\nruntime_path = " + toml_string(runtime.path) + "\n";
  if (found == others.runtimes.end()) text += "runtime_type = \"oci\"\n";
  return text + runtime.settings;
}

}  // namespace hookcore::node

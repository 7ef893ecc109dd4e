#include "libhookcore/oci/config.h"

#include <algorithm>
#include <limits>

#include "libhookcore/oci/json.h"

namespace hookcore::oci {

namespace {

constexpr int64_t kMaxId = std::numeric_limits<uint32_t>::max();

void check_size(std::string_view json, std::string_view where) {
  if (json.size() <= kMaxConfigSize) return;
  throw Error(Code::kConfig,
              "the document is larger than " + std::to_string(kMaxConfigSize >> 20) + " MiB",
              std::string(where));
}

/// Reads one document into a view; each function is one object of the specification.
class ConfigReader {
 public:
  ConfigReader(std::string_view json, std::string_view where) : json_(json, Code::kConfig, where) {}

  ConfigView read() {
    if (json_.peek() != JsonKind::kObject) json_.fail("the document isn't a JSON object");
    json_.object("", Field{"ociVersion", [&] { view_.oci_version = json_.string("ociVersion"); }},
                 Field{"process", [&] { process(); }}, Field{"root", [&] { root(); }},
                 Field{"mounts", [&] { mounts(); }}, Field{"linux", [&] { linux_part(); }},
                 Field{"hooks", [&] { hooks(); }},
                 Field{"annotations", [&] { view_.annotations = read_annotations(json_); }});
    json_.finish();
    return std::move(view_);
  }

  ConfigView read_process() {
    if (json_.peek() != JsonKind::kObject) json_.fail("the document isn't a JSON object");
    process();
    json_.finish();
    return std::move(view_);
  }

 private:
  std::vector<std::string> strings(std::string_view name) {
    std::vector<std::string> values;
    json_.array(name, [&] { values.push_back(json_.string(name)); });
    return values;
  }

  uint32_t id(std::string_view name) {
    return static_cast<uint32_t>(json_.integer(name, 0, kMaxId));
  }

  void process() {
    view_.has_process = json_.peek() != JsonKind::kNull;
    json_.object(
        "process", Field{"terminal", [&] { view_.terminal = json_.boolean("process.terminal"); }},
        Field{"user", [&] { user(); }},
        Field{"args", [&] { view_.args = strings("process.args"); }},
        Field{"env", [&] { view_.env = strings("process.env"); }},
        Field{"cwd", [&] { view_.cwd = json_.string("process.cwd"); }},
        Field{"capabilities", [&] {
                json_.object("process.capabilities", Field{"effective", [&] {
                                                             view_.effective_capabilities = strings(
                                                                 "process.capabilities.effective");
                                                           }});
              }});
  }

  void user() {
    User& user = view_.user;
    json_.object("process.user", Field{"uid", [&] { user.uid = id("process.user.uid"); }},
                 Field{"gid", [&] { user.gid = id("process.user.gid"); }},
                 Field{"additionalGids", [&] {
                         json_.array("process.user.additionalGids", [&] {
                           user.additional_gids.push_back(id("process.user.additionalGids"));
                         });
                       }});
  }

  void root() {
    json_.object("root", Field{"path", [&] { view_.root_path = json_.string("root.path"); }},
                 Field{"readonly", [&] { view_.root_readonly = json_.boolean("root.readonly"); }});
  }

  void mounts() {
    json_.array("mounts", [&] {
      Mount mount;
      json_.object(
          "mounts[]",
          Field{"destination", [&] { mount.destination = json_.string("mounts[].destination"); }},
          Field{"type", [&] { mount.type = json_.string("mounts[].type"); }},
          Field{"source", [&] { mount.source = json_.string("mounts[].source"); }},
          Field{"options", [&] { mount.options = strings("mounts[].options"); }});
      mount.normalised_destination = normalise_path(mount.destination);
      view_.mounts.push_back(std::move(mount));
    });
  }

  void linux_part() {
    json_.object(
        "linux", Field{"namespaces", [&] { namespaces(); }},
        Field{"uidMappings", [&] { mappings(view_.uid_mappings, "linux.uidMappings"); }},
        Field{"gidMappings", [&] { mappings(view_.gid_mappings, "linux.gidMappings"); }},
        Field{"rootfsPropagation",
              [&] { view_.rootfs_propagation = json_.string("linux.rootfsPropagation"); }},
        Field{"maskedPaths", [&] { view_.masked_paths = strings("linux.maskedPaths"); }},
        Field{"readonlyPaths", [&] { view_.readonly_paths = strings("linux.readonlyPaths"); }});
  }

  void namespaces() {
    json_.array("linux.namespaces", [&] {
      Namespace ns;
      json_.object("linux.namespaces[]",
                   Field{"type", [&] { ns.type = json_.string("linux.namespaces[].type"); }},
                   Field{"path", [&] { ns.path = json_.string("linux.namespaces[].path"); }});
      view_.namespaces.push_back(std::move(ns));
    });
  }

  void mappings(std::vector<IdMapping>& out, std::string_view name) {
    json_.array(name, [&] {
      IdMapping mapping;
      json_.object(name, Field{"containerID", [&] { mapping.container_id = id(name); }},
                   Field{"hostID", [&] { mapping.host_id = id(name); }},
                   Field{"size", [&] { mapping.size = id(name); }});
      out.push_back(mapping);
    });
  }

  void hooks() {
    Hooks& hooks = view_.hooks;
    json_.object(
        "hooks", Field{"prestart", [&] { stage(hooks.prestart, "hooks.prestart"); }},
        Field{"createRuntime", [&] { stage(hooks.create_runtime, "hooks.createRuntime"); }},
        Field{"createContainer", [&] { stage(hooks.create_container, "hooks.createContainer"); }},
        Field{"startContainer", [&] { stage(hooks.start_container, "hooks.startContainer"); }},
        Field{"poststart", [&] { stage(hooks.poststart, "hooks.poststart"); }},
        Field{"poststop", [&] { stage(hooks.poststop, "hooks.poststop"); }});
  }

  void stage(std::vector<Hook>& out, std::string_view name) {
    json_.array(name, [&] {
      Hook hook;
      json_.object(name, Field{"path", [&] { hook.path = json_.string(name); }},
                   Field{"args", [&] { hook.args = strings(name); }},
                   Field{"env", [&] { hook.env = strings(name); }},
                   Field{"timeout", [&] {
                           hook.timeout = json_.integer(name, std::numeric_limits<int64_t>::min(),
                                                        std::numeric_limits<int64_t>::max());
                         }});
      out.push_back(std::move(hook));
    });
  }

  JsonReader json_;
  ConfigView view_;
};

}  // namespace

bool Mount::has_option(std::string_view option) const {
  return std::find(options.begin(), options.end(), option) != options.end();
}

bool Mount::is_bind() const { return type == "bind" || has_option("bind") || has_option("rbind"); }

bool Mount::is_readonly() const {
  bool readonly = false;
  for (const std::string& option : options) {
    if (option == "ro" || option == "rro") readonly = true;
    if (option == "rw" || option == "rrw") readonly = false;
  }
  return readonly;
}

std::optional<uint32_t> map_to_host(const std::vector<IdMapping>& mappings, uint32_t id) {
  if (mappings.empty()) return id;
  for (const IdMapping& mapping : mappings) {
    if (id >= mapping.container_id && id - mapping.container_id < mapping.size) {
      return mapping.host_id + (id - mapping.container_id);
    }
  }
  return std::nullopt;
}

const Mount* ConfigView::mount_at(std::string_view destination) const {
  const auto found = std::find_if(mounts.rbegin(), mounts.rend(), [&](const Mount& mount) {
    return mount.normalised_destination == destination;
  });
  return found == mounts.rend() ? nullptr : &*found;
}

bool ConfigView::has_namespace(std::string_view type) const {
  return std::any_of(namespaces.begin(), namespaces.end(),
                     [&](const Namespace& ns) { return ns.type == type; });
}

std::optional<std::string_view> ConfigView::env_value(std::string_view name) const {
  for (const std::string_view entry : env) {
    if (entry.size() > name.size() && entry[name.size()] == '=' && entry.starts_with(name)) {
      return entry.substr(name.size() + 1);
    }
  }
  return std::nullopt;
}

ConfigView parse_config(std::string_view json, std::string_view where) {
  check_size(json, where);
  return ConfigReader(json, where).read();
}

ConfigView parse_process(std::string_view json, std::string_view where) {
  check_size(json, where);
  return ConfigReader(json, where).read_process();
}

Annotations parse_annotations(std::string_view json, std::string_view where) {
  check_size(json, where);
  JsonReader reader(json, Code::kConfig, where);
  if (reader.peek() != JsonKind::kObject) reader.fail("the document isn't a JSON object");
  Annotations annotations;
  reader.object("", Field{"annotations", [&] { annotations = read_annotations(reader); }});
  reader.finish();
  return annotations;
}

OptInFields parse_opt_in(std::string_view json, std::string_view where) {
  check_size(json, where);
  JsonReader reader(json, Code::kConfig, where);
  if (reader.peek() != JsonKind::kObject) reader.fail("the document isn't a JSON object");
  OptInFields fields;
  const auto env = [&] {
    reader.array("process.env", [&] { fields.env.push_back(reader.string("process.env")); });
  };
  reader.object("", Field{"annotations", [&] { fields.annotations = read_annotations(reader); }},
                Field{"process", [&] {
                        reader.object("process", Field{"env", env});
                      }});
  reader.finish();
  return fields;
}

}  // namespace hookcore::oci

#include "libhookcore/node/containerd_files.h"

#include <fnmatch.h>

#include <algorithm>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"

namespace hookcore::node {
namespace {

constexpr const char* kConfig = "/etc/containerd/config.toml";
constexpr const char* kDirectory = "/etc/containerd/conf.d";
constexpr const char* kDropInName = "50-oci-cnb-hooks.toml";
/// In our block, where it was put into a file that was there, and empty.
constexpr const char* kWasEmpty = "# and leaves the file, which was empty\n";

bool is_pattern(const std::string& path) { return path.find('*') != std::string::npos; }

/// As Go's filepath.Glob: sorted, "*" takes a leading dot as well.
std::vector<std::string> glob(const Host& host, const std::string& pattern) {
  std::vector<std::string> directories{parent_path(pattern)};
  if (is_pattern(directories.front())) directories = glob(host, directories.front());
  std::vector<std::string> found;
  for (const std::string& directory : directories) {
    for (const std::string& name : host.list(directory)) {
      if (::fnmatch(base_name(pattern).c_str(), name.c_str(), 0) == 0) {
        found.push_back(std::string(directory).append("/").append(name));
      }
    }
  }
  return found;
}

/// All files of the configuration, as they lie there.
class Reader {
 public:
  explicit Reader(const Host& host) : host_(host) {
    files_.push_back({kConfig, host.read(kConfig).value_or("")});
  }

  /// Follows `imports`, as containerd does: breadth first, each file once.
  void follow_imports() {
    const int64_t version = version_of({kConfig, files_.front().text});
    for (size_t i = 0; i < files_.size(); ++i) {
      const ConfigFile file = files_[i];
      if (is_drop_in(file.text)) continue;
      for (const std::string& path : imports_of(file)) follow(file, path, version);
    }
  }

  std::vector<ConfigFile>& files() { return files_; }
  const std::vector<std::string>& drop_in_directories() const { return drop_in_directories_; }
  const std::vector<std::string>& notes() const { return notes_; }

 private:
  void follow(const ConfigFile& file, const std::string& written, int64_t version) {
    std::string path = written;
    if (!path.starts_with('/')) {
      if (version < 3 && is_pattern(path)) {
        throw Error(Code::kSettings, "it imports " + quote(written), file.path,
                    "write it as an absolute path: containerd 1.x and 2.x look for it in different "
                    "places");
      }
      path = parent_path(file.path) + "/" + path;
    }
    path = normalise_path(path);
    if (!is_pattern(path)) return add(path, file.path);
    const std::string directory = parent_path(path);
    if (!is_pattern(directory)) {
      const bool takes_ours = ::fnmatch(base_name(path).c_str(), kDropInName, 0) == 0;
      if (takes_ours && version >= 3) drop_in_directories_.push_back(directory);
      if (!host_.exists(directory)) {
        notes_.push_back(file.path + " imports " + quote(written) +
                         ", which isn't there: what it may hold elsewhere isn't looked at");
      }
    }
    for (const std::string& match : glob(host_, path)) add(match, file.path);
  }

  void add(const std::string& path, const std::string& importer) {
    const auto same = [&](const ConfigFile& file) { return file.path == path; };
    if (std::any_of(files_.begin(), files_.end(), same)) return;
    auto text = host_.read(path);
    if (!text) {
      throw Error(Code::kSettings, "it imports " + quote(path) + ", which isn't there", importer,
                  "containerd can't start with it either; below --root, mount that file too");
    }
    files_.push_back({path, std::move(*text)});
  }

  const Host& host_;
  std::vector<ConfigFile> files_;
  std::vector<std::string> drop_in_directories_;
  std::vector<std::string> notes_;
};

bool is_ours(const ConfigFile& file) {
  return base_name(file.path) == kDropInName && is_drop_in(file.text);
}

bool was_empty(std::string_view text) {
  return text.empty() || text.find(kWasEmpty) != std::string_view::npos;
}

Edit without_ours(const Host& host, const ConfigFile& file) {
  if (!is_ours(file)) {
    std::string rest = without_handler(file.text, file.path);
    if (!rest.empty() || was_empty(file.text)) return {file.path, std::move(rest)};
  }
  return {file.path, std::nullopt, made_directories(host, file.path)};
}

/// Edits for the files that have something of ours.
std::vector<Edit> removal(const Host& host, const std::vector<ConfigFile>& files) {
  std::vector<Edit> edits;
  for (const ConfigFile& file : files) {
    Edit edit = without_ours(host, file);
    if (edit.bytes != file.text) edits.push_back(std::move(edit));
  }
  return edits;
}

/// One that isn't imported any more is ours still.
void add_forgotten_drop_in(const Host& host, std::vector<ConfigFile>& files) {
  const std::string path = std::string(kDirectory) + "/" + kDropInName;
  const auto same = [&](const ConfigFile& file) { return file.path == path; };
  if (std::any_of(files.begin(), files.end(), same)) return;
  if (auto text = host.read(path); text && is_drop_in(*text)) files.push_back({path, *text});
}

/// Where a new file of ours goes; empty: nowhere.
std::string drop_in_path(const Reader& reader) {
  if (reader.drop_in_directories().empty()) return {};
  return reader.drop_in_directories().front() + "/" + kDropInName;
}

/// Says in a file with nothing in it but ours what there was before.
void note_what_was_there(const Host& host, ConfigFile& file) {
  const auto present = host.read(file.path);
  const std::string marks = present && was_empty(*present) ? kWasEmpty : "";
  file.text.insert(file.text.find('\n') + 1, marks + made_lines(made_directories(host, file.path)));
}

}  // namespace

ContainerdPlan plan_containerd_handler(const Host& host, const Handler& handler) {
  Reader reader(host);
  reader.follow_imports();
  std::vector<ConfigFile> files = reader.files();
  Configuration configuration;
  configuration.drop_in = drop_in_path(reader);
  for (const ConfigFile& file : files) {
    if (is_ours(file)) continue;
    configuration.files.push_back({file.path, without_handler(file.text, file.path)});
  }
  ConfigFile placed = with_handler(configuration, handler);
  const bool is_drop_in_of_ours = placed.path == configuration.drop_in;
  if (is_drop_in_of_ours) require_ours(host, placed.path, kDropInHeader);
  if (is_drop_in_of_ours || without_handler(placed.text, placed.path).empty()) {
    note_what_was_there(host, placed);
  }
  add_forgotten_drop_in(host, files);
  ContainerdPlan plan;
  plan.notes = reader.notes();
  for (Edit& edit : removal(host, files)) {
    if (edit.path != placed.path) plan.edits.push_back(std::move(edit));
  }
  plan.edits.push_back({placed.path, placed.text});
  return plan;
}

std::optional<FoundConfiguration> read_containerd(const Host& host) {
  if (!host.exists(kConfig)) return std::nullopt;
  Reader reader(host);
  reader.follow_imports();
  return find_handlers(reader.files());
}

std::vector<Edit> plan_containerd_removal(const Host& host) {
  Reader reader(host);
  try {
    reader.follow_imports();
  } catch (const Error&) {
    // Whatever broke it since: what is ours goes from what can be found.
  }
  std::vector<ConfigFile> files = reader.files();
  add_forgotten_drop_in(host, files);
  return removal(host, files);
}

}  // namespace hookcore::node

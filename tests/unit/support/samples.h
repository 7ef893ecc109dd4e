#pragma once

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>
#include <vector>

/// config.json as engines wrote it: podman 4.3.1, buildah 1.28.2, crun 1.8.1, runc 1.1.5. Ids and
/// paths are replaced, and all but two have most of their seccomp profile cut out.
namespace samples {

inline std::string read(const std::string& name) {
  std::ifstream file(std::filesystem::path(OCI_CNB_SAMPLES) / name, std::ios::binary);
  if (!file) throw std::runtime_error("no sample " + name);
  return {std::istreambuf_iterator<char>(file), {}};
}

inline std::vector<std::string> names() {
  std::vector<std::string> names;
  for (const auto& entry : std::filesystem::directory_iterator(OCI_CNB_SAMPLES)) {
    names.push_back(entry.path().filename());
  }
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace samples

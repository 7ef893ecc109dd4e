#include "libhookcore/base/path.h"

#include <algorithm>

#include "libhookcore/base/text.h"

namespace hookcore {

namespace {

/// Empty between two slashes.
std::string_view take_component(std::string_view& path) { return take_part(path, '/'); }

}  // namespace

std::string normalise_path(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::string_view component = take_component(path);
    if (component.empty() || component == ".") continue;
    if (component == "..") {
      const size_t parent = out.rfind('/');
      out.resize(parent == out.npos ? 0 : parent);
    } else {
      out.append("/").append(component);
    }
  }
  return out.empty() ? "/" : out;
}

std::string parent_path(std::string_view path) {
  const size_t slash = path.rfind('/');
  if (slash == path.npos) return {};
  return std::string(path.substr(0, std::max<size_t>(slash, 1)));
}

std::string base_name(std::string_view path) {
  return std::string(path.substr(path.rfind('/') + 1));
}

std::string join_path(std::string_view directory, std::string_view name) {
  std::string path(directory);
  if (!path.empty() && path.back() != '/') path += '/';
  return path.append(name);
}

bool has_parent_component(std::string_view path) {
  while (!path.empty()) {
    if (take_component(path) == "..") return true;
  }
  return false;
}

bool is_within(std::string_view path, std::string_view directory) {
  if (directory == "/") return true;
  return path.starts_with(directory) &&
         (path.size() == directory.size() || path[directory.size()] == '/');
}

bool has_control_bytes(std::string_view text) {
  return std::any_of(text.begin(), text.end(),
                     [](unsigned char c) { return c < 0x20 || c == 0x7F; });
}

}  // namespace hookcore

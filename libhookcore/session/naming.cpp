#include "libhookcore/session/naming.h"

#include <algorithm>
#include <iterator>
#include <string_view>

#include "libhookcore/session/layout.h"

namespace hookcore::session {
namespace {

// Neither a namespace nor a pod's uid has a dot, a session's name may.
bool is_own_name(const std::string& directory, const std::string& given) {
  const std::string own = own_name(directory);
  if (own == given) return true;
  return directory.starts_with(kNamespacedPrefix) && own.substr(own.find('.') + 1) == given;
}

// given: how the id begins, or the directory.
bool is_of_container(const std::string& directory, std::string_view given) {
  if (given.starts_with(kContainerPrefix)) given.remove_prefix(kContainerPrefix.size());
  return directory.starts_with(kContainerPrefix) && !given.empty() &&
         own_name(directory).starts_with(given);
}

Error ambiguous(const std::string& given, std::vector<std::string> meant) {
  std::sort(meant.begin(), meant.end());
  std::string names = quote(meant.front());
  for (size_t i = 1; i < meant.size(); ++i) names += " or " + quote(meant[i]);
  return {Code::kSession, "this may be several sessions", quote(given), "say which: " + names};
}

template <typename Meant>
std::optional<std::string> only(const std::string& given,
                                const std::vector<std::string>& directories, const Meant& meant) {
  std::vector<std::string> found;
  std::copy_if(directories.begin(), directories.end(), std::back_inserter(found), meant);
  if (found.size() > 1) throw ambiguous(given, std::move(found));
  return found.empty() ? std::nullopt : std::optional(found.front());
}

}  // namespace

Kind kind_of(const std::string& directory) {
  if (directory.starts_with(kNamedPrefix) || directory.starts_with(kNamespacedPrefix)) {
    return Kind::kNamed;
  }
  return directory.starts_with(kPodPrefix) ? Kind::kPod : Kind::kContainer;
}

std::string own_name(const std::string& directory) {
  for (const std::string_view prefix :
       {kContainerPrefix, kNamedPrefix, kNamespacedPrefix, kPodPrefix}) {
    if (directory.starts_with(prefix)) return directory.substr(prefix.size());
  }
  return directory;
}

std::optional<std::string> pick(const std::string& given,
                                const std::vector<std::string>& directories) {
  if (given.empty()) return std::nullopt;
  const auto exact = std::find(directories.begin(), directories.end(), given);
  if (exact != directories.end()) return *exact;
  const std::string whole_id = std::string(kContainerPrefix) + given;
  const bool is_id =
      std::find(directories.begin(), directories.end(), whole_id) != directories.end();
  return only(given, directories, [&](const std::string& directory) {
    return is_own_name(directory, given) || (!is_id && is_of_container(directory, given));
  });
}

Error no_session(const std::string& given) {
  return {Code::kSession, "no such session", quote(given),
          "see `oci-cnb session list`; a container goes by its id, not by its name"};
}

std::string resolve(const Store& store, const std::string& given) {
  auto found = pick(given, store.names());
  if (!found) throw no_session(given);
  return std::move(*found);
}

}  // namespace hookcore::session

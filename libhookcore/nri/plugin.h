#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "libhookcore/base/error.h"
#include "libhookcore/nri/nri.pb.h"
#include "libhookcore/nri/pods.h"
#include "libhookcore/nri/ttrpc.h"
#include "libhookcore/settings/settings.h"

namespace hookcore::nri {

inline constexpr std::string_view kPluginService = "nri.pkg.api.v1alpha1.Plugin";
inline constexpr std::string_view kRuntimeService = "nri.pkg.api.v1alpha1.Runtime";

/// NRI's events, as far as this plugin asks for them.
enum class Event { kRunPodSandbox = 1, kRemovePodSandbox = 3, kCreateContainer = 4 };

/// What a plugin subscribes: bit EVENT - 1. All three are known to every version; a bit that is not
/// makes the runtime hang up.
inline constexpr int32_t kEvents = 1 << 0 | 1 << 2 | 1 << 3;

/// What the plugin tells of its work: for logs, numbers, and the collection of what is left over.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void configured(const proto::ConfigureRequest& request) = 0;
  virtual void adjusted(const proto::CreateContainerRequest& request,
                        const std::vector<std::string>& warnings) = 0;
  virtual void refused(const proto::CreateContainerRequest& request, const Error& error) = 0;
  virtual void ignored() = 0;
  /// The runtime's last word on what there is: events were lost before.
  virtual void synchronized(size_t pods, size_t containers) = 0;
  /// The runtime has no sandbox of the pod of this uid any more.
  virtual void removed(const std::string& uid) = 0;
};

/// Answers the runtime. Holds no state but what pods there are.
class Plugin {
 public:
  using LoadSettings = std::function<settings::Settings()>;

  /// settings: read for each container that opts in, so that a changed file needs no restart.
  /// hooks_directory: on the host, absolute. observer outlives this object.
  Plugin(LoadSettings load, std::string hooks_directory, Observer& observer)
      : load_(std::move(load)), hooks_directory_(std::move(hooks_directory)), observer_(observer) {}

  Reply handle(std::string_view service, std::string_view method, std::string_view payload);

  /// True from the end of a synchronisation for as long as the connection stands.
  const Pods& pods() const { return pods_; }
  /// For a pod that is removed, which the runtime didn't tell.
  void forget_pod(const std::string& uid) { pods_.forget(uid); }

 private:
  Reply configure(std::string_view payload);
  Reply synchronize(std::string_view payload);
  Reply create_container(std::string_view payload);
  Reply state_change(std::string_view payload);
  Reply run_pod(std::string_view payload);
  Reply remove_pod(std::string_view payload);
  void forget(const proto::PodSandbox& pod);

  LoadSettings load_;
  std::string hooks_directory_;
  Observer& observer_;
  Pods pods_;
  size_t pods_told_ = 0;  ///< so far, of a synchronisation in parts
  size_t containers_told_ = 0;
};

/// The payload of the call that introduces the plugin.
std::string registration(const std::string& name, const std::string& index);

}  // namespace hookcore::nri

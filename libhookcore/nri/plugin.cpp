#include "libhookcore/nri/plugin.h"

#include <algorithm>
#include <iterator>

#include "libhookcore/nri/adjust.h"

namespace hookcore::nri {
namespace {

Reply bad_payload(std::string_view what) {
  return {Status::kInvalidArgument, "oci-cnb-nri: malformed " + std::string(what), {}};
}

template <typename Message>
bool parse(Message& message, std::string_view payload) {
  return message.ParseFromArray(payload.data(), static_cast<int>(payload.size()));
}

template <typename Message>
Reply answer(const Message& message) {
  return {Status::kOk, {}, message.SerializeAsString()};
}

}  // namespace

std::string registration(const std::string& name, const std::string& index) {
  proto::RegisterPluginRequest request;
  request.set_plugin_name(name);
  request.set_plugin_idx(index);
  return request.SerializeAsString();
}

Reply Plugin::handle(std::string_view service, std::string_view method, std::string_view payload) {
  struct Route {
    std::string_view method;
    Reply (Plugin::*serve)(std::string_view);
  };
  static constexpr Route kRoutes[] = {{"Configure", &Plugin::configure},
                                      {"Synchronize", &Plugin::synchronize},
                                      {"CreateContainer", &Plugin::create_container},
                                      {"StateChange", &Plugin::state_change},
                                      {"RunPodSandbox", &Plugin::run_pod},
                                      {"RemovePodSandbox", &Plugin::remove_pod}};
  if (service == kPluginService) {
    const auto* const route =
        std::find_if(std::begin(kRoutes), std::end(kRoutes),
                     [&](const Route& candidate) { return candidate.method == method; });
    if (route != std::end(kRoutes)) return (this->*route->serve)(payload);
    if (method == "Shutdown") return {};  // the runtime closes the connection next
  }
  return {Status::kUnimplemented, "oci-cnb-nri: no method " + quote(method), {}};
}

Reply Plugin::configure(std::string_view payload) {
  proto::ConfigureRequest request;
  if (!parse(request, payload)) return bad_payload("ConfigureRequest");
  observer_.configured(request);
  pods_.clear();
  pods_told_ = containers_told_ = 0;
  proto::ConfigureResponse response;
  response.set_events(kEvents);
  return answer(response);
}

Reply Plugin::synchronize(std::string_view payload) {
  proto::SynchronizeRequest request;
  if (!parse(request, payload)) return bad_payload("SynchronizeRequest");
  for (const proto::PodSandbox& pod : request.pods()) pods_.add(pod);
  pods_told_ += static_cast<size_t>(request.pods_size());
  containers_told_ += static_cast<size_t>(request.containers_size());
  if (!request.more()) observer_.synchronized(pods_told_, containers_told_);
  proto::SynchronizeResponse response;
  response.set_more(request.more());
  return answer(response);
}

Reply Plugin::create_container(std::string_view payload) {
  proto::CreateContainerRequest request;
  if (!parse(request, payload)) return bad_payload("CreateContainerRequest");
  // Its sandbox may have started while we synchronised: runtimes before containerd 2.0 tell of such
  // a one neither then nor later.
  pods_.add(request.pod());
  try {
    auto adjustment =
        plan_adjustment(request.pod(), request.container(), load_(), hooks_directory_);
    proto::CreateContainerResponse response;
    if (adjustment) {
      *response.mutable_adjust() = std::move(adjustment->changes);
      observer_.adjusted(request, adjustment->warnings);
    } else {
      observer_.ignored();
    }
    return answer(response);
  } catch (const Error& error) {
    observer_.refused(request, error);
    return {Status::kFailedPrecondition, "oci-cnb-nri: " + error.line(), {}};
  }
}

void Plugin::forget(const proto::PodSandbox& pod) {
  pods_.remove(pod);
  if (!pods_.has(pod.uid())) observer_.removed(pod.uid());
}

Reply Plugin::state_change(std::string_view payload) {
  proto::StateChangeEvent event;
  if (!parse(event, payload)) return bad_payload("StateChangeEvent");
  if (event.event() == static_cast<int32_t>(Event::kRunPodSandbox)) {
    pods_.add(event.pod());
  } else if (event.event() == static_cast<int32_t>(Event::kRemovePodSandbox)) {
    forget(event.pod());
  }
  return {};
}

Reply Plugin::run_pod(std::string_view payload) {
  proto::PodRequest request;
  if (!parse(request, payload)) return bad_payload("RunPodSandboxRequest");
  pods_.add(request.pod());
  return {};
}

Reply Plugin::remove_pod(std::string_view payload) {
  proto::PodRequest request;
  if (!parse(request, payload)) return bad_payload("RemovePodSandboxRequest");
  forget(request.pod());
  return {};
}

}  // namespace hookcore::nri

#include "libhookcore/nri/adjust.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/environment/advice.h"
#include "libhookcore/environment/guard.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/optin/request.h"

namespace hookcore::nri {
namespace {

using optin::Annotations;

template <typename Map>
void take_ours(const Map& from, Annotations& annotations) {
  for (const auto& [key, value] : from) {
    if (key.starts_with(environment::kPluginPrefix)) {
      throw Error(Code::kAnnotation, "annotation " + quote(key) + " is set by the NRI plugin only",
                  {}, "remove it from the pod");
    }
    if (key.starts_with(optin::kPrefix)) annotations.insert_or_assign(key, value);
  }
}

// Nothing else of a pod's annotations is looked at: a pod could name its containers otherwise.
Annotations annotations_of(const proto::PodSandbox& pod, const proto::Container& container) {
  Annotations annotations;
  take_ours(pod.annotations(), annotations);
  take_ours(container.annotations(), annotations);
  if (!annotations.empty()) {
    annotations.insert_or_assign(std::string(optin::kContainerNameKey), container.name());
  }
  return annotations;
}

template <typename Hooks>
std::vector<oci::Hook> hooks_of(const Hooks& hooks) {
  std::vector<oci::Hook> out;
  for (const proto::Hook& hook : hooks) {
    oci::Hook entry;
    entry.path = hook.path();
    out.push_back(std::move(entry));
  }
  return out;
}

oci::Hooks hooks_of(const proto::Container& container) {
  oci::Hooks hooks;
  hooks.prestart = hooks_of(container.hooks().prestart());
  hooks.create_runtime = hooks_of(container.hooks().create_runtime());
  hooks.create_container = hooks_of(container.hooks().create_container());
  hooks.poststop = hooks_of(container.hooks().poststop());
  return hooks;
}

// CRI-O's own list begins with a PATH that the image's follows; the runtime takes the last one.
std::vector<std::string> env_of(const proto::Container& container) {
  const auto is_path = [](const std::string& entry) { return entry.starts_with("PATH="); };
  std::vector<std::string> env(container.env().begin(), container.env().end());
  const auto last = std::find_if(env.rbegin(), env.rend(), is_path);
  if (last != env.rend())
    env.erase(std::remove_if(env.begin(), last.base() - 1, is_path), last.base() - 1);
  return env;
}

// config.json as far as NRI shows it. It tells no cwd, which the mount hook verifies.
oci::ConfigView view_of(const proto::PodSandbox& pod, const proto::Container& container,
                        const optin::Request& request) {
  oci::ConfigView view;
  view.annotations.emplace(optin::kPodUidKey, pod.uid());
  view.has_process = true;
  view.cwd = request.workspace_path;
  view.env = env_of(container);
  view.args.assign(container.args().begin(), container.args().end());
  for (const proto::Mount& mount : container.mounts()) {
    view.mounts.push_back({mount.destination(),
                           normalise_path(mount.destination()),
                           mount.type(),
                           mount.source(),
                           {mount.options().begin(), mount.options().end()}});
  }
  view.hooks = hooks_of(container);
  return view;
}

void require_source(const oci::ConfigView& view, const optin::Request& request) {
  if (request.role == optin::Role::kLaunch || view.mount_at(request.workspace_path)) return;
  throw Error(Code::kSource, "nothing is mounted at " + quote(request.workspace_path), {},
              environment::mount_source(view, request.workspace_path));
}

void set_hook(const oci::Hook& from, proto::Hook& hook) {
  hook.set_path(from.path);
  for (const std::string& arg : from.args) hook.add_args(arg);
  for (const std::string& entry : from.env) hook.add_env(entry);
}

void set_hooks(const oci::Hooks& present, const std::string& directory,
               proto::ContainerAdjustment& changes) {
  const auto missing = environment::missing_hooks(present, directory);
  if (missing.create_runtime) {
    set_hook(*missing.create_runtime, *changes.mutable_hooks()->add_create_runtime());
  }
  if (missing.poststop) set_hook(*missing.poststop, *changes.mutable_hooks()->add_poststop());
}

void set_env(const environment::EnvironmentPlan& plan, proto::ContainerAdjustment& changes) {
  for (const std::string& entry : plan.env) {
    const size_t equals = entry.find('=');
    proto::KeyValue& variable = *changes.add_env();
    variable.set_key(entry.substr(0, equals));
    variable.set_value(entry.substr(equals + 1));
  }
}

// The mount hook reads bare keys: containerd hands no pod's annotation on unless it is told to, and
// what CRI-O hands on must not say something else beside them.
void set_annotations(const Annotations& asked, const proto::Container& container,
                     proto::ContainerAdjustment& changes) {
  auto& annotations = *changes.mutable_annotations();
  for (const auto& [key, value] : container.annotations()) {
    const bool scoped = key.starts_with(optin::kPrefix) && key.find('/') != key.npos;
    if (scoped) annotations["-" + key] = "";
  }
  for (const auto& [key, value] : optin::resolve(asked)) annotations[key] = value;
  annotations[std::string(environment::kAdjustedKey)] = container.id();
}

}  // namespace

std::optional<Adjustment> plan_adjustment(const proto::PodSandbox& pod,
                                          const proto::Container& container,
                                          const settings::Settings& settings,
                                          const std::string& directory) {
  const Annotations annotations = annotations_of(pod, container);
  const auto request = optin::parse_request(annotations, settings.defaults);
  if (!request) {
    if (!environment::has_guard(hooks_of(container))) return std::nullopt;
    throw Error(Code::kAnnotation, "no role for container " + quote(container.name()),
                "runtime handler " + quote(pod.runtime_handler()),
                "annotate the pod with io.cnb.hooks.role, or with io.cnb.hooks.role/container." +
                    container.name());
  }
  const oci::ConfigView view = view_of(pod, container, *request);
  require_source(view, *request);
  environment::EnvironmentPlan plan = environment::plan_environment(view, *request, settings);
  Adjustment adjustment;
  adjustment.warnings = std::move(plan.warnings);
  set_env(plan, adjustment.changes);
  set_hooks(view.hooks, directory, adjustment.changes);
  set_annotations(annotations, container, adjustment.changes);
  return adjustment;
}

}  // namespace hookcore::nri

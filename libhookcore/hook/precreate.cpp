#include "libhookcore/hook/precreate.h"

#include <unistd.h>

#include "libhookcore/base/error.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"

namespace hookcore::hook {
namespace {

constexpr std::string_view kWhere = "config.json on stdin";

void tell_of_missing_role(const optin::Annotations& annotations, report::Log& log) {
  const std::string_view key = optin::key_without_role(annotations);
  if (key.empty()) return;
  log.warning("not opted in: " + quote(key) + " has no effect without " +
              std::string(optin::kRoleKey) + "; add --annotation io.cnb.hooks.role=dev");
}

std::string adjusted(std::string text, report::Log& log) {
  const optin::Annotations annotations = oci::parse_annotations(text, kWhere);
  if (!optin::parse_request(annotations)) {
    tell_of_missing_role(annotations, log);
    return text;
  }
  environment::require_mount_hook_beside();

  oci::ConfigEditor editor(std::move(text), kWhere);
  const settings::Settings settings = settings::load_settings(settings::find_host_user());
  const auto request = optin::parse_request(editor.view().annotations, settings.defaults);
  log.set_debug(request->debug);
  const auto plan = environment::plan_environment(editor.view(), *request, settings);
  for (const std::string& warning : plan.warnings) log.warning(warning);
  environment::apply_plan(editor, plan);
  return editor.text();
}

}  // namespace

void run_precreate_hook(report::Log& log) {
  std::string text = read_stdin(oci::kMaxConfigSize, Code::kConfig);
  sys::keep_capabilities({});
  sys::write_all(STDOUT_FILENO, adjusted(std::move(text), log), "standard output");
}

}  // namespace hookcore::hook

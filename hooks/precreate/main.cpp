// podman's precreate stage, and a plain filter: config.json on stdin, the adjusted one on stdout.

#include <unistd.h>

#include "libhookcore/environment/plan.h"
#include "libhookcore/hook/program.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"

namespace {

using namespace hookcore;

constexpr std::string_view kWhere = "config.json on stdin";

std::string adjusted(std::string text, report::Log& log) {
  if (!optin::parse_request(oci::parse_annotations(text, kWhere))) return text;

  oci::ConfigEditor editor(std::move(text), kWhere);
  const settings::Settings settings = settings::load_settings(settings::find_host_user());
  const auto request = optin::parse_request(editor.view().annotations, settings.defaults);
  log.set_debug(request->debug);
  const auto plan = environment::plan_environment(editor.view(), *request, settings);
  for (const std::string& warning : plan.warnings) log.warning(warning);
  environment::apply_plan(editor, plan);
  return editor.text();
}

void precreate(report::Log& log) {
  std::string text = hook::read_stdin(oci::kMaxConfigSize, Code::kConfig);
  sys::keep_capabilities({});
  sys::write_all(STDOUT_FILENO, adjusted(std::move(text), log), "standard output");
}

}  // namespace

int main() { return hook::run_program("oci-cnb-precreate", precreate); }

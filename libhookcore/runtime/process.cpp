#include "libhookcore/base/error.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/optin/variables.h"
#include "libhookcore/runtime/adjust.h"
#include "libhookcore/runtime/container.h"
#include "libhookcore/runtime/document.h"

namespace hookcore::runtime {

namespace {

std::string adjusted(const Document& document, const oci::ConfigView& container,
                     const optin::Request& request) {
  oci::ConfigEditor editor(document.text(), document.where(), oci::Document::kProcess);
  // Engines hand exec the environment with which the container was asked for.
  editor.remove_env(optin::is_variable);
  environment::apply_plan(editor, environment::plan_exec(container, editor.view(), request));
  return editor.text();
}

void adjust_document(const std::string& path, const oci::ConfigView& container,
                     const optin::Request& request) {
  const auto document = Document::open(path);
  if (!document) return;
  const std::string text = adjusted(*document, container, request);
  if (text != document->text()) document->replace(text);
}

/// What crun's exec lacks, as options.
std::vector<std::string> missing_options(const Invocation& call, const oci::ConfigView& container,
                                         const optin::Request& request) {
  oci::ConfigView process;
  process.env.assign(call.env.begin(), call.env.end());
  std::vector<std::string> options;
  if (!call.has_cwd && !request.keep_cwd) {
    options.insert(options.end(), {"--cwd", container.cwd});
  }
  if (call.env.empty()) return options;
  for (const std::string& entry : environment::role_variables(container, request.role)) {
    if (process.env_value(entry.substr(0, entry.find('=')))) continue;
    options.insert(options.end(), {"--env", entry});
  }
  return options;
}

}  // namespace

std::vector<std::string> adjust_process(const Call& call) {
  const bool by_options = !call.invocation.process;
  if (by_options && call.runtime.dialect == Dialect::kGo) return {};
  const auto config = container_config(call);
  if (!config || !config->may_mention_us()) return {};
  const auto request =
      optin::parse_request(oci::parse_annotations(config->text(), config->where()));
  if (!request) return {};
  const oci::ConfigView container = oci::parse_config(config->text(), config->where());
  if (by_options) return missing_options(call.invocation, container, *request);
  adjust_document(std::string(*call.invocation.process), container, *request);
  return {};
}

}  // namespace hookcore::runtime

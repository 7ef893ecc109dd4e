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

}  // namespace

void adjust_process(const Call& call) {
  if (!call.invocation.process) return;
  const auto config = container_config(call);
  if (!config || !config->may_mention_us()) return;
  const auto request =
      optin::parse_request(oci::parse_annotations(config->text(), config->where()));
  if (!request) return;
  const auto document = Document::open(std::string(*call.invocation.process));
  if (!document) return;
  const std::string text =
      adjusted(*document, oci::parse_config(config->text(), config->where()), *request);
  if (text != document->text()) document->replace(text);
}

}  // namespace hookcore::runtime

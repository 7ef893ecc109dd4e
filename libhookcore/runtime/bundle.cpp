#include "libhookcore/base/error.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/optin/variables.h"
#include "libhookcore/runtime/adjust.h"
#include "libhookcore/runtime/document.h"

namespace hookcore::runtime {

namespace {

constexpr const char* kConfigName = "config.json";

struct OptIn {
  optin::Annotations annotations;
  bool by_environment = false;
};

/// nullopt: the container is none of our business. Where there is an annotation of ours the
/// environment has no say: an image has one too.
std::optional<OptIn> find_opt_in(const Document& document) {
  if (!document.may_mention_us()) return std::nullopt;
  oci::OptInFields fields = oci::parse_opt_in(document.text(), document.where());
  if (optin::mentions_us(fields.annotations)) {
    if (!optin::parse_request(fields.annotations)) return std::nullopt;
    return OptIn{std::move(fields.annotations), false};
  }
  const auto of_environment = optin::annotations_of_environment(fields.env);
  if (!of_environment) return std::nullopt;
  fields.annotations.insert(of_environment->begin(), of_environment->end());
  if (!optin::parse_request(fields.annotations)) return std::nullopt;
  return OptIn{std::move(fields.annotations), true};
}

std::optional<Document> open_config(const Invocation& call) {
  if (call.config) return Document::open(std::string(*call.config));
  return Document::open(std::string(call.bundle.value_or(".")), kConfigName);
}

void take_over_annotations(oci::ConfigEditor& editor, const optin::Annotations& annotations) {
  for (const auto& [key, value] : optin::ours(annotations)) editor.set_annotation(key, value);
  editor.remove_env(optin::is_variable);
}

std::string adjusted(const Document& document, const OptIn& opt_in,
                     const settings::Settings& settings, report::Log& log) {
  oci::ConfigEditor editor(document.text(), document.where());
  const auto request = optin::parse_request(opt_in.annotations, settings.defaults);
  log.set_debug(request->debug);
  if (opt_in.by_environment) take_over_annotations(editor, opt_in.annotations);
  const auto plan = environment::plan_environment(editor.view(), *request, settings);
  for (const std::string& warning : plan.warnings) log.warning(warning);
  environment::apply_plan(editor, plan);
  if (plan.cwd && editor.view().cwd != "/") {
    editor.set_annotation(std::string(environment::kEngineCwd), editor.view().cwd);
  }
  environment::add_hooks(editor, environment::installed_hooks_directory(),
                         environment::starter_of(editor.view()));
  return editor.text();
}

}  // namespace

void adjust_bundle(const Call& call, report::Log& log) {
  const auto document = open_config(call.invocation);
  if (!document) return;
  const auto opt_in = find_opt_in(*document);
  if (!opt_in) return;
  if (call.invocation.config) {
    throw Error(Code::kConfig, "a container that opts in can't be made with --config",
                quote(document->where()),
                "name the file config.json: the hooks read that of the bundle");
  }
  const auto settings = settings::load_settings(call.user);
  const std::string text = adjusted(*document, *opt_in, settings, log);
  if (text != document->text()) document->replace(text);
}

void refuse_restore(const Call& call) {
  const auto document = open_config(call.invocation);
  if (!document || !find_opt_in(*document)) return;
  throw Error(Code::kSession, "a container that opts in can't be restored from a checkpoint",
              quote(document->where()), "start it anew: its workspace isn't in the checkpoint");
}

}  // namespace hookcore::runtime

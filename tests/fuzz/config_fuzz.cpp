// config.json: read as nlohmann reads it, or refused; an edit changes what it is about, and nothing
// else; done twice it changes nothing more.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/environment/verify.h"
#include "libhookcore/oci/edit.h"

namespace {

using namespace hookcore;
using Json = nlohmann::ordered_json;

std::string edited(const std::string& text, const optin::Request& request) {
  oci::ConfigEditor editor(text);
  if (editor.text() != text) std::abort();
  environment::verify(editor.view(), request, {});
  environment::verify_bundle(editor.view(), request);
  environment::verify_document(editor.view(), request.workspace_path);
  environment::apply_plan(editor, environment::plan_environment(editor.view(), request, {}));
  environment::add_hooks(editor, "/opt/hooks");
  editor.set_annotation("io.cnb.hooks.role", "build");
  return editor.text();
}

/// The document without what an edit may change.
Json rest(const std::string& text) {
  Json document = Json::parse(text);
  document.erase("hooks");
  document.erase("annotations");
  document["process"].erase("cwd");
  document["process"].erase("env");
  return document;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  optin::Request request;
  request.role = optin::Role::kBuild;
  request.enforce = optin::Enforce::kWarn;
  try {
    oci::parse_annotations(text);
    const std::string once = edited(text, request);
    if (rest(text) != rest(once)) std::abort();
    if (edited(once, request) != once) std::abort();
  } catch (const Error& error) {
    if (error.line().find('\n') != std::string::npos) std::abort();
  } catch (const Json::out_of_range&) {  // a number beyond a double, which nlohmann can't compare
  }
  return 0;
}

// The process document of an exec: refused, or given cwd and environment, and nothing else; done
// twice it changes nothing more.
#include <cstdint>
#include <cstdlib>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/variables.h"

namespace {

using namespace hookcore;
using Json = nlohmann::ordered_json;

const oci::ConfigView& container() {
  static const oci::ConfigView kContainer = oci::parse_config(R"({"process": {
      "cwd": "/workspace", "env": ["PATH=/bin", "CNB_PLATFORM_API=0.12",
      "CNB_EXPERIMENTAL_MODE=warn", "CNB_APP_DIR=/workspace", "CNB_LAYERS_DIR=/layers"]},
      "annotations": {"io.cnb.hooks.role": "build", "io.cnb.engine-cwd": "/srv"}})");
  return kContainer;
}

std::string edited(const std::string& text, const optin::Request& request) {
  oci::ConfigEditor editor(text, "process.json", oci::Document::kProcess);
  if (editor.text() != text) std::abort();
  editor.remove_env(optin::is_variable);
  environment::apply_plan(editor, environment::plan_exec(container(), editor.view(), request));
  return editor.text();
}

/// The document without what an edit may change.
Json rest(const std::string& text) {
  Json document = Json::parse(text);
  document.erase("cwd");
  document.erase("env");
  return document;
}

void check_result(const std::string& text) {
  const oci::ConfigView after = oci::parse_process(text);
  if (after.cwd == "/srv" || !after.env_value("CNB_LAYERS_DIR")) std::abort();
  for (const std::string& entry : after.env) {
    if (optin::is_variable(entry)) std::abort();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string text(reinterpret_cast<const char*>(data), size);
  optin::Request request;
  request.role = optin::Role::kBuild;
  try {
    const std::string once = edited(text, request);
    check_result(once);
    if (rest(text) != rest(once)) std::abort();
    if (edited(once, request) != once) std::abort();
  } catch (const Error& error) {
    if (error.line().find('\n') != std::string::npos) std::abort();
  } catch (const Json::out_of_range&) {  // a number beyond a double, which nlohmann can't compare
  }
  return 0;
}

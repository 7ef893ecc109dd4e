#include "hooks/cli/spec_commands.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <iterator>
#include <memory>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "hooks/cli/generate_command.h"
#include "hooks/cli/named.h"
#include "hooks/cli/output.h"
#include "hooks/cli/spec_report.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/path.h"
#include "libhookcore/environment/hooks.h"
#include "libhookcore/environment/plan.h"
#include "libhookcore/environment/verify.h"
#include "libhookcore/oci/config.h"
#include "libhookcore/oci/edit.h"
#include "libhookcore/optin/request.h"
#include "libhookcore/settings/settings.h"
#include "libhookcore/sys/file.h"

namespace hookcore::cli {

namespace {

constexpr const char* kConfigFile = "config.json";
constexpr const char* kStdin = "-";

/// A document and where it came from.
struct Document {
  std::string text;
  std::string where;        ///< for messages
  sys::UniqueFd directory;  ///< of the file; none for stdin
  std::string name;
  mode_t mode = 0;
};

/// "-", a bundle's directory, or a file.
Document read_document(const std::string& path) {
  Document document;
  if (path == kStdin) {
    document.where = "config.json on stdin";
    document.text = sys::read_all(STDIN_FILENO, oci::kMaxConfigSize, document.where, Code::kConfig);
    return document;
  }
  // An edit replaces the file, not a link to it.
  std::string real = real_path(path, Code::kConfig);
  struct stat status {};
  if (::stat(real.c_str(), &status) == 0 && S_ISDIR(status.st_mode)) {
    real = real_path(join_path(real, kConfigFile), Code::kConfig);
  }
  document.where = real;
  document.name = base_name(real);
  document.directory =
      sys::open_at(AT_FDCWD, parent_path(real), O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
  const sys::UniqueFd file = sys::open_at(document.directory.get(), document.name,
                                          O_RDONLY | O_NONBLOCK, sys::Resolve::kNoLinks);
  status = sys::stat_fd(file.get(), real);
  if (!S_ISREG(status.st_mode)) throw Error(Code::kConfig, "this is no regular file", quote(real));
  document.mode = status.st_mode & 07777U;
  document.text = sys::read_all(file.get(), oci::kMaxConfigSize, real, Code::kConfig);
  return document;
}

void say(const std::string& line) {
  sys::write_all(STDERR_FILENO, "oci-cnb: " + line + "\n", "standard error");
}

struct ApplyOptions {
  std::string path = kStdin;
  std::string role;
  std::string hooks_directory;
  bool in_place = false;
};

/// The document as a container that opted in has to have it; unchanged when it hasn't.
std::string applied(std::string text, const std::string& where, const ApplyOptions& options) {
  oci::ConfigEditor editor(std::move(text), where);
  oci::Annotations annotations = editor.view().annotations;
  if (!options.role.empty()) {
    const std::string key(optin::kRoleKey);
    annotations[key] = options.role;
    editor.set_annotation(key, options.role);
  }
  const auto settings = settings::load_settings(settings::find_host_user());
  const auto request = optin::parse_request(annotations, settings.defaults);
  if (!request) {
    say("nothing changed: there is no annotation " + std::string(optin::kRoleKey) + " in " + where +
        "; add it, or use --role ROLE");
    return editor.text();
  }
  const auto plan = environment::plan_environment(editor.view(), *request, settings);
  for (const std::string& warning : plan.warnings) {
    say("warning: " + warning);
  }
  environment::apply_plan(editor, plan);
  environment::add_hooks(editor,
                         options.hooks_directory.empty() ? environment::installed_hooks_directory()
                                                         : normalise_path(options.hooks_directory),
                         environment::starter_of(editor.view()));
  return editor.text();
}

void apply(const ApplyOptions& options) {
  if (options.in_place && options.path == kStdin) {
    throw Error(Code::kUsage, "--in-place needs a file to change", {},
                "name a bundle's directory or a file");
  }
  if (!options.hooks_directory.empty() && options.hooks_directory[0] != '/') {
    throw Error(Code::kUsage, "--hooks-dir is no absolute path", quote(options.hooks_directory));
  }
  const Document document = read_document(options.path);
  const std::string text = applied(document.text, document.where, options);
  if (!options.in_place) {
    print(text);
  } else if (text != document.text) {
    sys::replace_file(document.directory.get(), document.name, text, document.mode);
  }
}

void append(environment::Findings& all, environment::Findings more) {
  std::move(more.begin(), more.end(), std::back_inserter(all));
}

/// What the container asks for; one that asks for something unknown breaks a rule like any other.
std::optional<optin::Request> read_request(const oci::ConfigView& config,
                                           const settings::Settings& settings,
                                           environment::Findings& findings) {
  try {
    return optin::parse_request(config.annotations, settings.defaults);
  } catch (const Error& error) {
    findings.push_back(
        {environment::rules::kAnnotation, environment::Severity::kError,
         error.where().empty() ? error.what() : error.what() + (" of " + error.where()),
         "annotations as oci-cnb-hooks(7) has them",
         error.remedy().empty() ? "mend it, or remove it" : error.remedy()});
    return std::nullopt;
  }
}

void examine(const oci::ConfigView& config, SpecReport& report) {
  const auto settings = settings::load_settings(settings::find_host_user());
  report.request = read_request(config, settings, report.findings);
  if (report.request) {
    append(report.findings, environment::verify(config, *report.request, settings));
    append(report.findings, environment::verify_bundle(config, *report.request));
  } else {
    append(report.findings, environment::verify_mounts(config));
  }
  append(report.findings,
         environment::verify_document(
             config, report.request ? report.request->workspace_path : std::string_view()));
}

/// 1 when the document breaks the guarantee.
int validate(const std::string& path, bool as_json) {
  const Document document = read_document(path);
  const oci::ConfigView config = oci::parse_config(document.text, document.where);
  SpecReport report;
  report.where = document.where;
  report.is_sandbox = optin::is_sandbox(config.annotations);
  if (!report.is_sandbox) examine(config, report);
  as_json ? print_json(json_report(report)) : print(text_report(report));
  return environment::has_errors(report.findings) ? 1 : 0;
}

void print_rules(bool as_json) { as_json ? print_json(json_rules()) : print(text_rules()); }

void add_document_options(Command command, std::string& path) {
  const Option bundle = command.option("--bundle,-b", path, "A bundle's directory").type("DIR");
  command.option("FILE", path, "A config.json or a bundle's directory; - or nothing: stdin")
      .excludes(bundle);
}

void add_apply(Command spec) {
  const Command command = spec.command(
      "apply", "Give a config.json the environment, cwd and hooks that its annotations ask for");
  command.footer(
      "Writes the document to stdout, or back with --in-place; every byte that needs no change "
      "stays\nas it was, and applying twice changes nothing more.");
  const auto options = std::make_shared<ApplyOptions>();
  add_document_options(command, options->path);
  command.option("--role", options->role, "Set the annotation io.cnb.hooks.role")
      .type("ROLE")
      .one_of({"dev", "build", "detect", "launch"});
  command
      .option("--hooks-dir", options->hooks_directory,
              "Where oci-cnb-createruntime and oci-cnb-poststop are (default: this "
              "program's installation)")
      .type("DIR");
  command.flag("--in-place,-i", options->in_place, "Replace the file, atomically");
  command.callback([options] { apply(*options); });
}

void add_validate(Command spec, int& exit_code) {
  const Command command = spec.command(
      "validate", "Check a config.json against the guarantee; exit code 1 when it is broken");
  const auto path = std::make_shared<std::string>(kStdin);
  const auto format = std::make_shared<std::string>("text");
  const auto json = std::make_shared<bool>(false);
  add_document_options(command, *path);
  command.option("--format", *format, "text or json").type("FORMAT").one_of({"text", "json"});
  command.flag("--json", *json, "The same as --format json");
  const auto list = std::make_shared<bool>(false);
  command.flag("--rules", *list, "List the rules, and read nothing");
  command.callback([path, format, json, list, &exit_code] {
    const bool as_json = *json || *format == "json";
    if (*list) return print_rules(as_json);
    exit_code = validate(*path, as_json);
  });
}

}  // namespace

void add_spec_commands(Command app, const std::vector<std::string>& words, int& exit_code) {
  const Command spec = app.command("spec", "Work on a bundle's config.json");
  spec.needs_command();
  add_generate_command(spec, words);
  add_apply(spec);
  add_validate(spec, exit_code);
}

}  // namespace hookcore::cli

#include "hooks/cli/container_options.h"

#include <sys/stat.h>
#include <unistd.h>

#include <optional>
#include <string_view>

#include "hooks/cli/named.h"
#include "hooks/cli/subordinate_ids.h"
#include "libhookcore/base/error.h"
#include "libhookcore/base/text.h"
#include "libhookcore/optin/request.h"

namespace hookcore::cli {

namespace {

std::string directory(const std::string& path, Code code) {
  std::string real = real_path(path, code);
  struct stat status {};
  if (::stat(real.c_str(), &status) != 0) throw SystemError("stat", path, errno, code);
  if (!S_ISDIR(status.st_mode)) throw Error(code, "this is no directory", quote(path));
  return real;
}

oci::User parse_user(std::string_view text) {
  const std::string_view uid_text = text.substr(0, text.find(':'));
  const auto uid = parse_number<uint32_t>(uid_text);
  const auto gid = uid_text.size() == text.size()
                       ? uid
                       : parse_number<uint32_t>(text.substr(uid_text.size() + 1));
  if (!uid || !gid) {
    throw Error(Code::kUsage, "not a user: " + quote(text), "--user",
                "write UID or UID:GID, in numbers");
  }
  return {*uid, *gid, {}};
}

bundle::UserNamespace user_namespace(const oci::User& user) {
  const SubordinateIds granted = own_subordinate_ids();
  return {bundle::map_ids(::getuid(), user.uid, granted.uids),
          bundle::map_ids(::getgid(), user.gid, granted.gids)};
}

void add_binds(const ContainerOptions& options, bundle::Options& plan) {
  const auto add = [&](const std::string& path, const char* destination, bool readonly) {
    if (!path.empty()) plan.binds.push_back({directory(path, Code::kUsage), destination, readonly});
  };
  add(options.layers, "/layers", false);
  add(options.cnb, "/cnb", true);
  add(options.platform, "/platform", true);
}

void add_annotations(const ContainerOptions& options, bundle::Options& plan) {
  for (const std::string& annotation : options.annotations) {
    const size_t equals = annotation.find('=');
    if (equals == 0 || equals == annotation.npos) {
      throw Error(Code::kUsage, "not an annotation: " + quote(annotation), "--annotation",
                  "write KEY=VALUE");
    }
    plan.annotations[annotation.substr(0, equals)] = annotation.substr(equals + 1);
  }
  plan.annotations[std::string(optin::kRoleKey)] = options.role;
  if (!options.session.empty()) plan.annotations["io.cnb.hooks.session"] = options.session;
}

std::vector<std::string> variables(const ContainerOptions& options) {
  for (const std::string& entry : options.env) {
    const size_t equals = entry.find('=');
    if (equals == 0 || equals == entry.npos) {
      throw Error(Code::kUsage, "not a variable: " + quote(entry), "--env", "write NAME=VALUE");
    }
  }
  return options.env;
}

}  // namespace

std::shared_ptr<ContainerOptions> add_container_options(Command command,
                                                        const std::vector<std::string>& words) {
  auto options = std::make_shared<ContainerOptions>();
  options->command = words;
  command.option("DIR", options->directory, "The source, for /workspace (default: .)");
  command.option("--role", options->role, "What the container is (default: dev)")
      .type("ROLE")
      .one_of({"dev", "build", "detect", "launch"});
  const auto directory_option = [&](const char* name, std::string& value, const char* text) {
    command.option(name, value, text).type("DIR");
  };
  directory_option("--cnb", options->cnb, "A directory for /cnb, read-only");
  directory_option("--layers", options->layers, "A directory for /layers, instead of scratch");
  directory_option("--platform", options->platform, "A directory for /platform, read-only");
  command.option("--session", options->session, "The annotation io.cnb.hooks.session").type("NAME");
  command.option("--annotation", options->annotations, "An annotation; may be repeated")
      .type("KEY=VALUE")
      .repeated();
  command.option("--env,-e", options->env, "A variable; may be repeated")
      .type("NAME=VALUE")
      .repeated();
  command.option("--user,-u", options->user, "Of the process (default: 0:0)").type("UID[:GID]");
  command.option("--hostname", options->hostname, "Of the container (default: cnb)").type("NAME");
  command.option("--network", options->network, "none, or host: the host's own")
      .type("NETWORK")
      .one_of({"none", "host"});
  command.flag("--readonly-rootfs", options->readonly_rootfs, "Nothing is written to the rootfs");
  command.flag("--tty,-t", options->terminal, "A terminal for the process");
  directory_option("--hooks-dir", options->hooks_directory,
                   "Where the hooks are (default: this program's installation)");
  return options;
}

bundle::Options bundle_options(const ContainerOptions& options) {
  bundle::Options plan;
  plan.source = directory(options.directory, Code::kSource);
  plan.args = options.command;
  plan.env = variables(options);
  plan.user = parse_user(options.user);
  plan.terminal = options.terminal;
  plan.hostname = options.hostname;
  plan.host_network = options.network == "host";
  plan.rootfs_readonly = options.readonly_rootfs;
  add_binds(options, plan);
  add_annotations(options, plan);
  if (::geteuid() != 0) {
    plan.user_namespace = user_namespace(plan.user);
    plan.starter = environment::Starter::kPlainUser;
  }
  plan.hooks_directory = options.hooks_directory.empty() ? environment::installed_hooks_directory()
                                                         : options.hooks_directory;
  return plan;
}

std::vector<std::string> take_command(std::vector<std::string>& words) {
  const bool takes =
      !words.empty() &&
      (words[0] == "run" || (words.size() > 1 && words[0] == "spec" && words[1] == "generate"));
  if (!takes) return {};
  size_t before = 0;
  while (before < words.size() && words[before] != "--") ++before;
  if (before == words.size()) return {};
  const auto rest = words.begin() + static_cast<ptrdiff_t>(before);
  std::vector<std::string> command(rest + 1, words.end());
  words.resize(before);
  return command;
}

}  // namespace hookcore::cli

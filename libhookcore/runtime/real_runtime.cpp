#include "libhookcore/runtime/real_runtime.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <memory>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/file.h"

namespace hookcore::runtime {

namespace {

constexpr std::string_view kDefaults[] = {"runc", "crun"};
constexpr const char* kRemedy = "set runtime in config.toml to the runtime's name or absolute path";

enum class Verdict { kFit, kAbsent, kOurselves };

std::string_view file_name(std::string_view path) { return path.substr(path.rfind('/') + 1); }

/// Empty for one that may be executed, but not read. One that can't be looked at for any other
/// reason isn't taken for another than we are.
sys::UniqueFd open_program(const std::string& path) {
  sys::UniqueFd file(sys::plain_openat(AT_FDCWD, path.c_str(), O_RDONLY | O_CLOEXEC | O_NOCTTY));
  if (!file && errno != EACCES) throw SystemError("open", path, errno);
  return file;
}

/// What stands there, up to so many bytes; fewer at the end of the file only.
std::string read_at(int fd, off_t at, size_t size) {
  std::string text(size, '\0');
  size_t filled = 0;
  while (filled < size) {
    const ssize_t got = sys::uninterrupted([&] {
      return ::pread(fd, text.data() + filled, size - filled, at + static_cast<off_t>(filled));
    });
    if (got < 0) throw SystemError("pread", "a program", errno);
    if (got == 0) break;
    filled += static_cast<size_t>(got);
  }
  text.resize(filled);
  return text;
}

/// Whether two files of one size have the same bytes: a copy of this program under another name
/// would find the first again, and so on for ever.
bool same_bytes(int a, int b) {
  constexpr size_t kBlock = size_t{64} << 10;
  for (off_t at = 0;; at += static_cast<off_t>(kBlock)) {
    const std::string part = read_at(a, at, kBlock);
    if (part != read_at(b, at, kBlock)) return false;
    if (part.size() < kBlock) return true;
  }
}

/// A script that names this program would call it again.
bool is_script_of_ours(int fd) {
  constexpr size_t kMaxScript = size_t{64} << 10;
  if (read_at(fd, 0, 2) != "#!") return false;
  const std::string text = read_at(fd, 0, kMaxScript);
  return text.find(kProgramName) != text.npos;
}

Verdict judge(const std::string& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0 || !S_ISREG(status.st_mode) ||
      ::access(path.c_str(), X_OK) != 0) {
    return Verdict::kAbsent;
  }
  struct stat own {};
  if (::stat("/proc/self/exe", &own) != 0) throw SystemError("stat", "/proc/self/exe", errno);
  if (status.st_dev == own.st_dev && status.st_ino == own.st_ino) return Verdict::kOurselves;
  const sys::UniqueFd file = open_program(path);
  if (!file) return Verdict::kFit;
  if (is_script_of_ours(file.get())) return Verdict::kOurselves;
  if (status.st_size != own.st_size) return Verdict::kFit;
  const sys::UniqueFd ours = open_program("/proc/self/exe");
  return ours && same_bytes(file.get(), ours.get()) ? Verdict::kOurselves : Verdict::kFit;
}

/// crun, also by another name such as krun or a link of update-alternatives.
Dialect dialect_of(const std::string& path) {
  const std::unique_ptr<char, decltype(&std::free)> real(::realpath(path.c_str(), nullptr),
                                                         &std::free);
  const std::string_view name = file_name(real != nullptr ? real.get() : path.c_str());
  const bool is_crun = name.find("crun") != name.npos || name.find("krun") != name.npos;
  return is_crun ? Dialect::kGetopt : Dialect::kGo;
}

[[noreturn]] void refuse_ourselves(std::string_view path) {
  throw Error(Code::kSettings, "the runtime is oci-cnb-runtime itself", quote(path), kRemedy);
}

std::string directories() {
  std::string list;
  for (const std::string_view directory : kProgramDirectories) {
    list.append(list.empty() ? "" : ", ").append(directory);
  }
  return list;
}

std::optional<RealRuntime> look_for(std::string_view name, bool& met_ourselves) {
  for (const std::string_view directory : kProgramDirectories) {
    std::string path = std::string(directory) + "/" + std::string(name);
    const Verdict verdict = judge(path);
    if (verdict == Verdict::kFit) return RealRuntime{path, dialect_of(path)};
    met_ourselves = met_ourselves || verdict == Verdict::kOurselves;
  }
  return std::nullopt;
}

RealRuntime at_path(const std::string& path) {
  switch (judge(path)) {
    case Verdict::kFit:
      return {path, dialect_of(path)};
    case Verdict::kOurselves:
      refuse_ourselves(path);
    case Verdict::kAbsent:
      break;
  }
  throw Error(Code::kSettings, "the runtime is no program that can be executed", quote(path),
              kRemedy);
}

RealRuntime by_name(std::string_view name) {
  bool met_ourselves = false;
  if (auto found = look_for(name, met_ourselves)) return *found;
  if (met_ourselves) refuse_ourselves(name);
  throw Error(Code::kSettings, "there is no runtime " + quote(name), directories(), kRemedy);
}

/// NAME of "…/oci-cnb-runtime.NAME".
std::string_view name_asked_for(std::string_view called_as) {
  const std::string_view name = file_name(called_as);
  if (!name.starts_with(kProgramName) || name.size() < kProgramName.size() + 2) return {};
  return name[kProgramName.size()] == '.' ? name.substr(kProgramName.size() + 1)
                                          : std::string_view();
}

}  // namespace

RealRuntime find_runtime(std::string_view called_as, const std::optional<std::string>& configured) {
  const std::string_view asked = name_asked_for(called_as);
  if (!asked.empty()) return by_name(asked);
  if (configured) return configured->starts_with('/') ? at_path(*configured) : by_name(*configured);
  bool met_ourselves = false;
  for (const std::string_view name : kDefaults) {
    if (auto found = look_for(name, met_ourselves)) return *found;
  }
  throw Error(Code::kSettings, "there is neither runc nor crun", directories(), kRemedy);
}

}  // namespace hookcore::runtime

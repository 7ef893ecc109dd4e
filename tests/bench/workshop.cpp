#include "tests/bench/workshop.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "libhookcore/base/error.h"
#include "tests/bench/process.h"

namespace bench {

using hookcore::Error;
using hookcore::SystemError;

Workshop::Workshop() {
  // NOLINTNEXTLINE(concurrency-mt-unsafe): no thread is there yet
  const char* base = std::getenv("TMPDIR");
  path_ = std::string(base != nullptr ? base : "/var/tmp") + "/bench.XXXXXX";
  if (::mkdtemp(path_.data()) == nullptr) throw SystemError("mkdtemp", path_, errno);
}

Workshop::~Workshop() {
  try {
    run({{"/bin/rm", "-rf", "--one-file-system", path_}, {}});
  } catch (const Error& error) {
    std::fprintf(stderr, "%s\n", error.line().c_str());
  }
}

std::string Workshop::directory(const std::string& name) const {
  if (::mkdir(path(name).c_str(), 0755) != 0) throw SystemError("mkdir", path(name), errno);
  return path(name);
}

void Workshop::remove(const std::string& name) const {
  run({{"/bin/rm", "-rf", "--one-file-system", path(name)}, {}});
}

}  // namespace bench

#include "tests/unit/support/sandbox.h"

#include <fcntl.h>
#include <grp.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <stdexcept>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/remove.h"

#ifdef OCI_CNB_COUNTS
extern "C" void __gcov_dump(void);  // gcc(1): there is no header
#endif

namespace sandbox {
namespace {

constexpr int kSkipped = 77;
constexpr uid_t kPlainUser = 54321;  // nobody's on any machine

struct Skip {
  std::string reason;
};

std::string base_directory() {
  const char* named = std::getenv("TMPDIR");
  return named != nullptr ? named : "/var/tmp";
}

void write_file(const char* path, const std::string& text) {
  const hookcore::sys::UniqueFd file(::open(path, O_WRONLY | O_CLOEXEC));
  if (!file || ::write(file.get(), text.data(), text.size()) < 0) throw std::runtime_error(path);
}

void become_plain_user() {
  if (::geteuid() != 0) return;
  if (::setgroups(0, nullptr) != 0 || ::setresgid(kPlainUser, kPlainUser, kPlainUser) != 0 ||
      ::setresuid(kPlainUser, kPlainUser, kPlainUser) != 0) {
    throw std::runtime_error("setresuid");
  }
  ::prctl(PR_SET_DUMPABLE, 1);  // or /proc/self/uid_map would be root's
}

void enter(As as) {
  if (as == As::kRoot) {
    if (::unshare(CLONE_NEWNS) != 0) skip("root without CAP_SYS_ADMIN");
  } else {
    become_plain_user();
    if (as == As::kPlain) return;
    const std::string uid = std::to_string(::geteuid());
    const std::string gid = std::to_string(::getegid());
    if (::unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) {
      skip("this machine allows a plain user no user namespace");
    }
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/uid_map", "0 " + uid + " 1\n");
    write_file("/proc/self/gid_map", "0 " + gid + " 1\n");
  }
  if (::mount("", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) throw std::runtime_error("/");
}

int child(As as, const std::string& path, const std::function<void(const Place&)>& body,
          int reason_fd) {
  try {
    enter(as);
    const hookcore::sys::UniqueFd fd(::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    body({path, fd.get(), as});
  } catch (const Skip& skipped) {
    if (::write(reason_fd, skipped.reason.data(), skipped.reason.size()) < 0) return 1;
    return kSkipped;
  } catch (const hookcore::Error& error) {
    ADD_FAILURE() << "thrown: " << error.line();
  } catch (const std::exception& error) {
    ADD_FAILURE() << "thrown: " << error.what();
  }
  return testing::Test::HasFailure() ? 1 : 0;
}

std::string make_directory(As as) {
  std::string path = base_directory() + "/oci-cnb-test-XXXXXX";
  if (::mkdtemp(path.data()) == nullptr) throw std::runtime_error("mkdtemp " + path);
  if (as != As::kRoot && ::geteuid() == 0 && ::chown(path.c_str(), kPlainUser, kPlainUser) != 0) {
    throw std::runtime_error("chown " + path);
  }
  return path;
}

std::string read_to_end(int fd) {
  std::string text;
  char buffer[512];
  for (ssize_t got = 0; (got = ::read(fd, buffer, sizeof buffer)) > 0;) {
    text.append(buffer, static_cast<size_t>(got));
  }
  return text;
}

}  // namespace

std::string name(As as) {
  switch (as) {
    case As::kRoot:
      return "Root";
    case As::kUser:
      return "UserNamespace";
    case As::kPlain:
      return "PlainUser";
  }
  return "";
}

InMemory::InMemory(const Place& on_disk) : place(on_disk) {
  if (::mount("tmpfs", on_disk.path.c_str(), "tmpfs", 0, nullptr) != 0) {
    throw std::runtime_error("tmpfs");
  }
  fd.reset(::open(on_disk.path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  place.fd = fd.get();
}

void skip(const std::string& reason) { throw Skip{reason}; }

void run(As as, const std::function<void(const Place&)>& body) {
  if (as == As::kRoot && ::geteuid() != 0) GTEST_SKIP() << "only root can try this";
  const std::string path = make_directory(as);
  int ends[2];
  ASSERT_EQ(0, ::pipe2(ends, O_CLOEXEC));
  hookcore::sys::UniqueFd reader(ends[0]);
  hookcore::sys::UniqueFd writer(ends[1]);
  const int status = in_child([&] {
    const int code = child(as, path, body, writer.get());
    std::fflush(nullptr);
    leave(code);
  });
  writer.reset();
  const std::string reason = read_to_end(reader.get());
  const hookcore::sys::UniqueFd base(::open(base_directory().c_str(), O_RDONLY | O_DIRECTORY));
  const auto removed =
      hookcore::sys::remove_tree(base.get(), path.substr(base_directory().size() + 1));
  EXPECT_TRUE(removed.complete()) << removed.first_left;
  if (WIFEXITED(status) && WEXITSTATUS(status) == kSkipped) GTEST_SKIP() << reason;
  EXPECT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0)
      << "failed in the child, status " << status << ", as " << name(as);
}

void leave(int code) {
#ifdef OCI_CNB_COUNTS
  // In a user namespace the counts of others can't be written, and gcov would say so on stderr.
  if (::access(OCI_CNB_COUNTS, W_OK) == 0) __gcov_dump();
#endif
  ::_exit(code);
}

int in_child(const std::function<void()>& body) {
  std::fflush(nullptr);
  const pid_t pid = ::fork();
  if (pid < 0) throw std::runtime_error("fork");
  if (pid == 0) {
    body();
    std::fflush(nullptr);
    leave(0);
  }
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  return status;
}

}  // namespace sandbox

#include "libhookcore/doctor/way_trial.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <nlohmann/json.hpp>

#include "libhookcore/base/error.h"
#include "libhookcore/copy/copy.h"
#include "libhookcore/fuse/trial.h"
#include "libhookcore/ignore/rules.h"
#include "libhookcore/overlay/workspace.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/way_book.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/mount.h"
#include "libhookcore/sys/namespace.h"
#include "libhookcore/sys/process.h"
#include "libhookcore/sys/remove.h"

namespace hookcore::doctor {
namespace {

using Json = nlohmann::json;

constexpr const char* kPrefix = "doctor.";
constexpr const char* kRoomName = "room";  // stands for a session's directory
constexpr const char* kSourceName = "source";
constexpr const char* kStageName = "stage";  // for a container's rootfs
constexpr size_t kMaxAnswer = 65536;

sys::UniqueFd open_directory(const std::string& path, Code code) {
  return sys::open_named(path, O_PATH | O_DIRECTORY, code);
}

sys::UniqueFd make_directory(int parent, const std::string& name) {
  if (::mkdirat(parent, name.c_str(), 0700) != 0) {
    throw SystemError("mkdirat", "scratch directory", errno, Code::kScratch,
                      "set scratch-dir in config.toml to a directory that is writable");
  }
  return sys::open_at(parent, name, O_RDONLY | O_DIRECTORY, sys::Resolve::kStrict);
}

// Something to copy must be in it.
sys::UniqueFd make_source(int parent) {
  sys::UniqueFd source = make_directory(parent, kSourceName);
  const sys::UniqueFd file =
      sys::open_at(source.get(), "file", O_CREAT | O_EXCL | O_WRONLY, sys::Resolve::kStrict, 0600);
  sys::write_all(file.get(), "contents", "file");
  return source;
}

void remove(int parent, const std::string& name) {
  try {
    static_cast<void>(sys::remove_tree(parent, name));
  } catch (const Error&) {
    // The next doctor finds it.
  }
}

/// The trial's directory: its own lock while it lives, so that what a killed doctor has left can be
/// told from what another one works in.
class Place {
 public:
  explicit Place(const std::string& scratch)
      : parent_(sys::reopen_directory(open_directory(scratch, Code::kScratch).get())),
        name_(kPrefix + std::to_string(::getpid())) {
    remove_leftovers();
    directory_ = make_directory(parent_.get(), name_);
    ::flock(directory_.get(), LOCK_EX | LOCK_NB);
    path_ = scratch + "/" + name_;
  }
  ~Place() { remove(parent_.get(), name_); }
  Place(const Place&) = delete;
  Place& operator=(const Place&) = delete;

  const std::string& path() const { return path_; }
  int fd() const { return directory_.get(); }

 private:
  void remove_leftovers() const {
    for (const std::string& name : sys::list_directory(parent_.get())) {
      if (!name.starts_with(kPrefix)) continue;
      const int fd = sys::open_at_raw(parent_.get(), name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW,
                                      sys::Resolve::kStrict);
      if (fd < 0) continue;
      const sys::UniqueFd leftover(fd);
      const bool ours = sys::stat_fd(fd, name).st_uid == ::geteuid();
      if (ours && ::flock(fd, LOCK_EX | LOCK_NB) == 0) remove(parent_.get(), name);
    }
  }

  sys::UniqueFd parent_;
  std::string name_;
  std::string path_;
  sys::UniqueFd directory_;
};

/// Keys of the terminal wait until everything is removed.
class SignalPause {
 public:
  SignalPause() {
    sigset_t set{};
    ::sigemptyset(&set);
    for (const int number : {SIGINT, SIGQUIT, SIGTERM, SIGHUP}) ::sigaddset(&set, number);
    ::sigprocmask(SIG_BLOCK, &set, &old_);
  }
  ~SignalPause() { ::sigprocmask(SIG_SETMASK, &old_, nullptr); }
  SignalPause(const SignalPause&) = delete;
  SignalPause& operator=(const SignalPause&) = delete;

 private:
  sigset_t old_{};
};

/// The ways, in the namespaces in which they are tried.
class Trial {
 public:
  Trial(const WayQuestion& question, const sys::Proc& proc, const std::string& path)
      : question_(question),
        proc_(proc),
        path_(path),
        directory_(open_directory(path, Code::kScratch)),
        room_(make_directory(directory_.get(), kRoomName)),
        mount_(question.source.empty() ? make_source(directory_.get())
                                       : open_directory(question.source, Code::kSource)),
        rules_(ignore::load_rules(mount_.get(), {})),
        user_xattr_(!proc.in_initial_user_namespace()) {}

  WayAnswer run(sys::MountApi& api) {
    WayAnswer answer;
    answer.read_only = sys::mount_flags(mount_.get()).read_only;
    source_ = overlay::clone_source(api, mount_.get());
    const bool has_upper = !answer.read_only;
    if (has_upper && !question_.tmpfs) refuse_scratch_inside();
    const auto take = [&](Way way) {
      switch (way) {
        case Way::kOverlay:
          return try_overlay(api, has_upper);
        case Way::kFuse:
          return try_fuse(api);
        case Way::kReflink:
        case Way::kCopy:
          answer.bytes = try_copy(way);
      }
    };
    answer.way = take_first([this](Way way) { return question_.policy.obstacle(way); }, take,
                            answer.refusals);
    return answer;
  }

  /// What covers it goes with the namespace.
  std::unique_ptr<sys::MountApi> legacy_api() {
    const sys::UniqueFd stage = make_directory(directory_.get(), kStageName);
    const std::string path = path_ + "/" + kStageName;
    return sys::make_legacy_mount_api(proc_, open_directory(path, Code::kScratch).get(), path);
  }

 private:
  void refuse_scratch_inside() const {
    overlay::refuse_scratch_inside(proc_, source_.get(), directory_.get());
  }

  void try_overlay(sys::MountApi& api, bool has_upper) {
    try {
      sys::UniqueFd scratch;
      if (has_upper && question_.tmpfs) {
        scratch = api.tmpfs({});
      } else if (has_upper) {
        overlay::probe_upper(proc_, room_.get(), user_xattr_);
        scratch = api.clone(room_.get(), false);
      }
      if (scratch) overlay::prepare_upper(scratch.get(), source_.get());
      const overlay::WorkspacePlan plan{rules_, user_xattr_, {}};
      overlay::assemble(api, plan, source_.get(), scratch ? scratch.get() : -1);
    } catch (const overlay::OverlayRefused& refused) {
      throw WayRefused(refused.what(), refused.remedy());
    }
  }

  void try_fuse(sys::MountApi& api) {
    fuse::require_available();
    try {
      fuse::try_out(api, room_.get(), [&](int masks, int source, int scratch) {
        return fuse::Launch(api, fuse_plan(masks, source, scratch));
      });
    } catch (const Error& error) {
      throw WayRefused(error.what());
    }
    refuse_noted_fuse();
  }

  // Containers go by what the first of this boot has found out; the program may be another since.
  void refuse_noted_fuse() const {
    const int fd =
        sys::open_at_raw(AT_FDCWD, question_.scratch, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
    if (fd < 0) return;
    const sys::UniqueFd store(fd);
    const session::WayBook book(fd, proc_.boot_id(), source_.get(), room_.get(), user_xattr_);
    const auto known = book.find(Way::kFuse);
    if (!known || known->works) return;
    throw WayRefused("it works now, but was noted not to in this boot: " + known->reason,
                     "rm " + question_.scratch + "/" + session::kWayBookFile);
  }

  fuse::Plan fuse_plan(int masks, int source, int scratch) const {
    fuse::Plan plan;
    plan.mount.source = "oci-cnb";
    plan.mask = masks;
    plan.source = source;
    plan.scratch = scratch;
    plan.rootfs = path_ + "/" + kStageName;
    plan.program = question_.programs + "/" + fuse::kHelperName;
    plan.container = "oci-cnb doctor";
    plan.session = "doctor";
    plan.session_directory = room_.get();
    return plan;
  }

  uint64_t try_copy(Way way) const {
    if (question_.tmpfs) throw WayRefused("a copy lies on disk, not in memory");
    refuse_scratch_inside();
    copy::Options options;
    options.method = way == Way::kReflink ? copy::Method::kReflink : copy::Method::kPlain;
    options.limit_bytes = question_.policy.copy_limit_bytes;
    try {
      const uint64_t bytes = copy::try_copy(source_.get(), rules_, room_.get(), options);
      require_room(bytes);
      return bytes;
    } catch (const copy::Refused& refused) {
      throw WayRefused(refused.what(), refused.remedy());
    }
  }

  // No way is tried after a copy that has filled the disk.
  void require_room(uint64_t bytes) const {
    struct ::statvfs room {};
    if (::fstatvfs(room_.get(), &room) != 0) throw SystemError("fstatvfs", "scratch", errno);
    const uint64_t free = uint64_t{room.f_bavail} * room.f_frsize;
    if (bytes <= free) return;
    throw Error(Code::kScratch,
                "a copy of the visible files takes " + std::to_string(bytes) +
                    " bytes, and there is room for " + std::to_string(free),
                "", "make room, or set scratch-dir in config.toml to a directory on another disk");
  }

  const WayQuestion& question_;
  const sys::Proc& proc_;
  std::string path_;
  sys::UniqueFd directory_;
  sys::UniqueFd room_;
  sys::UniqueFd mount_;  ///< the source as an engine would mount it
  ignore::RuleSet rules_;
  bool user_xattr_;
  sys::UniqueFd source_;
};

WayAnswer refusal(const Error& error) {
  WayAnswer answer;
  answer.problem = error.what();
  if (!error.where().empty()) answer.problem += "; " + error.where();
  answer.remedy = error.remedy();
  return answer;
}

WayAnswer answer_in_child(const WayQuestion& question, const Place& place) {
  try {
    const sys::Proc proc = sys::Proc::open();
    question.rootful ? sys::unshare_mounts() : sys::unshare_as_root(proc);
    Trial trial(question, proc, place.path());
    try {
      return trial.run(*sys::make_new_mount_api());
    } catch (const sys::MountApiUnavailable&) {
      return trial.run(*trial.legacy_api());
    }
  } catch (const Error& error) {
    return refusal(error);
  } catch (const std::exception& error) {
    return refusal(Error(Code::kSystem, error.what()));
  }
}

// The helper of fuse-overlayfs ends with its mount, and fuse-overlayfs before it.
void await_children() {
  while (::waitpid(-1, nullptr, 0) >= 0 || errno == EINTR) {
  }
}

std::string to_text(const WayAnswer& answer) {
  Json refusals = Json::array();
  for (const WayRefusal& one : answer.refusals) {
    refusals.push_back({name(one.way), one.reason, one.remedy});
  }
  const Json json = {{"way", answer.way ? name(*answer.way) : ""},
                     {"refusals", refusals},
                     {"read-only", answer.read_only},
                     {"bytes", answer.bytes},
                     {"problem", answer.problem},
                     {"remedy", answer.remedy}};
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

WayAnswer from_text(const std::string& text) {
  WayAnswer answer;
  try {
    const Json json = Json::parse(text);
    answer.way = parse_way(json.at("way").get<std::string>());
    for (const Json& one : json.at("refusals")) {
      answer.refusals.push_back(
          {parse_way(one.at(0).get<std::string>()).value(), one.at(1), one.at(2)});
    }
    answer.read_only = json.at("read-only");
    answer.bytes = json.at("bytes");
    answer.problem = json.at("problem");
    answer.remedy = json.at("remedy");
  } catch (const std::exception&) {
    answer.problem = "the process in which the ways were tried was killed";
    answer.remedy = "try again";
  }
  return answer;
}

}  // namespace

WayAnswer try_ways(const WayQuestion& question) {
  const SignalPause pause;
  try {
    const Place place(question.scratch);
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) throw SystemError("pipe2", "trial", errno);
    const sys::UniqueFd listener(ends[0]);
    sys::UniqueFd speaker(ends[1]);
    const pid_t child = ::fork();
    if (child < 0) throw SystemError("fork", "trial", errno);
    if (child == 0) {
      sys::write_all(speaker.get(), to_text(answer_in_child(question, place)), "pipe");
      await_children();
      // What its namespace owns can't be removed from outside of it.
      remove(place.fd(), kRoomName);
      ::_exit(0);
    }
    speaker.reset();
    const std::string text = sys::read_all(listener.get(), kMaxAnswer, "pipe");
    while (::waitpid(child, nullptr, 0) < 0 && errno == EINTR) {
    }
    return from_text(text);
  } catch (const Error& error) {
    return refusal(error);
  }
}

}  // namespace hookcore::doctor

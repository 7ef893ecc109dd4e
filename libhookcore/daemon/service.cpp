#include "libhookcore/daemon/service.h"

#include <fcntl.h>
#include <malloc.h>
#include <poll.h>
#include <sys/file.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>

#include "libhookcore/base/path.h"
#include "libhookcore/daemon/silent_pods.h"
#include "libhookcore/daemon/socket.h"
#include "libhookcore/session/layout.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/file.h"
#include "libhookcore/sys/process.h"

namespace hookcore::daemon {
namespace {

/// NRI's default registration timeout.
constexpr std::chrono::seconds kRegistration{5};
/// For what nobody tells of: hooks that were killed, idle sessions.
constexpr std::chrono::minutes kCollection{10};
/// Pods are often removed many at a time: one collection for all.
constexpr std::chrono::milliseconds kTogether{200};
/// The last of a pod that is removed may end a little later.
constexpr std::chrono::seconds kAgain{10};

sys::UniqueFd take_lock(const std::string& path) {
  sys::UniqueFd lock =
      sys::open_at(AT_FDCWD, path, O_RDWR | O_CREAT | O_NOFOLLOW, sys::Resolve::kHost, 0600);
  if (::flock(lock.get(), LOCK_EX | LOCK_NB) == 0) return lock;
  if (errno != EWOULDBLOCK) throw SystemError("flock", path, errno);
  throw Error(Code::kSystem, "another oci-cnb-nri is running", quote(path),
              "two of one name make every creation of a container fail: stop it first");
}

sys::UniqueFd catch_signals() {
  sigset_t set;
  ::sigemptyset(&set);
  ::sigaddset(&set, SIGTERM);
  ::sigaddset(&set, SIGINT);
  if (::sigprocmask(SIG_BLOCK, &set, nullptr) != 0) throw SystemError("sigprocmask", "", errno);
  sys::UniqueFd fd(::signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK));
  if (!fd) throw SystemError("signalfd", "", errno);
  return fd;
}

settings::Settings load(const std::string& config) {
  return settings::load_settings(settings::HostUser{}, {config, {}});
}

struct Place {
  std::string directory;
  std::string name;
};

Place split(const std::string& path) {
  const std::string whole = normalise_path(path);
  return {parent_path(whole), base_name(whole)};
}

sys::UniqueFd open_directory(const std::string& path) {
  return sys::open_at(AT_FDCWD, path, O_RDONLY | O_DIRECTORY, sys::Resolve::kHost);
}

std::string pod_name(const nri::proto::CreateContainerRequest& request) {
  return request.pod().namespace_() + "/" + request.pod().name();
}

EventLog::Fields fields_of(const nri::proto::CreateContainerRequest& request,
                           const std::string& pod) {
  return {
      {"pod", pod}, {"container", request.container().name()}, {"id", request.container().id()}};
}

}  // namespace

std::chrono::milliseconds Backoff::next() {
  const auto half = step_.count() / 2;
  const std::chrono::milliseconds wait(
      half + std::uniform_int_distribution<std::chrono::milliseconds::rep>(0, half)(random_));
  step_ = std::min(step_ * 2, kMax);
  return wait;
}

Service::Service(Options options)
    : options_(std::move(options)),
      lock_(take_lock(options_.lock_file)),
      signals_(catch_signals()),
      plugin_([this] { return load(options_.config); }, options_.hooks_directory, *this),
      collector_([this] { return collect_in_child(); }),
      backoff_(static_cast<uint32_t>(::getpid()) ^
               static_cast<uint32_t>(Clock::now().time_since_epoch().count())),
      collect_at_(Clock::now() + kCollection) {
  static_cast<void>(load(options_.config));  // a wrong file is told now, not with the first pod
  if (!options_.ready_file.empty()) {
    const Place place = split(options_.ready_file);
    ::unlinkat(open_directory(place.directory).get(), place.name.c_str(), 0);
  }
  if (options_.metrics.empty()) return;
  endpoint_.emplace(listen_at(options_.metrics),
                    [this](const std::string& path) { return page(path); });
}

Service::~Service() {
  constexpr std::string_view kUnix = "unix:";
  if (options_.metrics.starts_with(kUnix)) ::unlink(options_.metrics.c_str() + kUnix.size());
  if (ready_ && !options_.ready_file.empty()) ::unlink(options_.ready_file.c_str());
}

std::string Service::store_root() const {
  if (!options_.state_directory.empty()) return options_.state_directory;
  return load(options_.config).scratch_dir.value_or(session::default_root(true, 0, {}));
}

Page Service::page(const std::string& path) {
  if (path == "/ready") return ready_ ? Page{200, "ready\n"} : Page{503, "not connected\n"};
  if (path != "/metrics") return {404, "see /metrics and /ready\n"};
  metrics_.log_lines_dropped = log_.dropped();
  try {
    const auto store = session::Store::open_existing(store_root());
    metrics_.sessions = store ? store->names().size() : 0;
  } catch (const Error& error) {
    log_.warning("sessions can't be counted", {{"error", error.line()}});
  }
  return {200, metrics_.text()};
}

void Service::run() {
  log_.info("started", {{"version", OCI_CNB_VERSION}, {"socket", options_.socket}});
  while (!stopping_) {
    const Clock::time_point now = Clock::now();
    if (!socket_ && now >= connect_at_) try_connect();
    if (socket_ && !registered_ && now >= register_until_) {
      disconnect("the runtime did not answer the registration");
    }
    if (now >= look_at_) look_after_silent_pods();
    if (now >= collect_at_) collect();
    wait();
  }
  log_.info("stopped");
}

int Service::wait_milliseconds() const {
  Clock::time_point until = std::min(collect_at_, look_at_);
  if (!socket_) until = std::min(until, connect_at_);
  if (socket_ && !registered_) until = std::min(until, register_until_);
  // Clients of the endpoint run out of time too.
  if (endpoint_ && endpoint_->has_clients()) {
    until = std::min(until, Clock::now() + std::chrono::seconds(1));
  }
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
  return static_cast<int>(std::max<std::chrono::milliseconds::rep>(0, left.count()));
}

void Service::wait() {
  std::vector<struct pollfd> polled{{signals_.get(), POLLIN, 0}, {collector_.fd(), POLLIN, 0}};
  short socket_events = POLLIN;
  if (connection_ && !connection_->output().empty()) socket_events |= POLLOUT;
  polled.push_back({socket_.get(), socket_events, 0});
  if (endpoint_) endpoint_->add_to(polled);
  if (::poll(polled.data(), polled.size(), wait_milliseconds()) < 0) {
    if (errno == EINTR) return;
    throw SystemError("poll", "", errno);
  }
  stopping_ = polled[0].revents != 0;
  if (polled[2].revents != 0) exchange();
  if (polled[1].revents != 0) finish_collection();
  if (endpoint_) endpoint_->step(Clock::now());
}

void Service::try_connect() {
  try {
    socket_ = connect_unix(options_.socket);
  } catch (const Error& error) {
    connect_at_ = Clock::now() + backoff_.next();
    // Said once, not with every attempt.
    if (error.line() != last_trouble_) {
      last_trouble_ = error.line();
      log_.warning("waiting for the runtime", {{"error", last_trouble_}});
    }
    return;
  }
  last_trouble_.clear();
  ++metrics_.connections;
  pids_are_ours_ = peer_shares_pids(socket_.get());
  registered_ = synchronized_ = false;
  register_until_ = Clock::now() + kRegistration;
  connection_ = std::make_unique<nri::Connection>(
      [this](std::string_view service, std::string_view method, std::string_view payload) {
        return answer(service, method, payload);
      });
  connection_->call(nri::kRuntimeService, "RegisterPlugin",
                    nri::registration(options_.name, options_.index),
                    [this](const nri::Reply& reply) { registered(reply); });
}

void Service::disconnect(const std::string& why) {
  log_.warning(
      "disconnected: containers start unadjusted until we are back, unless a guard "
      "refuses them",
      {{"reason", why}});
  socket_.reset();
  connection_.reset();
  silent_.clear();
  metrics_.connected = false;
  if (ready_ && !options_.ready_file.empty()) ::unlink(options_.ready_file.c_str());
  ready_ = false;
  connect_at_ = Clock::now() + backoff_.next();
}

void Service::exchange() {
  try {
    const bool open = read_some();
    if (open) {
      write_some();
    } else {
      disconnect("the runtime closed the connection");
    }
  } catch (const Error& error) {
    disconnect(error.line());
  }
  if (fatal_) throw Error(*fatal_);
}

// false: the other side has closed.
bool Service::read_some() {
  std::array<char, size_t{64} << 10> bytes;  // NOLINT(*-member-init): read fills it
  while (true) {
    const ssize_t count = ::read(socket_.get(), bytes.data(), bytes.size());
    if (count == 0) return false;
    if (count < 0) {
      if (errno == EAGAIN) return true;
      if (errno == EINTR) continue;
      throw SystemError("read", options_.socket, errno);
    }
    connection_->receive({bytes.data(), static_cast<size_t>(count)});
    if (fatal_) return true;
    write_some();
  }
}

void Service::write_some() {
  std::string& output = connection_->output();
  while (!output.empty()) {
    const ssize_t count = ::send(socket_.get(), output.data(), output.size(), MSG_NOSIGNAL);
    if (count < 0) {
      if (errno == EAGAIN) return;
      if (errno == EINTR) continue;
      throw SystemError("send", options_.socket, errno);
    }
    output.erase(0, static_cast<size_t>(count));
  }
}

nri::Reply Service::answer(std::string_view service, std::string_view method,
                           std::string_view payload) {
  const Clock::time_point begin = Clock::now();
  opted_in_ = false;
  nri::Reply reply = plugin_.handle(service, method, payload);
  if (method == "CreateContainer") {
    (opted_in_ ? metrics_.handled_adjusted : metrics_.handled_ignored)
        .observe(Clock::now() - begin);
  }
  return reply;
}

void Service::registered(const nri::Reply& reply) {
  if (reply.status != nri::Status::kOk) {
    fatal_.emplace(Code::kSystem, "the runtime refused the registration: " + quote(reply.message),
                   quote(options_.socket), "see --name and --index");
    return;
  }
  registered_ = true;
  become_ready();
}

void Service::configured(const nri::proto::ConfigureRequest& request) {
  log_.info("configured",
            {{"runtime", request.runtime_name()}, {"version", request.runtime_version()}});
}

void Service::synchronized(size_t pods, size_t containers) {
  log_.info("synchronized",
            {{"pods", std::to_string(pods)}, {"containers", std::to_string(containers)}});
  synchronized_ = true;
  ::malloc_trim(0);  // the list of a full node is large, and comes once
  become_ready();
  silent_ = plugin_.pods().uids();
  if (!silent_.empty()) look_at_ = Clock::now() + kAgain;
  collect();
}

void Service::become_ready() {
  if (!registered_ || !synchronized_ || ready_) return;
  ready_ = metrics_.connected = true;
  backoff_.reset();
  if (!options_.ready_file.empty()) {
    const Place place = split(options_.ready_file);
    sys::replace_file(open_directory(place.directory).get(), place.name, "ready\n", 0644,
                      sys::Durability::kCrash);
  }
  log_.info("ready");
}

void Service::adjusted(const nri::proto::CreateContainerRequest& request,
                       const std::vector<std::string>& warnings) {
  ++metrics_.adjusted;
  opted_in_ = true;
  const std::string pod = pod_name(request);
  for (const std::string& warning : warnings) {
    EventLog::Fields fields = fields_of(request, pod);
    fields.emplace_back("warning", warning);
    log_.warning("container adjusted with a warning", fields);
  }
  log_.info("container adjusted", fields_of(request, pod));
}

void Service::refused(const nri::proto::CreateContainerRequest& request, const Error& error) {
  ++metrics_.refused[error.code()];
  opted_in_ = true;
  const std::string pod = pod_name(request);
  const std::string line = error.line();
  EventLog::Fields fields = fields_of(request, pod);
  fields.emplace_back("error", line);
  log_.error("container refused", fields);
}

void Service::ignored() { ++metrics_.ignored; }

void Service::removed(const std::string& uid) {
  if (has_session(uid)) collect_within(kTogether);
}

// Most pods of a node have never opted in.
bool Service::has_session(const std::string& uid) {
  try {
    const auto store = session::Store::open_existing(store_root());
    return store && store->look(std::string(session::kPodPrefix) + uid);
  } catch (const Error& error) {
    log_.warning("a removed pod's session can't be looked for", {{"error", error.line()}});
    return false;
  }
}

void Service::look_after_silent_pods() {
  std::erase_if(silent_, [this](const std::string& uid) { return !plugin_.pods().has(uid); });
  look_at_ = silent_.empty() ? Clock::time_point::max() : Clock::now() + kAgain;
  try {
    const auto store = session::Store::open_existing(store_root());
    if (!store) return;
    for (const std::string& uid : find_removed_pods(*store, plugin_.pods(), silent_)) {
      plugin_.forget_pod(uid);
      collect_within(kTogether);
    }
  } catch (const Error& error) {
    log_.warning("removed pods can't be looked for", {{"error", error.line()}});
  }
}

void Service::collect_within(std::chrono::milliseconds time) {
  collect_at_ = std::min(collect_at_, Clock::now() + time);
}

void Service::collect() {
  collect_at_ = Clock::now() + kCollection;
  if (!pids_are_ours_) {
    if (!socket_) return;
    log_.warning(
        "no garbage collection: the runtime runs in another pid namespace, so that nobody "
        "here knows which processes live",
        {{"remedy", "run the plugin in the host's (hostPID: true)"}});
    return;
  }
  ++metrics_.collections;
  collector_.request();
}

session::CollectResult Service::collect_in_child() const {
  auto store = session::Store::open_existing(store_root());
  if (!store) return {};
  session::IsPodRemoved is_removed;
  if (socket_ && synchronized_) {
    is_removed = [this](std::string_view uid) { return !plugin_.pods().has(uid); };
  }
  return store->collect(sys::Proc::open(), load(options_.config).session_idle_seconds,
                        sys::kNoLimit, is_removed);
}

void Service::finish_collection() {
  const auto result = collector_.step();
  if (!result) return;
  metrics_.sessions_removed += result->removed;
  if (result->awaited > 0) collect_within(kAgain);
  for (const std::string& report : result->reports) {
    log_.warning("a workspace ended before its container", {{"report", report}});
  }
  for (const std::string& problem : result->problems) {
    log_.warning("garbage collection", {{"problem", problem}});
  }
}

}  // namespace hookcore::daemon

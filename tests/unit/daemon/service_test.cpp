// The whole process over real sockets, with a runtime of the test's own at the other end.
#include "libhookcore/daemon/service.h"

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cstdlib>
#include <filesystem>
#include <utility>

#include "libhookcore/daemon/silent_pods.h"
#include "libhookcore/daemon/socket.h"
#include "libhookcore/nri/plugin.h"
#include "libhookcore/session/store.h"
#include "libhookcore/sys/process.h"
#include "tests/unit/nri/fake_runtime.h"

namespace hookcore::daemon {
namespace {

namespace fs = std::filesystem;

constexpr int kPatience = 20000;  // milliseconds, for what happens at once

/// The plugin in a child process.
class Child {
 public:
  explicit Child(const Options& options) : pid_(::fork()) {
    if (pid_ != 0) return;
    try {
      Service(options).run();
    } catch (const Error& error) {
      ::_exit(cli_exit_code(error.code()));
    }
    ::_exit(0);
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;
  ~Child() {
    if (pid_ > 0) kill_and_wait(SIGKILL);
  }
  int wait() {
    int status = 0;
    ::waitpid(std::exchange(pid_, -1), &status, 0);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  }
  int kill_and_wait(int signal) {
    ::kill(pid_, signal);
    return wait();
  }

 private:
  pid_t pid_;
};

class ServiceTest : public testing::Test {
 protected:
  ServiceTest() {
    std::string pattern = fs::temp_directory_path() / "nri-XXXXXX";
    directory = ::mkdtemp(pattern.data());
    options.socket = directory / "nri.sock";
    options.lock_file = directory / "lock";
    options.ready_file = directory / "ready";
    options.config = directory / "absent.toml";
    options.state_directory = directory / "state";
    options.metrics = "unix:" + std::string(directory / "metrics.sock");
    options.hooks_directory = "/opt/hooks";
    listen();
  }
  ~ServiceTest() override { fs::remove_all(directory); }

  void listen() { listener = listen_at("unix:" + options.socket); }
  static void await(int fd, short events) {
    struct pollfd polled {
      fd, events, 0
    };
    ASSERT_EQ(::poll(&polled, 1, kPatience), 1) << "nothing came";
  }
  void accept() {
    await(listener.get(), POLLIN);
    runtime.reset(::accept(listener.get(), nullptr, nullptr));
    ASSERT_TRUE(runtime);
    frames = {};
    arrived.clear();
  }
  /// The plugin's next message.
  nri::Sent next() {
    std::array<char, 65536> bytes{};
    while (arrived.empty()) {
      const ssize_t count = ::read(runtime.get(), bytes.data(), bytes.size());
      if (count <= 0) return {};
      arrived = frames.receive({bytes.data(), static_cast<size_t>(count)});
    }
    nri::Sent first = arrived.front();
    arrived.erase(arrived.begin());
    return first;
  }
  void send(const std::string& bytes) {
    ASSERT_EQ(::send(runtime.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL),
              static_cast<ssize_t>(bytes.size()));
  }
  nri::proto::TtrpcResponse ask(std::string_view method, const std::string& payload) {
    send(nri::FakeRuntime::request(1, method, payload));
    return nri::response_of(next());
  }
  void answer_registration(const nri::Reply& reply = {}) {
    const nri::Sent call = next();
    EXPECT_EQ(call.connection, nri::kRuntimeConnection);
    std::string bytes;
    nri::append_frames(bytes, nri::kRuntimeConnection, nri::encode_reply(call.stream, reply));
    send(bytes);
  }
  void connect_fully() {
    accept();
    answer_registration();
    EXPECT_EQ(ask("Configure", {}).status().code(), 0);
    EXPECT_EQ(ask("Synchronize", {}).status().code(), 0);
  }
  std::string get(const std::string& path) {
    const std::string socket_path = directory / "metrics.sock";
    const sys::UniqueFd client = connect_unix(socket_path);
    const std::string request = "GET " + path + " HTTP/1.1\r\nHost: localhost\r\n\r\n";
    EXPECT_EQ(::send(client.get(), request.data(), request.size(), 0),
              static_cast<ssize_t>(request.size()));
    std::string text;
    std::array<char, 65536> bytes{};
    while (true) {
      await(client.get(), POLLIN);
      const ssize_t count = ::read(client.get(), bytes.data(), bytes.size());
      if (count <= 0) return text;
      text.append(bytes.data(), static_cast<size_t>(count));
    }
  }

  fs::path directory;
  Options options;
  sys::UniqueFd listener;
  sys::UniqueFd runtime;
  nri::FakeRuntime frames;
  std::vector<nri::Sent> arrived;
};

TEST_F(ServiceTest, ServesUntilItIsTold) {
  Child child(options);
  connect_fully();
  // An answer to a later request: all before it is done.
  EXPECT_EQ(ask("CreateContainer", {}).status().code(), 0);
  EXPECT_TRUE(fs::exists(options.ready_file));
  EXPECT_NE(get("/ready").find("200 OK"), std::string::npos);
  const std::string metrics = get("/metrics");
  EXPECT_NE(metrics.find("oci_cnb_nri_connected 1\n"), std::string::npos);
  EXPECT_NE(metrics.find("oci_cnb_nri_containers_total{result=\"ignored\"} 1\n"),
            std::string::npos);
  EXPECT_NE(get("/other").find("404"), std::string::npos);
  EXPECT_EQ(child.kill_and_wait(SIGTERM), 0);
  EXPECT_FALSE(fs::exists(options.ready_file));
  EXPECT_FALSE(fs::exists(directory / "metrics.sock"));
}

TEST_F(ServiceTest, ComesBackToARuntimeThatWasRestarted) {
  Child child(options);
  connect_fully();
  runtime.reset();
  listener.reset();
  fs::remove(options.socket);
  listen();
  connect_fully();
  EXPECT_EQ(ask("CreateContainer", {}).status().code(), 0);
  EXPECT_NE(get("/metrics").find("oci_cnb_nri_connections_total 2\n"), std::string::npos);
  EXPECT_EQ(child.kill_and_wait(SIGINT), 0);
}

TEST_F(ServiceTest, HangsUpOnWhatIsNoProtocol) {
  Child child(options);
  accept();
  answer_registration();
  send(std::string(16, '\xFF'));
  EXPECT_EQ(next().payload, "");
  connect_fully();
}

TEST_F(ServiceTest, ARefusedRegistrationIsTheEnd) {
  Child child(options);
  accept();
  answer_registration({nri::Status::kInvalidArgument, "no such index", {}});
  EXPECT_EQ(child.wait(), cli_exit_code(Code::kSystem));
}

TEST_F(ServiceTest, ThereIsOneInstance) {
  Child child(options);
  connect_fully();
  Child second(options);
  EXPECT_EQ(second.wait(), cli_exit_code(Code::kSystem));
  EXPECT_EQ(ask("CreateContainer", {}).status().code(), 0);
}

TEST_F(ServiceTest, CollectsWhatIsLeftWhenItIsSynchronised) {
  auto store = session::Store::open(options.state_directory);
  static_cast<void>(store.acquire("c-gone"));
  Child child(options);
  connect_fully();
  while (!store.names().empty()) get("/metrics");  // each answer is a turn of the child's loop
  EXPECT_TRUE(store.names().empty());
}

// Many at once, one collection.
TEST_F(ServiceTest, CollectsTheSessionsOfRemovedPods) {
  auto store = session::Store::open(options.state_directory);
  session::SessionState state;
  state.kind = session::Kind::kPod;
  state.boot_id = sys::Proc::open().boot_id();
  state.pod_bundle = directory / "sandbox/bundle";
  nri::proto::SynchronizeRequest present;
  std::string removals;
  for (int number = 0; number < 50; ++number) {
    const std::string uid = std::to_string(number);
    store.acquire("p-" + uid).write_state(state);
    nri::proto::PodRequest pod;
    pod.mutable_pod()->set_uid(uid);
    pod.mutable_pod()->set_id("sandbox");
    *present.add_pods() = pod.pod();
    if (number == 0) continue;
    removals +=
        nri::FakeRuntime::request(2 * number + 1, "RemovePodSandbox", pod.SerializeAsString());
  }
  Child child(options);
  accept();
  answer_registration();
  EXPECT_EQ(ask("Configure", {}).status().code(), 0);
  EXPECT_EQ(ask("Synchronize", present.SerializeAsString()).status().code(), 0);
  EXPECT_EQ(store.names().size(), 50U);
  send(removals);
  while (store.names().size() > 1) get("/metrics");  // each answer is a turn of the child's loop
  EXPECT_EQ(store.names(), std::vector<std::string>{"p-0"});
  EXPECT_NE(get("/metrics").find("\noci_cnb_nri_collections_total 2\n"), std::string::npos);
}

// Paths as containerd has them. "b" is another sandbox of the first pod.
TEST_F(ServiceTest, FindsPodsThatWereRemovedInSilence) {
  auto store = session::Store::open(options.state_directory);
  const fs::path sandboxes = directory / "run/io.containerd.grpc.v1.cri/sandboxes";
  session::SessionState state;
  state.kind = session::Kind::kPod;
  state.pod_bundle = directory / "run/io.containerd.runtime.v2.task/k8s.io/a";
  store.acquire("p-1").write_state(state);
  store.acquire("p-odd");
  state.pod_bundle = directory / "run/other/a";
  store.acquire("p-2").write_state(state);
  nri::Pods pods;
  const auto add = [&](const std::string& uid, const std::string& id) {
    nri::proto::PodSandbox pod;
    pod.set_uid(uid);
    pod.set_id(id);
    pods.add(pod);
  };
  for (const char* uid : {"1", "2", "3", "odd"}) add(uid, "a");
  add("1", "b");
  using Uids = std::vector<std::string>;
  const auto find = [&] { return find_removed_pods(store, pods, pods.uids()); };
  EXPECT_EQ(find(), Uids{}) << "containerd's state is out of sight";
  fs::create_directories(sandboxes / "b");
  EXPECT_EQ(find(), Uids{}) << "the second sandbox is there";
  fs::remove(sandboxes / "b");
  EXPECT_EQ(find(), Uids{"1"});
}

TEST(Backoff, GrowsToTwoSecondsAndStartsAgain) {
  Backoff backoff(1);
  EXPECT_LE(backoff.next().count(), 50);
  for (int i = 0; i < 20; ++i) {
    const auto wait = backoff.next().count();
    EXPECT_GE(wait, 50);
    EXPECT_LE(wait, 2000);
  }
  EXPECT_GE(backoff.next().count(), 1000);
  backoff.reset();
  EXPECT_LE(backoff.next().count(), 50);
}

TEST(Address, OnlyThisNodeIsServed) {
  EXPECT_THROW(listen_at("0.0.0.0:9"), Error);
  EXPECT_THROW(listen_at("127.0.0.1:x"), Error);
  EXPECT_THROW(listen_at("127.0.0.1:0"), Error);
  EXPECT_THROW(listen_at("unix:"), Error);
  EXPECT_THROW(listen_at("unix:/" + std::string(200, 'a')), Error);
}

}  // namespace
}  // namespace hookcore::daemon

#include "libhookcore/daemon/socket.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <charconv>

#include "libhookcore/base/error.h"
#include "libhookcore/sys/process.h"

namespace hookcore::daemon {
namespace {

template <typename Address>
const struct sockaddr* generic(const Address& address) {
  // NOLINTNEXTLINE(cppcoreguidelines-pro-type-reinterpret-cast): sockaddr is C's base class
  return reinterpret_cast<const struct sockaddr*>(&address);
}

sys::UniqueFd make_socket(int family) {
  sys::UniqueFd fd(::socket(family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) throw SystemError("socket", "", errno);
  return fd;
}

struct sockaddr_un unix_address(const std::string& path) {
  struct sockaddr_un address {};
  if (path.empty() || path.size() >= sizeof address.sun_path) {
    throw Error(Code::kUsage, "not a path for a socket: " + quote(path), {},
                "use one of at most 107 bytes");
  }
  address.sun_family = AF_UNIX;
  path.copy(static_cast<char*>(address.sun_path), path.size());
  return address;
}

void listen_on(int fd, const struct sockaddr* address, socklen_t size, const std::string& name) {
  constexpr int kBacklog = 8;
  if (::bind(fd, address, size) != 0) throw SystemError("bind", name, errno);
  if (::listen(fd, kBacklog) != 0) throw SystemError("listen", name, errno);
}

sys::UniqueFd listen_unix(const std::string& path) {
  const struct sockaddr_un address = unix_address(path);
  const sys::UniqueFd probe = make_socket(AF_UNIX);
  if (::connect(probe.get(), generic(address), sizeof address) != 0 && errno == ECONNREFUSED) {
    ::unlink(path.c_str());
  }
  sys::UniqueFd fd = make_socket(AF_UNIX);
  listen_on(fd.get(), generic(address), sizeof address, path);
  return fd;
}

sys::UniqueFd listen_loopback(const std::string& name, const char* port_begin) {
  uint16_t port = 0;
  const char* const last = name.data() + name.size();
  const auto [end, error] = std::from_chars(port_begin, last, port);
  if (error != std::errc() || end != last || port == 0) {
    throw Error(Code::kUsage, "not a port: " + quote(name), {}, "use 127.0.0.1:PORT");
  }
  sys::UniqueFd fd = make_socket(AF_INET);
  const int on = 1;
  ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  struct sockaddr_in address {};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  listen_on(fd.get(), generic(address), sizeof address, name);
  return fd;
}

}  // namespace

sys::UniqueFd connect_unix(const std::string& path) {
  const struct sockaddr_un address = unix_address(path);
  sys::UniqueFd fd = make_socket(AF_UNIX);
  if (::connect(fd.get(), generic(address), sizeof address) != 0) {
    throw SystemError("connect", path, errno);
  }
  return fd;
}

sys::UniqueFd listen_at(const std::string& address) {
  constexpr std::string_view kUnix = "unix:";
  constexpr std::string_view kLoopback = "127.0.0.1:";
  if (address.starts_with(kUnix)) return listen_unix(address.substr(kUnix.size()));
  if (address.starts_with(kLoopback)) {
    return listen_loopback(address, address.data() + kLoopback.size());
  }
  throw Error(Code::kUsage, "not an address for metrics: " + quote(address), {},
              "use unix:PATH or 127.0.0.1:PORT");
}

bool peer_shares_pids(int socket) {
  struct ucred peer {};
  socklen_t size = sizeof peer;
  if (::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0 || peer.pid <= 0) {
    return false;  // 0: a process that our pid namespace doesn't see
  }
  try {
    // One of a namespace below ours has a second pid there.
    const std::string status = sys::Proc::open().read(std::to_string(peer.pid) + "/status");
    const size_t line = status.find("\nNSpid:\t");
    if (line == std::string::npos) return false;
    const std::string_view pids = std::string_view(status).substr(line + 8);
    return pids.substr(0, pids.find('\n')).find('\t') == std::string_view::npos;
  } catch (const Error&) {
    return false;
  }
}

}  // namespace hookcore::daemon

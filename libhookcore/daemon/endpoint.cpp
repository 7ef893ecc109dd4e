#include "libhookcore/daemon/endpoint.h"

#include <sys/socket.h>
#include <unistd.h>

#include <array>
#include <cerrno>

namespace hookcore::daemon {
namespace {

constexpr size_t kMaxClients = 8;
constexpr size_t kMaxRequest = 4096;
constexpr std::chrono::seconds kPatience{5};

std::string path_of(const std::string& request) {
  constexpr std::string_view kGet = "GET ";
  if (!request.starts_with(kGet)) return {};
  return request.substr(kGet.size(), request.find_first_of(" ?\r\n", kGet.size()) - kGet.size());
}

std::string respond(const Page& page) {
  const char* reason = page.status == 200 ? "OK" : page.status == 503 ? "Unavailable" : "Not Found";
  return "HTTP/1.0 " + std::to_string(page.status) + " " + reason +
         "\r\nContent-Type: text/plain; version=0.0.4\r\nContent-Length: " +
         std::to_string(page.body.size()) + "\r\nConnection: close\r\n\r\n" + page.body;
}

bool would_wait() { return errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR; }

}  // namespace

Endpoint::Endpoint(sys::UniqueFd listener, Pages pages)
    : listener_(std::move(listener)), pages_(std::move(pages)) {}

void Endpoint::add_to(std::vector<struct pollfd>& polled) const {
  if (clients_.size() < kMaxClients) polled.push_back({listener_.get(), POLLIN, 0});
  for (const Client& client : clients_) {
    const short events = client.response.empty() ? POLLIN : POLLOUT;
    polled.push_back({client.fd.get(), events, 0});
  }
}

void Endpoint::step(Clock::time_point now) {
  while (clients_.size() < kMaxClients) {
    sys::UniqueFd fd(::accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
    if (!fd) break;
    clients_.push_back({std::move(fd), now + kPatience, {}, {}});
  }
  clients_.remove_if([&](Client& client) { return now > client.deadline || !advance(client); });
}

// false: done with it.
bool Endpoint::advance(Client& client) const {
  if (client.response.empty()) {
    std::array<char, 1024> bytes{};
    const ssize_t count = ::read(client.fd.get(), bytes.data(), bytes.size());
    if (count <= 0) return count < 0 && would_wait();
    client.request.append(bytes.data(), static_cast<size_t>(count));
    if (client.request.find("\r\n\r\n") == std::string::npos) {
      return client.request.size() < kMaxRequest;
    }
    client.response = respond(pages_(path_of(client.request)));
  }
  const ssize_t count =
      ::send(client.fd.get(), client.response.data(), client.response.size(), MSG_NOSIGNAL);
  if (count < 0) return would_wait();
  client.response.erase(0, static_cast<size_t>(count));
  return !client.response.empty();
}

}  // namespace hookcore::daemon

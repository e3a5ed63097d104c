#include "limpid/effects/sockets.hpp"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <signal.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <memory>

#include "limpid/effects/clock.hpp"

namespace limpid::effects {
namespace {

constexpr std::array<Byte, 12> mapped_prefix{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};

struct SocketAddress {
  sockaddr_storage storage{};
  socklen_t size = 0;
  const sockaddr* get() const { return reinterpret_cast<const sockaddr*>(&storage); }
  int family() const { return storage.ss_family; }
};

SocketAddress socket_address(const stream::Endpoint& endpoint) {
  SocketAddress address;
  if (is_ipv4(endpoint)) {
    sockaddr_in in{};
    in.sin_family = AF_INET;
    in.sin_port = htons(endpoint.port);
    std::memcpy(&in.sin_addr, endpoint.address.data() + 12, 4);
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  } else {
    sockaddr_in6 in{};
    in.sin6_family = AF_INET6;
    in.sin6_port = htons(endpoint.port);
    std::memcpy(&in.sin6_addr, endpoint.address.data(), 16);
    std::memcpy(&address.storage, &in, sizeof in);
    address.size = sizeof in;
  }
  return address;
}

// Waits until the socket is ready; false when the deadline passed first.
bool wait_for(int socket, short events, std::optional<Instant> deadline) {
  for (;;) {
    int timeout_ms = -1;
    if (deadline) {
      const auto left_us = (*deadline - now().monotonic).microseconds;
      if (left_us <= 0) return false;
      timeout_ms = static_cast<int>(std::min<std::int64_t>((left_us + 999) / 1000, 1'000'000));
    }
    pollfd waiting{socket, events, 0};
    if (::poll(&waiting, 1, timeout_ms) > 0) return true;
  }
}

std::string quoted(const HostPort& where) {
  const bool brackets = where.host.find(':') != std::string::npos;
  return (brackets ? "[" + where.host + "]" : where.host) + ":" + std::to_string(where.port);
}

std::unexpected<Failure> out_of_time(const std::string& name) {
  return fail("gave up on " + name + ": the time allowed by --max-time is over; allow more");
}

std::string connect_remedy(int error) {
  switch (error) {
    case ECONNREFUSED:
      return "nothing listens there; check the port and that the server runs";
    case ENETUNREACH:
    case EHOSTUNREACH:
      return "check the network";
    case ETIMEDOUT:
      return "check the address and that no firewall is between";
    default:
      return "check the address";
  }
}

// One attempt: a connected socket or an errno value.
std::expected<Descriptor, int> try_connect(const stream::Endpoint& endpoint, std::optional<Instant> deadline) {
  const SocketAddress address = socket_address(endpoint);
  Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(errno);
  if (::connect(socket.get(), address.get(), address.size) != 0) {
    if (errno != EINPROGRESS) return std::unexpected(errno);
    if (!wait_for(socket.get(), POLLOUT, deadline)) return std::unexpected(ETIMEDOUT);
    int error = 0;
    socklen_t size = sizeof error;
    ::getsockopt(socket.get(), SOL_SOCKET, SO_ERROR, &error, &size);
    if (error != 0) return std::unexpected(error);
  }
  const int on = 1;
  ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  return socket;
}

std::unexpected<Failure> listen_failure(const stream::Endpoint& endpoint, int error) {
  const std::string what = "cannot listen on " + to_string(endpoint) + ": ";
  switch (error) {
    case EADDRINUSE:
      return fail(what + "the port is in use; stop what uses it or choose another with --listen");
    case EACCES:
      return fail(what + "this user may not use ports below 1024; choose a higher one with --listen or run as root");
    case EADDRNOTAVAIL:
      return fail(what + "this host does not have that address; choose one that it has");
    case EAFNOSUPPORT:
      return fail(what + "this host has no such address family; choose an IPv4 address");
    default:
      return fail(what + system_words(error) + "; choose another address with --listen");
  }
}

std::expected<Descriptor, int> bound_socket(const stream::Endpoint& endpoint, bool shared) {
  const SocketAddress address = socket_address(endpoint);
  Descriptor socket(::socket(address.family(), SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!socket) return std::unexpected(errno);
  const int on = 1;
  ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (shared) ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
  if (address.family() == AF_INET6) ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  if (::bind(socket.get(), address.get(), address.size) != 0) return std::unexpected(errno);
  return socket;
}

}  // namespace

std::optional<HostPort> parse_host_port(std::string_view text) {
  HostPort parsed;
  const std::size_t colon = text.rfind(':');
  if (colon == text.npos) return std::nullopt;
  std::string_view host = text.substr(0, colon);
  if (host.starts_with('[')) {
    if (!host.ends_with(']')) return std::nullopt;
    host = host.substr(1, host.size() - 2);
  } else if (host.find(':') != host.npos) {
    return std::nullopt;  // an IPv6 address without brackets: which colon is the port's?
  }
  const std::string_view port = text.substr(colon + 1);
  const auto [end, error] = std::from_chars(port.data(), port.data() + port.size(), parsed.port);
  if (error != std::errc() || end != port.data() + port.size()) return std::nullopt;
  parsed.host = host;
  return parsed;
}

std::optional<stream::Endpoint> parse_address(std::string_view text) {
  const std::string terminated(text);
  stream::Endpoint endpoint;
  if (::inet_pton(AF_INET6, terminated.c_str(), endpoint.address.data()) == 1) return endpoint;
  std::copy(mapped_prefix.begin(), mapped_prefix.end(), endpoint.address.begin());
  if (::inet_pton(AF_INET, terminated.c_str(), endpoint.address.data() + 12) == 1) return endpoint;
  return std::nullopt;
}

bool is_ipv4(const stream::Endpoint& endpoint) {
  return std::equal(mapped_prefix.begin(), mapped_prefix.end(), endpoint.address.begin());
}

std::string to_string(const stream::Endpoint& endpoint) {
  char text[INET6_ADDRSTRLEN] = {};
  if (is_ipv4(endpoint)) {
    ::inet_ntop(AF_INET, endpoint.address.data() + 12, text, sizeof text);
    return std::string(text) + ":" + std::to_string(endpoint.port);
  }
  ::inet_ntop(AF_INET6, endpoint.address.data(), text, sizeof text);
  return "[" + std::string(text) + "]:" + std::to_string(endpoint.port);
}

stream::Endpoint endpoint_of(const sockaddr_storage& address) {
  stream::Endpoint endpoint;
  if (address.ss_family == AF_INET) {
    sockaddr_in in;
    std::memcpy(&in, &address, sizeof in);
    std::copy(mapped_prefix.begin(), mapped_prefix.end(), endpoint.address.begin());
    std::memcpy(endpoint.address.data() + 12, &in.sin_addr, 4);
    endpoint.port = ntohs(in.sin_port);
  } else if (address.ss_family == AF_INET6) {
    sockaddr_in6 in;
    std::memcpy(&in, &address, sizeof in);
    std::memcpy(endpoint.address.data(), &in.sin6_addr, 16);
    endpoint.port = ntohs(in.sin6_port);
  }
  return endpoint;
}

stream::Endpoint local_endpoint(const Descriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getsockname(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return endpoint_of(address);
}

stream::Endpoint peer_endpoint(const Descriptor& socket) {
  sockaddr_storage address{};
  socklen_t size = sizeof address;
  ::getpeername(socket.get(), reinterpret_cast<sockaddr*>(&address), &size);
  return endpoint_of(address);
}

Result<std::vector<stream::Endpoint>> resolve(const HostPort& where, std::optional<Instant> deadline) {
  if (auto address = parse_address(where.host)) {
    address->port = where.port;
    return std::vector{*address};
  }
  // getaddrinfo_a rather than getaddrinfo, which cannot be told when to give up. What goes on in the background when
  // time is over refers to the request, which is therefore left to it.
  struct Lookup {
    std::string host;
    addrinfo hints{};
    gaicb request{};
  };
  auto lookup = std::make_unique<Lookup>();
  lookup->host = where.host;
  lookup->hints.ai_socktype = SOCK_STREAM;
  lookup->hints.ai_flags = AI_ADDRCONFIG;
  lookup->request.ar_name = lookup->host.c_str();
  lookup->request.ar_request = &lookup->hints;
  gaicb* requests[] = {&lookup->request};
  int error = ::getaddrinfo_a(GAI_NOWAIT, requests, 1, nullptr);
  while (error == 0 && (error = ::gai_error(&lookup->request)) == EAI_INPROGRESS) {
    timespec timeout{};
    if (deadline) {
      const auto left_us = (*deadline - now().monotonic).microseconds;
      if (left_us <= 0) {
        static_cast<void>(lookup.release());
        return out_of_time(quoted(where));
      }
      timeout = {left_us / 1'000'000, left_us % 1'000'000 * 1000};
    }
    ::gai_suspend(requests, 1, deadline ? &timeout : nullptr);
    error = 0;
  }
  if (error != 0) {
    return fail("cannot find the address of '" + where.host + "': " + ::gai_strerror(error) +
                "; check the name and the network");
  }
  const std::unique_ptr<addrinfo, decltype(&::freeaddrinfo)> found(lookup->request.ar_result, ::freeaddrinfo);
  std::vector<stream::Endpoint> endpoints;
  for (const addrinfo* each = found.get(); each != nullptr; each = each->ai_next) {
    sockaddr_storage address{};
    std::memcpy(&address, each->ai_addr, std::min<std::size_t>(each->ai_addrlen, sizeof address));
    endpoints.push_back(endpoint_of(address));
    endpoints.back().port = where.port;
  }
  return endpoints;
}

Result<Descriptor> listen_on(const stream::Endpoint& endpoint) {
  auto socket = bound_socket(endpoint, true);
  if (!socket) return listen_failure(endpoint, socket.error());
  // What is accepted inherits these. Small answers go out at once. Of what a peer does not take, the kernel keeps 128
  // KiB at most unsent, and gives up one that takes nothing for a minute although we have closed: so a reader that
  // stops costs little memory, and not for long.
  const int on = 1, most_unsent = 128 * 1024, give_up_after_ms = 60'000;
  ::setsockopt(socket->get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  ::setsockopt(socket->get(), IPPROTO_TCP, TCP_NOTSENT_LOWAT, &most_unsent, sizeof most_unsent);
  ::setsockopt(socket->get(), IPPROTO_TCP, TCP_USER_TIMEOUT, &give_up_after_ms, sizeof give_up_after_ms);
  if (::listen(socket->get(), 4096) != 0) return listen_failure(endpoint, errno);
  return std::move(*socket);
}

Result<void> check_free(const stream::Endpoint& endpoint) {
  auto probe = bound_socket(endpoint, false);
  if (!probe) return listen_failure(endpoint, probe.error());
  return {};
}

Result<Tcp> Tcp::connect(const HostPort& where, const std::vector<stream::Endpoint>& endpoints,
                         std::optional<Instant> deadline) {
  const std::string name = quoted(where);
  int error = EADDRNOTAVAIL;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    // An address that does not answer must not use up the time of those behind it.
    const Instant patience = now().monotonic + seconds(i + 1 < endpoints.size() ? 5 : 60);
    auto socket = try_connect(endpoints[i], deadline ? std::min(*deadline, patience) : patience);
    if (socket) return Tcp(std::move(*socket), name, deadline);
    error = socket.error();
    if (deadline && now().monotonic >= *deadline) return out_of_time(name);
  }
  return fail("cannot connect to " + name + ": " + system_words(error) + "; " + connect_remedy(error));
}

Result<Tcp> Tcp::connect(const std::string& host, std::uint16_t port) {
  const HostPort where{host, port};
  auto endpoints = resolve(where, std::nullopt);
  if (!endpoints) return std::unexpected(endpoints.error());
  return connect(where, *endpoints, std::nullopt);
}

Result<void> Tcp::send(Bytes bytes) {
  while (!bytes.empty()) {
    const ssize_t n = ::send(socket_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      if (!wait_for(socket_.get(), POLLOUT, deadline_)) return out_of_time(name_);
    } else if (errno != EINTR) {
      return fail("cannot send to " + name_ + ": " + system_words(errno) + "; try again");
    }
  }
  return {};
}

Result<std::optional<std::size_t>> Tcp::receive(MutableBytes room, std::optional<Instant> wake) {
  for (;;) {
    const ssize_t n = ::recv(socket_.get(), room.data(), room.size(), 0);
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno == EAGAIN) {
      const bool wakes_first = wake && (!deadline_ || *wake < *deadline_);
      if (wait_for(socket_.get(), POLLIN, wakes_first ? wake : deadline_)) continue;
      if (wakes_first) return std::nullopt;
      return out_of_time(name_);
    } else if (errno != EINTR) {
      return fail("the connection to " + name_ + " broke: " + system_words(errno) + "; try again");
    }
  }
}

Result<void> Tcp::receive_into(stack::Buffers& io) {
  const auto received = receive(io.free(), std::nullopt);
  if (!received) return std::unexpected(received.error());
  if (**received == 0) {
    io.finished();
  } else {
    io.received(**received);
  }
  return {};
}

Result<std::vector<stream::Endpoint>> SocketNetwork::resolve(const HostPort& where, std::optional<Instant> deadline) {
  return effects::resolve(where, deadline);
}

Result<std::unique_ptr<Stream>> SocketNetwork::connect(const HostPort& where,
                                                       const std::vector<stream::Endpoint>& endpoints,
                                                       std::optional<Instant> deadline) {
  auto tcp = Tcp::connect(where, endpoints, deadline);
  if (!tcp) return std::unexpected(tcp.error());
  return std::make_unique<Tcp>(std::move(*tcp));
}

void Tcp::finish() { ::shutdown(socket_.get(), SHUT_WR); }

}  // namespace limpid::effects

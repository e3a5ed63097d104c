// TCP sockets: addresses, listeners, and a blocking client connection with a deadline.
#pragma once

#include <sys/socket.h>

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "limpid/core/stream.hpp"
#include "limpid/core/time.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/network.hpp"
#include "limpid/stack/tls_session.hpp"

namespace limpid::effects {

struct HostPort {
  std::string host;  // a name or an address, without brackets; may be empty
  std::uint16_t port = 0;
  friend bool operator==(const HostPort&, const HostPort&) = default;
};

// "example.org:443", "10.0.0.1:80", "[::1]:8443", ":8443".
std::optional<HostPort> parse_host_port(std::string_view text);

// The address that `text` is, IPv6 or IPv4 (as IPv4-mapped), without a port.
std::optional<stream::Endpoint> parse_address(std::string_view text);

bool is_ipv4(const stream::Endpoint& endpoint);
std::string to_string(const stream::Endpoint& endpoint);  // "10.0.0.1:80" or "[::1]:80"

// The addresses of a host in the order in which they should be tried; an address is its own.
Result<std::vector<stream::Endpoint>> resolve(const HostPort& where, std::optional<Instant> deadline);

// A listening socket: non-blocking, IPv6 or IPv4 but never both, in the group of all sockets that this process opens on
// that endpoint (SO_REUSEPORT), among which the kernel deals out connections. Port 0 takes a free port.
Result<Descriptor> listen_on(const stream::Endpoint& endpoint);

// Fails if somebody already listens there. (SO_REUSEPORT alone would let two servers of one user share the port.)
Result<void> check_free(const stream::Endpoint& endpoint);

stream::Endpoint local_endpoint(const Descriptor& socket);
stream::Endpoint peer_endpoint(const Descriptor& socket);
stream::Endpoint endpoint_of(const sockaddr_storage& address);

// A blocking connection to a server, every call bounded by `deadline` if there is one.
class Tcp final : public Stream {
 public:
  // Tries the endpoints in turn. The failure names `where`.
  static Result<Tcp> connect(const HostPort& where, const std::vector<stream::Endpoint>& endpoints,
                             std::optional<Instant> deadline);

  // The simple case: a name or an address, no deadline.
  static Result<Tcp> connect(const std::string& host, std::uint16_t port);

  Result<void> send(Bytes bytes) override;
  Result<std::optional<std::size_t>> receive(MutableBytes room, std::optional<Instant> wake) override;
  // For a stack::TlsSession: puts what comes next, or the end of the stream, into `io`.
  Result<void> receive_into(stack::Buffers& io);
  void finish() override;
  stream::Endpoint local() const override { return local_endpoint(socket_); }
  stream::Endpoint peer() const override { return peer_endpoint(socket_); }

 private:
  Tcp(Descriptor socket, std::string name, std::optional<Instant> deadline)
      : socket_(std::move(socket)), name_(std::move(name)), deadline_(deadline) {}
  Descriptor socket_;
  std::string name_;
  std::optional<Instant> deadline_;
};

}  // namespace limpid::effects

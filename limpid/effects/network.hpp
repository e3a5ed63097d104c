// Connections for a client that does one thing at a time, whoever's TCP/IP lies below.
#pragma once

#include <memory>
#include <optional>
#include <vector>

#include "limpid/core/stream.hpp"
#include "limpid/core/time.hpp"
#include "limpid/effects/failure.hpp"

namespace limpid::effects {

struct HostPort;

// A blocking connection; every call is bounded by the deadline that it was made with, if any.
class Stream {
 public:
  virtual ~Stream() = default;
  virtual Result<void> send(Bytes bytes) = 0;
  // At least one byte, or none at the end of the stream; nothing if `wake` came first.
  virtual Result<std::optional<std::size_t>> receive(MutableBytes room, std::optional<Instant> wake) = 0;
  virtual void finish() = 0;  // sends FIN; receiving goes on
  virtual stream::Endpoint local() const = 0;
  virtual stream::Endpoint peer() const = 0;
};

class Network {
 public:
  virtual ~Network() = default;
  // The addresses of a host in the order in which they should be tried; an address is its own.
  virtual Result<std::vector<stream::Endpoint>> resolve(const HostPort& where, std::optional<Instant> deadline) = 0;
  // Tries the endpoints in turn. The failure names `where`.
  virtual Result<std::unique_ptr<Stream>> connect(const HostPort& where, const std::vector<stream::Endpoint>& endpoints,
                                                  std::optional<Instant> deadline) = 0;
};

// The kernel's.
class SocketNetwork final : public Network {
 public:
  Result<std::vector<stream::Endpoint>> resolve(const HostPort& where, std::optional<Instant> deadline) override;
  Result<std::unique_ptr<Stream>> connect(const HostPort& where, const std::vector<stream::Endpoint>& endpoints,
                                          std::optional<Instant> deadline) override;
};

}  // namespace limpid::effects

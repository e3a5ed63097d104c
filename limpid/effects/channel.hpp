// Messages with descriptors between two processes of one user, over a Unix socket.
#pragma once

#include <string>
#include <vector>

#include "limpid/core/bytes.hpp"
#include "limpid/core/time.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/failure.hpp"

namespace limpid::effects {

// A listening socket at `path`, 0600. One that nobody listens at any more is replaced; a live one is left, with
// EADDRINUSE. Before there are threads: it changes the umask for a moment. Yields an errno value on failure.
std::expected<Descriptor, int> listen_at(const std::string& path);

// A connection to whoever listens at `path`. Yields an errno value on failure.
std::expected<Descriptor, int> connect_to(const std::string& path);

struct Message {
  std::uint8_t type = 0;
  std::vector<Byte> body;
  std::vector<Descriptor> descriptors;
};

// One end. Both may be hostile to each other: lengths and numbers of descriptors are limited, and every call ends at
// its deadline, which is the caller's to choose.
class Channel {
 public:
  static constexpr std::size_t max_body = 256 << 20;  // a host with thousands of connections
  static constexpr std::size_t max_descriptors = 4;

  explicit Channel(Descriptor socket);

  // Whether the other end was, when it connected or began to listen, a process of this user.
  bool peer_is_this_user() const;
  int peer_process() const;
  // Whether it was seen to have ended its side: rather than that it was silent.
  bool hung_up() const { return hung_up_; }

  // The failures are clauses for the middle of a sentence, such as "it hung up".
  Result<void> send(std::uint8_t type, Bytes body, std::span<const int> descriptors, Instant deadline);
  Result<Message> receive(Instant deadline);

 private:
  Result<void> send_all(Bytes bytes, std::span<const int> descriptors, Instant deadline);
  Result<void> receive_all(MutableBytes bytes, std::vector<Descriptor>* descriptors, Instant deadline);
  std::unexpected<Failure> broken(int error);
  Descriptor socket_;
  bool hung_up_ = false;
};

}  // namespace limpid::effects

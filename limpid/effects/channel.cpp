#include "limpid/effects/channel.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <algorithm>
#include <array>
#include <optional>

#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/effects/clock.hpp"

namespace limpid::effects {
namespace {

constexpr std::size_t header_size = 1 + 1 + 4;  // type, number of descriptors, length

std::optional<sockaddr_un> address_of(const std::string& path) {
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  if (path.size() >= sizeof address.sun_path) return std::nullopt;
  std::copy(path.begin(), path.end(), address.sun_path);
  return address;
}

const sockaddr* generic(const sockaddr_un& address) { return reinterpret_cast<const sockaddr*>(&address); }

Descriptor stream_socket() { return Descriptor(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)); }

// False when the deadline passed first.
bool wait_for(const Descriptor& socket, short events, Instant deadline) {
  for (;;) {
    const auto left_us = (deadline - now().monotonic).microseconds;
    if (left_us <= 0) return false;
    pollfd waiting{socket.get(), events, 0};
    if (::poll(&waiting, 1, static_cast<int>(std::min<std::int64_t>((left_us + 999) / 1000, 1'000'000))) > 0)
      return true;
  }
}

}  // namespace

std::expected<Descriptor, int> listen_at(const std::string& path) {
  if (const auto live = connect_to(path); live || live.error() == EAGAIN) return std::unexpected(EADDRINUSE);
  // A socket that nobody listens on any more is replaced, nothing else.
  struct stat status{};
  if (::lstat(path.c_str(), &status) == 0 && (!S_ISSOCK(status.st_mode) || status.st_uid != ::geteuid())) {
    return std::unexpected(EEXIST);
  }
  // Under another name first: whoever finds the socket finds somebody listening.
  const std::string name = path + "." + std::to_string(::getpid());
  const auto address = address_of(name);
  if (!address) return std::unexpected(ENAMETOOLONG);
  Descriptor socket = stream_socket();
  if (!socket) return std::unexpected(errno);
  ::unlink(name.c_str());
  const mode_t mask = ::umask(0177);
  const int bound = ::bind(socket.get(), generic(*address), sizeof *address);
  const int error = errno;
  ::umask(mask);
  if (bound != 0) return std::unexpected(error);
  if (::listen(socket.get(), 4) != 0 || ::rename(name.c_str(), path.c_str()) != 0) {
    const int why = errno;
    ::unlink(name.c_str());
    return std::unexpected(why);
  }
  return socket;
}

std::expected<Descriptor, int> connect_to(const std::string& path) {
  const auto address = address_of(path);
  if (!address) return std::unexpected(ENAMETOOLONG);
  Descriptor socket = stream_socket();
  if (!socket || ::connect(socket.get(), generic(*address), sizeof *address) != 0) return std::unexpected(errno);
  return socket;
}

std::unexpected<Failure> Channel::broken(int error) {
  hung_up_ = error == EPIPE || error == ECONNRESET;
  return fail(hung_up_ ? "it hung up" : system_words(error));
}

Channel::Channel(Descriptor socket) : socket_(std::move(socket)) {}

bool Channel::peer_is_this_user() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 && peer.uid == ::geteuid();
}

int Channel::peer_process() const {
  ucred peer{};
  socklen_t size = sizeof peer;
  return ::getsockopt(socket_.get(), SOL_SOCKET, SO_PEERCRED, &peer, &size) == 0 ? peer.pid : 0;
}

Result<void> Channel::send(std::uint8_t type, Bytes body, std::span<const int> descriptors, Instant deadline) {
  std::array<Byte, header_size> header{};
  Writer out{MutableBytes(header)};
  out.u8(type);
  out.u8(static_cast<std::uint8_t>(descriptors.size()));
  out.u32(static_cast<std::uint32_t>(body.size()));
  if (auto sent = send_all(header, descriptors, deadline); !sent) return sent;
  return send_all(body, {}, deadline);
}

// The descriptors go with the first byte.
Result<void> Channel::send_all(Bytes bytes, std::span<const int> descriptors, Instant deadline) {
  while (!bytes.empty()) {
    iovec piece{const_cast<Byte*>(bytes.data()), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<Byte, CMSG_SPACE(max_descriptors * sizeof(int))> control{};
    if (!descriptors.empty()) {
      message.msg_control = control.data();
      message.msg_controllen = CMSG_SPACE(descriptors.size_bytes());
      cmsghdr* attached = CMSG_FIRSTHDR(&message);
      attached->cmsg_level = SOL_SOCKET;
      attached->cmsg_type = SCM_RIGHTS;
      attached->cmsg_len = CMSG_LEN(descriptors.size_bytes());
      std::memcpy(CMSG_DATA(attached), descriptors.data(), descriptors.size_bytes());
    }
    const ssize_t n = ::sendmsg(socket_.get(), &message, MSG_NOSIGNAL);
    if (n > 0) {
      bytes = bytes.subspan(static_cast<std::size_t>(n));
      descriptors = {};
    } else if (errno == EAGAIN || errno == ETOOMANYREFS) {  // the latter: too many under way; the reader takes them out
      if (!wait_for(socket_, POLLOUT, deadline)) return fail("it did not take what was sent in time");
    } else if (errno != EINTR) {
      return broken(errno);
    }
  }
  return {};
}

Result<Message> Channel::receive(Instant deadline) {
  std::array<Byte, header_size> header{};
  Message message;
  if (auto received = receive_all(header, &message.descriptors, deadline); !received) {
    return std::unexpected(received.error());
  }
  Reader in(header);
  message.type = in.u8();
  const std::size_t descriptors = in.u8();
  const std::size_t size = in.u32();
  if (descriptors > max_descriptors || size > max_body) return fail("what it sent is no message of limpid's");
  if (message.descriptors.size() != descriptors) {
    return fail("not all descriptors arrived: the limit is too low here (ulimit -n)");
  }
  message.body.resize(size);
  if (auto received = receive_all(message.body, nullptr, deadline); !received) {
    return std::unexpected(received.error());
  }
  return message;
}

Result<void> Channel::receive_all(MutableBytes bytes, std::vector<Descriptor>* descriptors, Instant deadline) {
  while (!bytes.empty()) {
    iovec piece{bytes.data(), bytes.size()};
    msghdr message{};
    message.msg_iov = &piece;
    message.msg_iovlen = 1;
    alignas(cmsghdr) std::array<Byte, CMSG_SPACE(max_descriptors * sizeof(int))> control{};
    if (descriptors != nullptr) {
      message.msg_control = control.data();
      message.msg_controllen = control.size();
    }
    const ssize_t n = ::recvmsg(socket_.get(), &message, MSG_CMSG_CLOEXEC);
    if (n == 0) return broken(EPIPE);
    if (n < 0) {
      if (errno == EINTR) continue;
      if (errno != EAGAIN) return broken(errno);
      if (!wait_for(socket_, POLLIN, deadline)) return fail("it did not answer in time");
      continue;
    }
    for (cmsghdr* attached = CMSG_FIRSTHDR(&message); attached != nullptr; attached = CMSG_NXTHDR(&message, attached)) {
      if (attached->cmsg_level != SOL_SOCKET || attached->cmsg_type != SCM_RIGHTS) continue;
      const std::size_t size = attached->cmsg_len - CMSG_LEN(0);
      for (std::size_t at = 0; at + sizeof(int) <= size; at += sizeof(int)) {
        int number = -1;
        std::memcpy(&number, CMSG_DATA(attached) + at, sizeof number);
        descriptors->emplace_back(number);
      }
    }
    bytes = bytes.subspan(static_cast<std::size_t>(n));
  }
  return {};
}

}  // namespace limpid::effects

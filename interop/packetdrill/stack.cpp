#include "interop/packetdrill/stack.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <thread>

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"

namespace limpid::packetdrill {

using namespace tcpip;

namespace {

constexpr MacAddress ours{{2, 0, 0, 0, 0, 1}};
constexpr MacAddress gateways{{2, 0, 0, 0, 0, 2}};

std::optional<stream::Endpoint> endpoint_of(const sockaddr* address) {
  if (address == nullptr || address->sa_family != AF_INET) return std::nullopt;
  const auto* in = reinterpret_cast<const sockaddr_in*>(address);
  return endpoint(IpAddress::v4(ntohl(in->sin_addr.s_addr)), ntohs(in->sin_port));
}

}  // namespace

Stack::Stack(const std::string& flags) {
  config_.ip.mac = ours;
  config_.ip.offload = {.checksum = true, .segmentation = true};
  // What the scripts take for granted: Linux with the settings of their common/defaults.sh.
  config_.tcp.max_superframe = 65000;
  config_.tcp.max_receive_window = 15 << 20;
  config_.tcp.max_unsent = config_.tcp.send_buffer;
  config_.tcp.syn_retries = 5;
  config_.tcp.min_mss = 48;
  std::size_t at = 0;
  while (at < flags.size()) {
    const std::size_t end = std::min(flags.find(',', at), flags.size());
    const std::string setting = flags.substr(at, end - at);
    at = end + 1;
    const auto value = [&](const char* name) -> const char* {
      const std::string prefix = std::string(name) + "=";
      return setting.starts_with(prefix) ? setting.c_str() + prefix.size() : nullptr;
    };
    if (const char* text = value("ip")) {
      if (const auto cidr = parse_cidr(text)) config_.ip.addresses.push_back(*cidr);
    } else if (const char* gateway = value("gateway")) {
      config_.ip.gateway = parse_ip_address(gateway);
    } else if (setting == "timestamps=0") {
      config_.tcp.timestamps = false;
    } else if (setting == "superframes=0") {
      config_.tcp.max_superframe = 0;
    } else if (setting == "sack=0") {
      config_.tcp.sack = false;
    } else if (setting == "ecn=1") {
      config_.tcp.ecn = true;
    } else if (setting == "window_scale=0") {
      config_.tcp.window_scale = false;
    } else if (setting == "congestion=reno") {
      config_.tcp.congestion = tcp::CongestionControl::new_reno;
    } else {
      std::fprintf(stderr, "packetdrill.so: unknown flag '%s'\n", setting.c_str());
      std::exit(1);
    }
  }
  start();
}

void Stack::start() {
  host_.emplace();
  tell(host::Started{});
  tell(LinkChanged{true});
  flush();
}

// A real one, of nothing: at the end packetdrill closes what a script left open by itself.
int Stack::new_descriptor() { return ::open("/dev/null", O_RDWR | O_CLOEXEC); }

Socket* Stack::find(int fd) {
  const auto found = sockets_.find(fd);
  return found == sockets_.end() ? nullptr : &found->second;
}

Socket* Stack::find(ConnectionId id) {
  for (auto& [fd, socket] : sockets_) {
    if (socket.kind == Socket::Kind::stream && socket.id == id && !socket.closed) return &socket;
  }
  return nullptr;
}

void Stack::tell(Host::Event event) {
  for (;;) {
    const Room<Action> room{room_, slots_, budget_};
    const auto progress = Host::advance(config_, *host_, {now_, {1'700'000'000}}, event, room);
    deadline_ = progress.deadline;
    for (const Action& action : progress.actions) note(action);
    if (progress.consumed > 0) event = Tick{};
    if (!progress.more) break;
  }
  while (!to_host_.empty()) {
    std::vector<Byte> frame = std::move(to_host_.front());
    to_host_.pop_front();
    tell(FrameReceived{frame, {}});
  }
}

void Stack::flush() {
  for (int rounds = 0; host_->needs_flush() && rounds < 1000; ++rounds) tell(Flush{});
}

void Stack::note(const Action& action) {
  std::visit(
      [this]<class Held>(const Held& held) {
        if constexpr (std::same_as<Held, Transmit>) {
          transmit(held);
        } else if constexpr (std::same_as<Held, host::Opened>) {
          if (Socket* socket = find(held.id)) {
            socket->established = true;
            return;
          }
          const int fd = new_descriptor();
          Socket& accepted = sockets_[fd];
          accepted.kind = Socket::Kind::stream;
          accepted.id = held.id;
          accepted.remote = held.remote;
          accepted.established = true;
          for (auto& [other, socket] : sockets_) {
            if (socket.kind == Socket::Kind::listener && socket.port == held.listener) socket.waiting.push_back(fd);
          }
        } else if constexpr (std::same_as<Held, host::Received>) {
          if (Socket* socket = find(held.id)) {
            socket->received.insert(socket->received.end(), held.bytes.begin(), held.bytes.end());
          }
        } else if constexpr (std::same_as<Held, host::Writable>) {
          if (Socket* socket = find(held.id)) socket->writable = true;
        } else if constexpr (std::same_as<Held, host::PeerFinished>) {
          if (Socket* socket = find(held.id)) socket->peer_finished = true;
        } else if constexpr (std::same_as<Held, host::Reset>) {
          if (Socket* socket = find(held.id)) {
            socket->closed = true;
            if (held.reason == stream::ResetReason::timed_out) {
              socket->error = ETIMEDOUT;
            } else if (held.reason == stream::ResetReason::unreachable) {
              socket->error = EHOSTUNREACH;
            } else {
              socket->error = !socket->established ? ECONNREFUSED : socket->peer_finished ? EPIPE : ECONNRESET;
            }
          }
        } else if constexpr (std::same_as<Held, host::Closed>) {
          if (Socket* socket = find(held.id)) socket->closed = true;
        }
      },
      action);
}

void Stack::transmit(const Transmit& sent) {
  std::vector<Byte> frame(sent.header.begin(), sent.header.end());
  for (const Bytes& piece : sent.payload) frame.insert(frame.end(), piece.begin(), piece.end());
  if (sent.offload.checksum_offset != 0) {
    // PSH is compared by nobody: see packetdrill_test.py.
    constexpr std::size_t flags_offset = 13;
    frame[sent.offload.checksum_start + flags_offset] &= static_cast<Byte>(~0x08);
    const MutableBytes summed = MutableBytes(frame).subspan(sent.offload.checksum_start);
    Writer(summed.subspan(sent.offload.checksum_offset)).u16(wire::internet_checksum(summed));
  }
  Reader in{Bytes(frame)};
  in.skip(12);
  const std::uint16_t type = in.u16();
  if (type == 0x0806) return answer_arp(frame);
  if (type != 0x0800) return;
  out_.push_back({{frame.begin() + 14, frame.end()}, now_.microseconds});
}

// The link's other end is whoever is asked for.
void Stack::answer_arp(Bytes frame) {
  const auto asked = wire::ArpPacket::parse(frame.subspan(14));
  if (!asked || asked->operation != wire::ArpOperation::request ||
      asked->target_protocol_address == asked->sender_protocol_address || asked->sender_protocol_address == any_ipv4) {
    return;
  }
  std::vector<Byte> answer(14 + wire::ArpPacket::size);
  Writer out{MutableBytes(answer)};
  out.bytes(ours.octets);
  out.bytes(gateways.octets);
  out.u16(0x0806);
  wire::ArpPacket{wire::ArpOperation::reply, gateways, asked->target_protocol_address, ours,
                  asked->sender_protocol_address}
      .emit(out);
  to_host_.push_back(std::move(answer));
}

bool Stack::run_to(Instant stop) {
  if (!deadline_ || *deadline_ > stop) return false;
  now_ = std::max(now_, *deadline_);
  tell(Tick{});
  flush();
  return true;
}

void Stack::sleep(Lock& lock, long long usec) {
  const Instant stop = now_ + microseconds(usec);
  wake(lock);
  while (run_to(stop)) wake(lock);
  now_ = stop;
}

void Stack::packet_in(Lock& lock, Bytes packet) {
  std::vector<Byte> frame(14);
  Writer out{MutableBytes(frame)};
  out.bytes(ours.octets);
  out.bytes(gateways.octets);
  out.u16(0x0800);
  frame.insert(frame.end(), packet.begin(), packet.end());
  tell(FrameReceived{frame, {}});
  flush();
  wake(lock);
}

std::optional<Packet> Stack::packet_out(Lock& lock) {
  // Who waits for a packet waits until there is one, but not for ever.
  const Instant stop = now_ + seconds(600);
  wake(lock);
  while (out_.empty() && run_to(stop)) wake(lock);
  if (out_.empty()) return std::nullopt;
  Packet packet = std::move(out_.front());
  out_.pop_front();
  return packet;
}

void Stack::wake(Lock& lock) {
  changed_.notify_all();
  if (blocked_ == 0) return;
  // A call that can return does so in its own thread; virtual time stands still meanwhile.
  lock.unlock();
  std::this_thread::sleep_for(std::chrono::milliseconds(2));
  lock.lock();
}

template <class Ready>
void Stack::block(Lock& lock, Ready&& ready) {
  ++blocked_;
  changed_.wait(lock, ready);
  --blocked_;
}

int Stack::socket() {
  const int fd = new_descriptor();
  sockets_[fd] = {};
  return fd;
}

int Stack::bind(int fd, const sockaddr* address) {
  Socket* socket = find(fd);
  const auto local = endpoint_of(address);
  if (socket == nullptr) return -EBADF;
  if (!local) return -EINVAL;
  socket->port = local->port;
  return 0;
}

int Stack::listen(int fd, int backlog) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  socket->kind = Socket::Kind::listener;
  if (!host_->listen(context(), socket->port, static_cast<std::uint16_t>(std::max(backlog, 16)))) return -EADDRINUSE;
  return 0;
}

int Stack::accept(Lock& lock, int fd, sockaddr* address, socklen_t* size) {
  Socket* listener = find(fd);
  if (listener == nullptr) return -EBADF;
  if (listener->kind != Socket::Kind::listener) return -EINVAL;
  if (listener->waiting.empty() && listener->nonblocking) return -EAGAIN;
  if (listener->waiting.empty()) {
    block(lock, [&] { return find(fd) == nullptr || !find(fd)->waiting.empty(); });
    listener = find(fd);
    if (listener == nullptr) return -EBADF;
  }
  const int accepted = listener->waiting.front();
  listener->waiting.pop_front();
  if (address != nullptr && size != nullptr && *size >= sizeof(sockaddr_in)) {
    sockaddr_in in{};
    const stream::Endpoint& remote = find(accepted)->remote;
    in.sin_family = AF_INET;
    in.sin_port = htons(remote.port);
    in.sin_addr.s_addr = htonl(address_of(remote).v4_bits());
    std::memcpy(address, &in, sizeof(in));
    *size = sizeof(in);
  }
  return accepted;
}

int Stack::connect(Lock& lock, int fd, const sockaddr* address) {
  Socket* socket = find(fd);
  const auto remote = endpoint_of(address);
  if (socket == nullptr) return -EBADF;
  if (!remote) return -EAFNOSUPPORT;
  if (socket->kind == Socket::Kind::stream) {
    if (socket->error != 0) return -std::exchange(socket->error, 0);
    return socket->established ? -EISCONN : -EALREADY;
  }
  const auto id = host_->connect(context(), *remote);
  if (!id) return -EADDRNOTAVAIL;
  socket->kind = Socket::Kind::stream;
  socket->id = *id;
  flush();
  if (socket->nonblocking) return -EINPROGRESS;
  block(lock, [&] { return find(fd) == nullptr || find(fd)->established || find(fd)->closed; });
  socket = find(fd);
  if (socket == nullptr) return -EBADF;
  return socket->established ? 0 : -std::exchange(socket->error, 0);
}

ssize_t Stack::read(Lock& lock, int fd, MutableBytes to, int flags) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind != Socket::Kind::stream) return -ENOTCONN;
  const auto ready = [&] {
    const Socket* s = find(fd);
    return s == nullptr || !s->received.empty() || s->peer_finished || s->closed || s->error != 0;
  };
  if (!ready()) {
    if (socket->nonblocking || (flags & MSG_DONTWAIT) != 0) return -EAGAIN;
    block(lock, ready);
    socket = find(fd);
    if (socket == nullptr) return -EBADF;
  }
  if (socket->received.empty()) {
    if (socket->error != 0) return -std::exchange(socket->error, 0);
    return 0;
  }
  const std::size_t n = std::min(to.size(), socket->received.size());
  copy(Bytes(socket->received).first(n), to);
  if ((flags & MSG_PEEK) != 0) return static_cast<ssize_t>(n);
  socket->received.erase(socket->received.begin(), socket->received.begin() + static_cast<std::ptrdiff_t>(n));
  host_->consumed(context(), socket->id, n);
  flush();
  return static_cast<ssize_t>(n);
}

ssize_t Stack::write(Lock& lock, int fd, Bytes from, int flags) {
  std::size_t written = 0;
  for (;;) {
    Socket* socket = find(fd);
    if (socket == nullptr) return -EBADF;
    if (socket->kind != Socket::Kind::stream) return -EPIPE;
    if (socket->error != 0) return -std::exchange(socket->error, 0);
    if (socket->closed || socket->finished) return -EPIPE;
    if (!socket->established) return -EAGAIN;
    while (written < from.size()) {
      const MutableBytes room = host_->reserve(context(), socket->id, from.size() - written);
      if (room.empty()) break;
      copy(from.subspan(written, room.size()), room);
      host_->commit(context(), socket->id, room.size());
      written += room.size();
    }
    flush();
    if (written == from.size()) return static_cast<ssize_t>(written);
    socket = find(fd);
    if (socket->nonblocking || (flags & MSG_DONTWAIT) != 0)
      return written > 0 ? static_cast<ssize_t>(written) : -EAGAIN;
    socket->writable = false;
    block(lock, [&] { return find(fd) == nullptr || find(fd)->writable || find(fd)->closed; });
  }
}

int Stack::close(int fd) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind == Socket::Kind::listener) host_->stop_listening(socket->port);
  if (socket->kind == Socket::Kind::stream && !socket->closed) {
    // RFC 1122, section 4.2.2.13: "if such a host issues a CLOSE call while received data is still pending in TCP ...
    // its TCP SHOULD send a RST".
    if (!socket->received.empty()) {
      host_->abort(context(), socket->id);
    } else {
      host_->finish(context(), socket->id);
    }
  }
  sockets_.erase(fd);
  ::close(fd);
  flush();
  return 0;
}

int Stack::shutdown(int fd, int how) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (socket->kind != Socket::Kind::stream || (!socket->established && socket->closed)) return -ENOTCONN;
  if (how != SHUT_RD && !socket->finished) {
    socket->finished = true;
    host_->finish(context(), socket->id);
    flush();
  }
  if (how != SHUT_WR) socket->peer_finished = true;
  return 0;
}

int Stack::get_option(int fd, int level, int name, void* value, socklen_t* size) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  int result = 0;
  if (level == SOL_SOCKET && name == SO_ERROR) {
    result = std::exchange(socket->error, 0);
  } else if (level == IPPROTO_TCP && name == TCP_NODELAY) {
    result = config_.tcp.nagle ? 0 : 1;
  } else if (level == IPPROTO_TCP && name == TCP_USER_TIMEOUT) {
    result = static_cast<int>(config_.tcp.user_timeout.microseconds / 1000);
  } else {
    return -ENOPROTOOPT;
  }
  if (*size < sizeof(int)) return -EINVAL;
  std::memcpy(value, &result, sizeof(int));
  *size = sizeof(int);
  return 0;
}

// A script is about one connection, so what it sets for its socket is set for all.
int Stack::set_option(int fd, int level, int name, const void* value, socklen_t size) {
  if (find(fd) == nullptr) return -EBADF;
  if (value == nullptr) return -EFAULT;
  int number = 0;
  if (size >= sizeof(int)) std::memcpy(&number, value, sizeof(int));
  tcp::Config& tcp = config_.tcp;
  if (level == SOL_SOCKET) {
    if (name == SO_KEEPALIVE) tcp.keepalive_idle = number != 0 ? seconds(7200) : Duration{};
    return 0;
  }
  if (level != IPPROTO_TCP) return 0;
  switch (name) {
    case TCP_NODELAY:
      tcp.nagle = number == 0;
      return 0;
    case TCP_KEEPIDLE:
      tcp.keepalive_idle = seconds(number);
      return 0;
    case TCP_KEEPINTVL:
      tcp.keepalive_interval = seconds(number);
      return 0;
    case TCP_KEEPCNT:
      tcp.keepalive_probes = static_cast<std::uint8_t>(number);
      return 0;
    case TCP_USER_TIMEOUT:
      tcp.user_timeout = milliseconds(number);
      return 0;
    case TCP_CONGESTION:
      tcp.congestion = std::string_view(static_cast<const char*>(value), size).starts_with("reno")
                           ? tcp::CongestionControl::new_reno
                           : tcp::CongestionControl::cubic;
      return 0;
    default:
      return -ENOPROTOOPT;
  }
}

int Stack::control(int fd, int command, long argument) {
  Socket* socket = find(fd);
  if (socket == nullptr) return -EBADF;
  if (command == F_GETFL) return O_RDWR | (socket->nonblocking ? O_NONBLOCK : 0);
  if (command == F_SETFL) socket->nonblocking = (argument & O_NONBLOCK) != 0;
  return 0;
}

int Stack::readable_bytes(int fd) {
  const Socket* socket = find(fd);
  return socket == nullptr ? -EBADF : static_cast<int>(socket->received.size());
}

short Stack::ready_for(const Socket& socket) const {
  int ready = 0;
  if (socket.kind == Socket::Kind::listener) return socket.waiting.empty() ? short{0} : short{POLLIN | POLLRDNORM};
  if (!socket.received.empty() || socket.peer_finished || socket.closed) ready |= POLLIN | POLLRDNORM;
  if ((socket.established && socket.writable) || socket.closed) ready |= POLLOUT | POLLWRNORM;
  if (socket.peer_finished || socket.closed) ready |= POLLRDHUP;
  if (socket.closed || (socket.peer_finished && socket.finished)) ready |= POLLHUP;
  if (socket.error != 0) ready |= POLLERR;
  return static_cast<short>(ready);
}

int Stack::poll(Lock& lock, pollfd* fds, nfds_t count, int timeout) {
  const auto look = [&] {
    int ready = 0;
    for (nfds_t i = 0; i < count; ++i) {
      const Socket* socket = find(fds[i].fd);
      fds[i].revents =
          static_cast<short>(socket == nullptr ? POLLNVAL : ready_for(*socket) & (fds[i].events | POLLERR | POLLHUP));
      if (fds[i].revents != 0) ++ready;
    }
    return ready;
  };
  if (look() == 0 && timeout != 0) {
    const Instant stop = now_ + milliseconds(timeout);
    block(lock, [&] { return look() > 0 || (timeout > 0 && now_ >= stop); });
  }
  return look();
}

}  // namespace limpid::packetdrill

#include "limpid/effects/worker.hpp"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/eventfd.h>
#include <sys/uio.h>

#include <algorithm>
#include <cstdio>

#include "limpid/effects/cpu.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/sockets.hpp"

namespace limpid::effects {
namespace {

// Lent for a step, and so the most that one connection can leave in memory by not reading, or by sending what is not
// consumed: two records of TLS, and four.
constexpr std::size_t input_size = 2 * (16384 + 256 + 5);
constexpr std::size_t output_size = 4 * (16384 + 256 + 5);
constexpr std::size_t action_slots = 64;

constexpr int steps_per_visit = 32;
constexpr int accepts_per_turn = 64;
// As many as may wait in the kernel; who comes faster than they are taken cannot keep a worker from stopping.
constexpr int accepts_before_draining = 4096;

// For what is left in `unsent` when the machine has ended.
constexpr Duration flush_timeout = seconds(30);

void count(std::atomic<std::uint64_t>& counter, std::uint64_t n = 1) {
  counter.fetch_add(n, std::memory_order_relaxed);
}

stream::ResetReason reset_reason(int error) {
  switch (error) {
    case ETIMEDOUT:
      return stream::ResetReason::timed_out;
    case EHOSTUNREACH:
    case ENETUNREACH:
      return stream::ResetReason::unreachable;
    default:
      return stream::ResetReason::reset;
  }
}

}  // namespace

Worker::Worker(const Machine::Config& config, stack::Identities identities, const Directory& site, std::size_t memory,
               std::vector<Descriptor> listeners)
    : config_(config),
      identities_(std::move(identities)),
      site_(site),
      budget_(memory),
      cpu_(cpu_features()),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      listeners_(std::move(listeners)),
      input_(input_size),
      output_(output_size),
      piece_(output_size),
      actions_(action_slots) {
  poller_.add(wake_.get(), EPOLLIN, wake_name);
}

void Worker::drain(Duration grace) {
  drain_grace_us_.store(grace.microseconds, std::memory_order_relaxed);
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

void Worker::run() {
  watch_listeners();
  for (;;) {
    std::optional<Instant> deadline = timers_.next();
    if (resume_accepting_) deadline = std::min(deadline.value_or(*resume_accepting_), *resume_accepting_);
    if (draining_) deadline = std::min(deadline.value_or(drain_deadline_), drain_deadline_);
    if (!ready_.empty()) deadline = Instant{};

    for (const epoll_event& event : poller_.wait(deadline)) {
      if (event.data.u64 == wake_name) {
        std::uint64_t times = 0;
        static_cast<void>(!::read(wake_.get(), &times, sizeof times));
        start_draining();
      } else if ((event.data.u64 & listener_bit) != 0) {
        accept_from(event.data.u64 & ~listener_bit, accepts_per_turn);
      } else {
        heard(event.data.u64, event.events);
      }
    }

    const Instant time = now().monotonic;
    if (resume_accepting_ && *resume_accepting_ <= time) watch_listeners();
    while (const auto name = timers_.expired(time)) {
      Connection& connection = *find(*name);
      connection.tick = true;
      queue(connection);
    }
    std::swap(ready_, visiting_);
    for (const std::uint64_t name : visiting_) {
      if (Connection* connection = find(name)) visit(*connection);
    }
    visiting_.clear();
    counters_.memory.store(budget_.used(), std::memory_order_relaxed);

    if (!draining_) continue;
    if (now().monotonic >= drain_deadline_) {
      for (Box<Connection>& connection : slots_) {
        if (connection) close(*connection);
      }
    }
    if (counters_.open.load(std::memory_order_relaxed) == 0) return;
  }
}

// ---- Accepting ------------------------------------------------------------------------------------------------------

void Worker::watch_listeners() {
  resume_accepting_.reset();
  if (std::exchange(watching_listeners_, true)) return;
  for (std::size_t i = 0; i < listeners_.size(); ++i) poller_.add(listeners_[i].get(), EPOLLIN, listener_bit | i);
}

void Worker::pause_accepting(int error) {
  count(counters_.accept_pauses);
  for (const Descriptor& listener : listeners_) poller_.remove(listener.get());
  watching_listeners_ = false;
  const Instant time = now().monotonic;
  resume_accepting_ = time + milliseconds(100);
  if (complained_ && time < *complained_ + seconds(1)) return;
  complained_ = time;
  std::fprintf(stderr, "limpid: not accepting for a moment: %s; raise the limit (ulimit -n) or serve fewer at once\n",
               system_words(error).c_str());
}

void Worker::accept_from(std::size_t listener, int most) {
  if (!watching_listeners_) return;
  for (int n = 0; n < most; ++n) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor socket(::accept4(listeners_[listener].get(), reinterpret_cast<sockaddr*>(&address), &size,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) return pause_accepting(errno);
      if (errno == EAGAIN) return;
      continue;  // this one was gone before we came (ECONNABORTED and its like)
    }
    const int on = 1;
    ::setsockopt(socket.get(), IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (free_slots_.empty()) {
      free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
      slots_.emplace_back();
      generations_.push_back(0);
    }
    const std::uint32_t slot = free_slots_.back();
    slots_[slot] = Box<Connection>::make(budget_, budget_, std::move(socket));
    if (!slots_[slot]) {
      count(counters_.refused_for_memory);
      continue;
    }
    Connection& connection = *slots_[slot];
    connection.timer.name = std::uint64_t{generations_[slot]} << 32 | slot;
    if (!poller_.add(connection.socket.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection.timer.name)) {
      const int error = errno;
      slots_[slot].reset();
      return pause_accepting(error);
    }
    free_slots_.pop_back();
    count(counters_.accepted);
    count(counters_.open);
    queue(connection);
  }
}

void Worker::start_draining() {
  drain_deadline_ = now().monotonic + Duration{drain_grace_us_.load(std::memory_order_relaxed)};
  if (std::exchange(draining_, true)) return;
  // Who was let in by the kernel already is not turned away: closing a listener resets what waits in it.
  for (std::size_t i = 0; i < listeners_.size(); ++i) accept_from(i, accepts_before_draining);
  listeners_.clear();
  resume_accepting_.reset();
  for (Box<Connection>& connection : slots_) {
    if (connection) queue(*connection);
  }
}

// ---- Connections ----------------------------------------------------------------------------------------------------

Worker::Connection* Worker::find(std::uint64_t name) {
  const auto slot = static_cast<std::uint32_t>(name);
  if (slot >= slots_.size() || !slots_[slot] || generations_[slot] != name >> 32) return nullptr;
  return &*slots_[slot];
}

void Worker::queue(Connection& connection) {
  if (!std::exchange(connection.queued, true)) ready_.push_back(connection.timer.name);
}

void Worker::heard(std::uint64_t name, std::uint32_t events) {
  Connection* connection = find(name);
  if (connection == nullptr) return;
  if ((events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection->readable = true;
  if ((events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR)) != 0) connection->hung_up = true;
  queue(*connection);
}

void Worker::close(Connection& connection) {
  const auto slot = static_cast<std::uint32_t>(connection.timer.name);
  timers_.remove(connection.timer);
  // Generations stay below the bit that tells listeners apart.
  generations_[slot] = (generations_[slot] + 1) & 0x7fff'ffff;
  free_slots_.push_back(slot);
  slots_[slot].reset();
  counters_.open.fetch_sub(1, std::memory_order_relaxed);
}

void Worker::drop_for_memory(Connection& connection) {
  count(counters_.refused_for_memory);
  connection.aborted = true;
}

void Worker::visit(Connection& connection) {
  connection.queued = false;
  std::size_t input = copy(Bytes(connection.unread.data(), connection.unread.size()), input_).size();
  int steps = 0;
  while (!connection.aborted && !connection.ended && steps < steps_per_visit && advance(connection, input)) ++steps;

  if (connection.aborted) {
    // RST tells the peer that something is missing, which FIN would hide.
    const linger at_once{1, 0};
    ::setsockopt(connection.socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
    return close(connection);
  }
  if (connection.ended) {
    flush(connection);
    if (connection.unsent.empty() || connection.reset || connection.tick) return close(connection);
    if (!connection.timer.deadline) timers_.set(connection.timer, now().monotonic + flush_timeout);
    return;
  }
  if (steps == steps_per_visit) queue(connection);
  const Bytes left = Bytes(input_).first(input);
  if (left.empty()) return connection.unread.release();
  connection.unread.clear();
  if (!connection.unread.append(left)) {
    drop_for_memory(connection);
    queue(connection);
  }
}

bool Worker::advance(Connection& connection, std::size_t& input) {
  flush(connection);
  const bool blocked = !connection.unsent.empty();
  const bool waits = connection.wants == Wants::room || connection.wants == Wants::reply || connection.more;

  Machine::Event event;
  bool is_received = false, is_end = false;
  if (!connection.opened) {
    connection.opened = true;
    event = stream::Opened{local_endpoint(connection.socket), peer_endpoint(connection.socket), entropy()};
  } else if (connection.reset) {
    event = stream::Reset{*connection.reset};
  } else if (draining_ && !connection.told_to_drain) {
    connection.told_to_drain = true;
    event = http::Drain{};
  } else if (connection.tick) {
    event = Tick{};
  } else if (blocked) {
    return false;
  } else if (connection.wants == Wants::reply) {
    const auto query = connection.machine.pending();
    if (!query) return false;
    event = answer(connection, *query);
  } else if (waits) {
    event = Tick{};
  } else if (input > connection.offered || receive(connection, input)) {
    is_received = true;
    event = stream::Received{MutableBytes(input_).first(input)};
  } else if (connection.end_read && !connection.end_consumed) {
    is_end = true;
    event = stream::PeerFinished{};
  } else {
    return connection.reset.has_value();
  }

  const Room<Machine::Action> room{
      .bytes = blocked ? MutableBytes() : MutableBytes(output_), .actions = actions_, .budget = budget_, .cpu = cpu_};
  const auto progress = Machine::advance(config_, connection.machine, now(), event, room);
  connection.wants = progress.wants;
  connection.more = progress.more;
  if (is_received) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(progress.consumed),
              input_.begin() + static_cast<std::ptrdiff_t>(input), input_.begin());
    input -= progress.consumed;
    connection.offered = progress.wants == Wants::event && !progress.more ? input : 0;
  }
  if (is_end) connection.end_consumed = progress.consumed != 0;
  connection.ended = progress.wants == Wants::nothing;
  connection.tick = false;  // whatever the event was, the machine knows what time it is
  timers_.set(connection.timer, connection.ended ? std::nullopt : progress.deadline);
  carry_out(connection, progress.actions);
  if (connection.reset && connection.ended) connection.unsent.clear();
  return true;
}

bool Worker::receive(Connection& connection, std::size_t& input) {
  bool any = false;
  while (connection.readable && !connection.end_read && input < input_.size()) {
    const std::size_t room = input_.size() - input;
    const ssize_t n = ::recv(connection.socket.get(), input_.data() + input, room, 0);
    if (n > 0) {
      input += static_cast<std::size_t>(n);
      any = true;
      // A short read took all there was; what comes later makes another edge. But an end is found by reading it.
      if (static_cast<std::size_t>(n) < room && !connection.hung_up) connection.readable = false;
      return true;
    }
    if (n == 0) {
      connection.end_read = true;
    } else if (errno == EAGAIN) {
      connection.readable = false;
    } else if (errno != EINTR) {
      count(counters_.reset_by_peer);
      connection.reset = reset_reason(errno);
      connection.readable = false;
    }
  }
  return any;
}

void Worker::carry_out(Connection& connection, std::span<const Machine::Action> actions) {
  std::array<Bytes, action_slots> pieces;
  std::size_t n = 0;
  for (const Machine::Action& action : actions) {
    std::visit(Overloaded{
                   [&](const stream::Send& send) { pieces[n++] = send.bytes; },
                   [&](const stream::Finish&) { connection.finish = connection.finished = true; },
                   [&](const stream::Abort&) {
                     count(counters_.aborted);
                     // Behind Finish the machine has only lost its patience. The answer may still be on its way, here
                     // or in the kernel, to a peer that takes it slowly: RST would destroy it, a close delivers it.
                     connection.aborted = !connection.finished;
                   },
                   [&](const http::CloseFile& closed) { connection.file.close(closed.file); },
                   [&](const http::RequestServed& served) {
                     count(counters_.requests);
                     count(counters_.body_bytes, served.body_bytes);
                   },
                   [&](const tls::HandshakeDone&) { count(counters_.handshakes); },
                   [&](const tls::Failed& failed) {
                     count(counters_.tls_failures);
                     tell_of_failure(connection, failed);
                   },
                   // Facts that nobody has asked for yet.
                   [&](const http::StaleReply&) {},
                   [&](const tls::Truncated&) {},
                   [&](const tls::Noted&) {},
               },
               action);
  }
  if (n > 0) send(connection, std::span(pieces).first(n));
  flush(connection);
}

// At most one line a second, since whoever can connect can cause them; the counter has them all.
void Worker::tell_of_failure(const Connection& connection, const tls::Failed& failed) {
  if (failed.error.fault == tls::Fault::handshake_truncated) return;  // somebody looked whether a port is open
  const Instant time = now().monotonic;
  if (complained_of_tls_ && time < *complained_of_tls_ + seconds(1)) return;
  complained_of_tls_ = time;
  const auto words = tls::describe(failed.error.fault);
  std::string line = "limpid: TLS with " + to_string(peer_endpoint(connection.socket)) + " failed: ";
  line += words.sentence;
  line += " (";
  line += failed.error.fault == tls::Fault::alert_received ? tls::name(failed.alert) : words.name;
  line += ")\n";
  std::fputs(line.c_str(), stderr);
}

// ---- Sending --------------------------------------------------------------------------------------------------------

void Worker::send(Connection& connection, std::span<const Bytes> pieces) {
  std::array<iovec, action_slots> vectors;
  std::size_t taken = 0;
  if (connection.unsent.empty() && !connection.reset) {
    std::size_t total = 0;
    for (std::size_t i = 0; i < pieces.size(); ++i) {
      vectors[i] = {const_cast<Byte*>(pieces[i].data()), pieces[i].size()};
      total += pieces[i].size();
    }
    msghdr message{};
    message.msg_iov = vectors.data();
    message.msg_iovlen = pieces.size();
    ssize_t n = 0;
    while ((n = ::sendmsg(connection.socket.get(), &message, MSG_NOSIGNAL)) < 0 && errno == EINTR) {
    }
    if (n >= 0) {
      taken = static_cast<std::size_t>(n);
      if (taken == total) return;
    } else if (errno != EAGAIN) {
      connection.reset = reset_reason(errno);
    }
  }
  for (const Bytes piece : pieces) {
    const std::size_t skipped = std::min(taken, piece.size());
    taken -= skipped;
    if (!connection.reset && !connection.unsent.append(piece.subspan(skipped))) return drop_for_memory(connection);
  }
}

// Sends what is left over, then the FIN that waits behind it.
void Worker::flush(Connection& connection) {
  while (!connection.unsent.empty() && !connection.reset) {
    const ssize_t n = ::send(connection.socket.get(), connection.unsent.data(), connection.unsent.size(), MSG_NOSIGNAL);
    if (n >= 0) {
      connection.unsent.erase_front(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      return;
    } else if (errno != EINTR) {
      count(counters_.reset_by_peer);
      connection.reset = reset_reason(errno);
    }
  }
  connection.unsent.release();
  if (std::exchange(connection.finish, false)) ::shutdown(connection.socket.get(), SHUT_WR);
}

// ---- Files ----------------------------------------------------------------------------------------------------------

Worker::Machine::Event Worker::answer(Connection& connection, const Machine::Query& query) {
  return std::visit(Overloaded{
                        [&](const stack::TlsQuery& asked) -> Machine::Event {
                          return tls::Reply{asked.id, identities_.answer(asked.question, cpu_)};
                        },
                        [&](const http::Lookup& lookup) -> Machine::Event {
                          return http::Reply{lookup.id, look_up(connection, lookup.path)};
                        },
                        [&](const http::ReadFile& asked) -> Machine::Event {
                          return http::Reply{asked.id,
                                             http::Piece{connection.file.read(site_, asked, piece_, budget_)}};
                        },
                    },
                    query);
}

http::Answer Worker::look_up(Connection& connection, std::string_view path) {
  const auto found = connection.file.look_up(site_, path, budget_);
  if (!found) return lookup_failure(found.error());
  return *found;
}

}  // namespace limpid::effects

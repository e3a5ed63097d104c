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

// Under pressure, who has kept us waiting for so long is the first to go: an honest peer's part of a handshake or of a
// request takes a round trip or two.
constexpr Duration patience = seconds(2);

// For what is left in `unsent` when the machine has ended.
constexpr Duration flush_timeout = seconds(30);

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

Worker::Worker(const WorkerSettings& settings, std::unique_ptr<IdentitySet> identities, std::vector<Listener> listeners)
    : settings_(settings),
      identities_(std::move(identities)),
      budget_(settings.memory),
      cpu_(cpu_features()),
      wake_(::eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)),
      listeners_(std::move(listeners)),
      input_(input_size),
      output_(output_size),
      piece_(output_size),
      actions_(action_slots),
      sealed_budget_(settings.memory + (std::size_t{4} << 20)),
      reports_(counters_, settings.complaints, settings.log, settings.access_log, settings.key_log) {
  poller_.add(wake_.get(), EPOLLIN, wake_name);
}

void Worker::drain(Duration grace) {
  drain_grace_us_.store(grace.microseconds);
  wake();
}

void Worker::renew(std::unique_ptr<IdentitySet> identities) {
  {
    const std::lock_guard lock(news_mutex_);
    next_identities_ = std::move(identities);
  }
  wake();
}

void Worker::pause() {
  pause_.store(true);
  wake();
}

void Worker::wake() {
  const std::uint64_t one = 1;
  static_cast<void>(!::write(wake_.get(), &one, sizeof one));
}

void Worker::take_news() {
  std::uint64_t times = 0;
  static_cast<void>(!::read(wake_.get(), &times, sizeof times));
  {
    const std::lock_guard lock(news_mutex_);
    if (next_identities_) identities_.renew(std::move(next_identities_));
  }
  if (drain_grace_us_.load() >= 0) start_draining();
}

void Worker::run() {
  watch_listeners();
  while (!pause_.exchange(false)) {
    std::optional<Instant> deadline = timers_.next();
    if (resume_accepting_) deadline = std::min(deadline.value_or(*resume_accepting_), *resume_accepting_);
    if (draining_) deadline = std::min(deadline.value_or(drain_deadline_), drain_deadline_);
    if (reports_.behind() || shed_untold_ > 0) deadline = std::min(deadline.value_or(next_look_), next_look_);
    if (!ready_.empty()) deadline = Instant{};

    for (const epoll_event& event : poller_.wait(deadline)) {
      if (event.data.u64 == wake_name) {
        take_news();
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
      have_memory();
    }
    visiting_.clear();
    look_after_logs();
    counters_.memory.store(budget_.used(), std::memory_order_relaxed);

    if (!draining_) continue;
    if (now().monotonic >= drain_deadline_) {
      for (Box<Connection>& connection : slots_) {
        if (connection) close(*connection);
      }
    }
    if (counters_.open.load(std::memory_order_relaxed) == 0) return look_after_logs();
  }
}

// Writes the access log, and tells what there is to be told once a second.
void Worker::look_after_logs() {
  const Instant time = now().monotonic;
  next_look_ = time + milliseconds(100);
  reports_.write_logs();
  if (shed_untold_ > 0 && settings_.complaints.of_shortage.may(time)) {
    complain(settings_.log, "closed " + std::to_string(std::exchange(shed_untold_, 0)) +
                                " connections to make room for others: " +
                                (last_shortage_ == Shortage::memory
                                     ? "out of memory; raise --memory or serve fewer at once"
                                     : "out of descriptors; raise the limit (ulimit -n) or serve fewer at once"));
  }
}

// ---- Shedding load --------------------------------------------------------------------------------------------------

// After a visit.
void Worker::settle(Connection& connection) {
  using Standing = Machine::Standing;
  const bool owes = connection.ended || !connection.unsent.empty();
  const Standing standing = owes ? Standing::awaiting : connection.machine.standing();
  const bool progressed = std::exchange(connection.progressed, false);
  if (standing != connection.standing || progressed) stand(connection, standing);
}

// Puts the connection behind those that came to this standing before.
void Worker::stand(Connection& connection, Machine::Standing standing) {
  using Standing = Machine::Standing;
  if (connection.standing == Standing::idle) counters_.idle.fetch_sub(1, std::memory_order_relaxed);
  if (connection.standing == Standing::awaiting) --awaiting_count_;
  connection.leave();
  connection.standing = standing;
  connection.since = now().monotonic;
  if (standing == Standing::idle) {
    count(counters_.idle);
    idle_.push_back(connection);
  } else if (standing == Standing::awaiting) {
    ++awaiting_count_;
    awaiting_.push_back(connection);
  }
}

// Closes one connection for the sake of others. Whoever has kept us waiting for longest goes if that is longer than is
// honest, or if those who keep us waiting are more than a quarter of all, so that a flood only displaces itself. If
// not, whoever has been idle for longest goes; if nobody is idle, whoever keeps us waiting at all. False if everybody
// left is being answered.
bool Worker::shed_one(Shortage shortage) {
  Connection* victim = awaiting_.front(visited_);
  if (victim == nullptr || (now().monotonic < victim->since + patience &&
                            4 * awaiting_count_ <= counters_.open.load(std::memory_order_relaxed))) {
    if (Connection* idle = idle_.front(visited_)) victim = idle;
  }
  if (victim == nullptr) return false;
  const bool idle = victim->standing == Machine::Standing::idle;
  count(idle ? counters_.shed_idle : counters_.shed_waiting);
  ++shed_untold_;
  last_shortage_ = shortage;
  if (!idle) reset_on_close(*victim);
  close(*victim);
  return true;
}

// Whether there is memory for another connection, if need be after others were closed. An eighth is left to those that
// are being answered.
bool Worker::have_memory() {
  while (budget_.used() > budget_.limit() - budget_.limit() / 8) {
    if (!shed_one(Shortage::memory)) return false;
  }
  return true;
}

// ---- Accepting ------------------------------------------------------------------------------------------------------

void Worker::watch_listeners() {
  resume_accepting_.reset();
  if (std::exchange(watching_listeners_, true)) return;
  for (std::size_t i = 0; i < listeners_.size(); ++i)
    poller_.add(listeners_[i].socket.get(), EPOLLIN, listener_bit | i);
}

void Worker::pause_accepting(int error) {
  count(counters_.accept_pauses);
  for (const Listener& listener : listeners_) poller_.remove(listener.socket.get());
  watching_listeners_ = false;
  const Instant time = now().monotonic;
  resume_accepting_ = time + milliseconds(100);
  if (!settings_.complaints.of_shortage.may(time)) return;
  complain(settings_.log, "not accepting for a moment: " + system_words(error) +
                              "; raise the limit (ulimit -n) or serve fewer at once");
}

void Worker::accept_from(std::size_t listener, int most) {
  if (!watching_listeners_) return;
  for (int n = 0; n < most; ++n) {
    sockaddr_storage address{};
    socklen_t size = sizeof address;
    Descriptor socket(::accept4(listeners_[listener].socket.get(), reinterpret_cast<sockaddr*>(&address), &size,
                                SOCK_NONBLOCK | SOCK_CLOEXEC));
    if (!socket) {
      const int error = errno;
      if (error == EAGAIN) return;
      if ((error == EMFILE || error == ENFILE) && shed_one(Shortage::descriptors)) continue;
      if (error == EMFILE || error == ENFILE || error == ENOBUFS || error == ENOMEM) return pause_accepting(error);
      continue;  // this one was gone before we came (ECONNABORTED and its like)
    }
    if (!have_memory()) {
      count(counters_.refused_for_memory);
      continue;
    }
    if (admit(std::move(socket), listeners_[listener].redirects, endpoint_of(address), {}, now()) == nullptr) {
      if (errno == ENOMEM) {
        count(counters_.refused_for_memory);
        continue;
      }
      return pause_accepting(errno);
    }
    count(counters_.accepted);
  }
}

Worker::Connection* Worker::admit(Descriptor socket, bool redirects, const stream::Endpoint& peer,
                                  const recording::Born& born, Time time) {
  if (free_slots_.empty()) {
    free_slots_.push_back(static_cast<std::uint32_t>(slots_.size()));
    slots_.emplace_back();
    generations_.push_back(0);
  }
  const std::uint32_t slot = free_slots_.back();
  const Machine::Config& config = config_for(redirects);
  slots_[slot] = Box<Connection>::make(budget_, budget_, config, std::move(socket), peer,
                                       Tape<Machine>(settings_.recorder, config, time, born));
  if (!slots_[slot]) {
    errno = ENOMEM;
    return nullptr;
  }
  Connection& connection = *slots_[slot];
  connection.timer.name = std::uint64_t{generations_[slot]} << 32 | slot;
  if (!poller_.add(connection.socket.get(), EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET, connection.timer.name)) {
    const int error = errno;
    slots_[slot].reset();
    errno = error == ENOMEM ? ENOBUFS : error;
    return nullptr;
  }
  free_slots_.pop_back();
  count(counters_.open);
  stand(connection, Machine::Standing::awaiting);
  queue(connection);
  return &connection;
}

void Worker::start_draining() {
  drain_deadline_ = now().monotonic + Duration{drain_grace_us_.load(std::memory_order_relaxed)};
  if (std::exchange(draining_, true)) return;
  // Who was let in by the kernel already is not turned away: closing a listener resets what waits in it.
  for (std::size_t i = 0; i < listeners_.size(); ++i) accept_from(i, accepts_before_draining);
  listeners_.clear();
  watching_listeners_ = false;  // what epoll reported before still comes
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
  stand(connection, Machine::Standing::answering);
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

// RST tells the peer that something is missing, which FIN would hide, and frees what the kernel holds for it.
void Worker::reset_on_close(const Connection& connection) {
  const linger at_once{1, 0};
  ::setsockopt(connection.socket.get(), SOL_SOCKET, SO_LINGER, &at_once, sizeof at_once);
}

void Worker::visit(Connection& connection) {
  connection.queued = false;
  visited_ = &connection;
  if (visit_alive(connection)) settle(connection);
  visited_ = nullptr;
}

// False if the connection is closed and gone.
bool Worker::visit_alive(Connection& connection) {
  std::size_t input = copy(Bytes(connection.unread.data(), connection.unread.size()), input_).size();
  int steps = 0;
  while (!connection.aborted && !connection.ended && steps < steps_per_visit && advance(connection, input)) ++steps;

  if (connection.aborted) {
    reset_on_close(connection);
    close(connection);
    return false;
  }
  if (connection.ended) {
    flush(connection);
    if (connection.unsent.empty() || connection.reset || connection.tick) {
      close(connection);
      return false;
    }
    if (!connection.timer.deadline) timers_.set(connection.timer, now().monotonic + flush_timeout);
    return true;
  }
  if (steps == steps_per_visit) queue(connection);
  const Bytes left = Bytes(input_).first(input);
  if (left.empty()) {
    connection.unread.release();
    return true;
  }
  connection.unread.clear();
  if (!connection.unread.append(left)) {
    drop_for_memory(connection);
    queue(connection);
  }
  return true;
}

bool Worker::advance(Connection& connection, std::size_t& input) {
  flush(connection);
  const bool blocked = !connection.unsent.empty();
  const bool waits = connection.wants == Wants::room || connection.wants == Wants::reply || connection.more;

  Machine::Event event;
  bool is_received = false, is_end = false;
  if (!connection.opened) {
    connection.opened = true;
    event = stream::Opened{local_endpoint(connection.socket), connection.peer, entropy()};
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
  const auto progress = connection.tape.advance(connection.config, connection.machine, event, room);
  if (is_received) {
    std::copy(input_.begin() + static_cast<std::ptrdiff_t>(progress.consumed),
              input_.begin() + static_cast<std::ptrdiff_t>(input), input_.begin());
    input -= progress.consumed;
    connection.offered = progress.wants == Wants::event && !progress.more ? input : 0;
  }
  if (is_end) connection.end_consumed = progress.consumed != 0;
  took(connection, progress);
  return true;
}

// Carries out what a step said.
void Worker::took(Connection& connection, const Progress<Machine::Action>& progress) {
  connection.wants = progress.wants;
  connection.more = progress.more;
  connection.ended = progress.wants == Wants::nothing;
  connection.tick = false;  // whatever the event was, the machine knows what time it is
  timers_.set(connection.timer, connection.ended ? std::nullopt : progress.deadline);
  carry_out(connection, progress.actions);
  if (connection.reset && connection.ended) connection.unsent.clear();
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
                     connection.progressed = true;
                     reports_.tell(connection.peer, served);
                   },
                   [&](const auto& fact) { reports_.tell(connection.peer, fact); },
               },
               action);
  }
  if (n > 0) send(connection, std::span(pieces).first(n));
  flush(connection);
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
  if (connection.unsent.capacity() > 0) connection.progressed = true;
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
                                             http::Piece{connection.file.read(settings_.site, asked, piece_, budget_)}};
                        },
                    },
                    query);
}

http::Answer Worker::look_up(Connection& connection, std::string_view path) {
  auto found = connection.file.look_up(settings_.site, path, budget_);
  if (!found && (found.error() == EMFILE || found.error() == ENFILE) && shed_one(Shortage::descriptors)) {
    found = connection.file.look_up(settings_.site, path, budget_);
  }
  if (!found) return lookup_failure(found.error());
  return *found;
}

}  // namespace limpid::effects

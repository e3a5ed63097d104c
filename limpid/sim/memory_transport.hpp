// The in-memory driver of the stream contract (core/stream.hpp): two application machines joined by two pipes of bytes.
// A seed decides who is stepped next, how much arrives at once and how much room is lent; everything repeats from it.
// Virtual time passes only when neither machine has anything left to do: it jumps to the next deadline.
#pragma once

#include "limpid/core/machine.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/core/stream.hpp"
#include "limpid/sim/dice.hpp"

namespace limpid::sim {

struct TransportOptions {
  std::uint64_t seed = 1;
  std::size_t largest_delivery = 1 << 16;  // bytes arrive in pieces of 1 to so many
  std::size_t largest_room = 1 << 16;      // room is lent in sizes up to so many, at least the machine's least_room
  std::size_t pipe = 1 << 16;              // bytes sent and not yet received: beyond, no room is lent
  std::uint32_t reset_after = 0;           // if not 0, the connection is lost after so many turns
  CpuFeatures cpu{};                       // lent to both machines
};

// One direction.
struct Pipe {
  Buffer bytes;
  std::size_t received = 0;  // from their front
  bool finished = false;     // behind the bytes comes FIN

  std::size_t under_way() const { return bytes.size() - received; }
  Bytes take(std::size_t n) {
    received += n;
    return Bytes(bytes.data(), bytes.size()).subspan(received - n, n);
  }
  bool append(Bytes more) {
    // Seldom, so that tiny deliveries do not move what is behind them each time.
    if (received > bytes.size() / 2) {
      bytes.erase_front(received);
      received = 0;
    }
    return bytes.append(more);
  }
};

// What happened on a turn. A machine that is given no least room, or waits for its application, does nothing.
enum class Turn : std::uint8_t { progress, quiet };

// One machine, with the application that drives it:
//
//   std::optional<Event> answer(const Query&)   the reply to pending(), or none yet
//   std::optional<Event> next(const M&)         what the application itself wants to tell the machine now, if anything;
//                                               asked only when the machine waits for nothing else
//   void taken(std::size_t consumed)            how much of what next() gave was consumed; it is asked for the rest
//   void see(const Action&)                     every action, in order; views are dead afterwards
template <Machine M, class Application>
class TransportEnd {
 public:
  using Event = typename M::Event;
  using Action = typename M::Action;
  static constexpr std::size_t largest_inbox = 2 * M::least_room.input + (1 << 15);

  TransportEnd(const typename M::Config& machine_config, Application& its_application, Budget& machine_budget,
               Budget& harness)
      : config(&machine_config),
        application(its_application),
        budget(machine_budget),
        inbox(harness),
        room(harness),
        slots(harness) {}

  const typename M::Config* config;
  Application& application;
  Budget& budget;
  M state{};
  Buffer inbox;  // received and not consumed
  bool opened = false, peer_finished = false, end_consumed = false;
  bool finished = false;  // this end will send no more
  bool lost = false, loss_told = false, aborted = false;
  Wants wants = Wants::entropy;
  std::optional<Instant> deadline;

  bool over() const { return wants == Wants::nothing || aborted || loss_told; }

  // One step, if there is anything to step with. `in` and `out` are the pipes; `tick` wakes it in any case.
  Turn turn(const TransportOptions& options, Dice& dice, Time now, Pipe& in, Pipe& out, bool tick) {
    if (over()) return Turn::quiet;
    cpu_ = options.cpu;
    if (!room.resize(std::max(options.largest_room, M::least_room.bytes)) || !slots.resize(M::least_room.actions + 8)) {
      return Turn::quiet;
    }
    const std::size_t space = out.under_way() < options.pipe ? options.pipe - out.under_way() : 0;
    std::size_t credit = std::min(dice.up_to(options.largest_room), space);
    if (credit < M::least_room.bytes) credit = space >= M::least_room.bytes ? M::least_room.bytes : 0;

    if (!opened) {
      opened = true;
      stream::Opened event;
      for (Byte& byte : event.entropy) byte = static_cast<Byte>(dice.next());
      return step(Event{event}, now, credit, out);
    }
    if (lost) {
      loss_told = true;
      return step(Event{stream::Reset{}}, now, credit, out);
    }
    if (tick) return step(Event{Tick{}}, now, credit, out);
    if (wants == Wants::reply) {
      if (const auto query = state.pending()) {
        if (auto event = application.answer(*query)) return step(std::move(*event), now, credit, out);
      }
      return Turn::quiet;
    }
    if (more_ || (wants == Wants::room && credit > 0)) return step(Event{Tick{}}, now, credit, out);
    // Who has no room to write may still read: two that write at once would otherwise wait for each other.
    if (auto event = credit > 0 ? application.next(state) : std::nullopt) {
      const Turn result = step(std::move(*event), now, credit, out);
      application.taken(consumed_);
      return result;
    }
    if (receive(options, dice, now, in) || inbox.size() > offered_) {
      const Turn result = step(Event{stream::Received{{inbox.data(), inbox.size()}}}, now, credit, out);
      inbox.erase_front(consumed_);
      offered_ = wants == Wants::event && !more_ ? inbox.size() : 0;
      return consumed_ > 0 || offered_ > 0 ? result : Turn::quiet;
    }
    if (in.finished && in.under_way() == 0 && !end_consumed) {
      peer_finished = true;
      const Turn result = step(Event{stream::PeerFinished{}}, now, credit, out);
      end_consumed = consumed_ == 1;
      return end_consumed || wants != Wants::event ? result : Turn::quiet;
    }
    return Turn::quiet;
  }

 private:
  // Moves bytes from the pipe into the inbox; whether any.
  bool receive(const TransportOptions& options, Dice& dice, Time now, Pipe& in) {
    const std::size_t most = largest_inbox - std::min(inbox.size(), largest_inbox);
    const std::size_t n = std::min({in.under_way(), most, dice.up_to(options.largest_delivery)});
    if (n == 0 || !inbox.append(in.take(n))) return false;
    if constexpr (requires { application.arrived(now, Bytes()); }) {
      application.arrived(now, Bytes(inbox.data(), inbox.size()).last(n));
    }
    return true;
  }

  Turn step(const Event& event, Time now, std::size_t credit, Pipe& out) {
    if constexpr (requires { application.told(now, event); }) {
      if (!std::holds_alternative<stream::Received>(event)) application.told(now, event);
    }
    const Room<Action> lent{MutableBytes(room.data(), credit), {slots.data(), slots.size()}, budget, cpu_};
    const auto progress = M::advance(*config, state, now, event, lent);
    consumed_ = progress.consumed;
    wants = progress.wants;
    more_ = progress.more;
    deadline = progress.deadline;
    for (const Action& action : progress.actions) {
      application.see(action);
      carry_out(action, out);
    }
    return Turn::progress;
  }

  template <class... Actions>
  void carry_out(const std::variant<Actions...>& action, Pipe& out) {
    if (const auto* send = std::get_if<stream::Send>(&action)) {
      if (!out.append(send->bytes)) aborted = true;
    }
    if (std::holds_alternative<stream::Finish>(action)) out.finished = finished = true;
    if (std::holds_alternative<stream::Abort>(action)) aborted = true;
  }

  Buffer room;
  Vec<Action> slots;
  std::size_t consumed_ = 0, offered_ = 0;
  bool more_ = false;
  CpuFeatures cpu_;
};

template <class Left, class Right>
class MemoryTransport {
 public:
  MemoryTransport(const TransportOptions& options, Left& left, Right& right, Time start, Budget& harness)
      : now(start), options_(options), dice_(options.seed), left_(left), right_(right) {
    to_left_.bytes = Buffer(harness);
    to_right_.bytes = Buffer(harness);
  }

  // Goes on until both ends are over, or nothing will ever happen again, or for so many turns. Whether both are over.
  bool run(std::uint64_t turns = UINT64_MAX) {
    std::uint32_t quiet = 0;
    while (turns-- > 0) {
      if (left_.over() && right_.over()) return true;
      ++turns_;
      if (options_.reset_after != 0 && turns_ == options_.reset_after) left_.lost = right_.lost = true;
      // What an end sent before it was gone for good is lost with it, as on a socket.
      if (left_.aborted || left_.loss_told) right_.lost = true;
      if (right_.aborted || right_.loss_told) left_.lost = true;
      const bool left_first = dice_.next() % 2 == 0;
      Turn turn = left_first ? left_turn(false) : right_turn(false);
      if (turn == Turn::quiet) turn = left_first ? right_turn(false) : left_turn(false);
      quiet = turn == Turn::progress ? 0 : quiet + 1;
      // Room is lent by chance: not every quiet turn means that nothing can happen.
      if (quiet > 8 && !jump()) break;
    }
    return left_.over() && right_.over();
  }

  Time now;

 private:
  Turn left_turn(bool tick) { return left_.turn(options_, dice_, now, to_left_, to_right_, tick); }
  Turn right_turn(bool tick) { return right_.turn(options_, dice_, now, to_right_, to_left_, tick); }

  bool jump() {
    std::optional<Instant> next;
    if (!left_.over()) next = left_.deadline;
    if (!right_.over() && right_.deadline && (!next || *right_.deadline < *next)) next = right_.deadline;
    if (!next) return false;
    now.wall.seconds += (next->microseconds - now.monotonic.microseconds) / 1'000'000;
    now.monotonic = std::max(now.monotonic, *next);
    if (!left_.over() && left_.deadline && *left_.deadline <= now.monotonic) left_turn(true);
    if (!right_.over() && right_.deadline && *right_.deadline <= now.monotonic) right_turn(true);
    return true;
  }

  TransportOptions options_;
  Dice dice_;
  Left& left_;
  Right& right_;
  Pipe to_left_, to_right_;
  std::uint64_t turns_ = 0;
};

}  // namespace limpid::sim

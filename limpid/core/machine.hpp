// The vocabulary of every state machine here.
//
//     step(config, state, now, event, room)  ->  next state, actions
//
// A machine is its state type. A state owns everything it needs, points to nothing but the budget it charges, and is
// move-only. What it must offer is the concept Machine below; sim/laws proves the six laws for anything that offers it.
#pragma once

#include <concepts>
#include <new>
#include <optional>
#include <span>
#include <type_traits>
#include <utility>

#include "limpid/core/budget.hpp"
#include "limpid/core/bytes.hpp"
#include "limpid/core/cpu_features.hpp"
#include "limpid/core/time.hpp"

namespace limpid {

// The event that carries nothing: time has passed, or the last step said `more`.
struct Tick {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Names an open question. Ids of one machine only grow, so a reply to an earlier question is known to be stale.
struct QueryId {
  std::uint32_t value = 0;
  friend constexpr bool operator==(QueryId, QueryId) = default;
  static void fields(auto& self, auto&& visit) { visit(self.value); }
};

// What the caller lends for one step: memory for output and actions, a budget for what the state keeps, and the CPU.
template <class Action>
struct Room {
  MutableBytes bytes;         // actions may hold views into it
  std::span<Action> actions;  // filled from the front; a full list ends the step
  Budget& budget;             // outlives the state
  CpuFeatures cpu{};          // changes speed, never bytes
};

struct LeastRoom {
  std::size_t bytes;    // with at least so many bytes of output room,
  std::size_t actions;  // so many free action slots,
  std::size_t input;    // and so many bytes of a stream offered at once (or its end), a step always makes progress
};

// What would let a machine that did not consume everything go on.
enum class Wants : std::uint8_t {
  event,    // everything was consumed; any event, or for a stream more bytes than were offered
  room,     // more room for output
  reply,    // the answer to pending()
  entropy,  // fresh entropy: the state was just born or just restored
  nothing,  // it has ended; every further event is consumed without effect
};
constexpr bool is_valid(Wants wants) { return wants <= Wants::nothing; }

template <class Action>
struct Progress {
  // How much of the event was taken: bytes of a stream, otherwise 1 or 0. What was not must be offered again, in front
  // of what follows it; those bytes are unaltered.
  std::size_t consumed = 0;
  std::span<Action> actions{};  // into the room's slots, in order; dead as soon as room or event memory is touched
  bool more = false;  // a limit of this step was reached: step again at once (with Tick, or the rest of the event)
  Wants wants = Wants::event;
  std::optional<Instant> deadline{};  // step with Tick no later than this; always later than now
};

template <class S>
concept Machine = std::movable<S> && !std::copyable<S> &&
                  requires(const typename S::Config& config, S& state, const S& constant, Time now,
                           const typename S::Event& event, const Room<typename S::Action>& room) {
                    // Advances `state` in place by one event. Total: never fails, throws or loops without bound.
                    { S::advance(config, state, now, event, room) } -> std::same_as<Progress<typename S::Action>>;
                    // The open question, if any: an optional of a variant of views into the state.
                    { constant.pending().has_value() } -> std::convertible_to<bool>;
                    { S::least_room } -> std::convertible_to<LeastRoom>;
                  };

template <Machine S>
struct Stepped {
  S state;
  Progress<typename S::Action> progress;
};

// The outer face: consumes a state, returns the next. (Composites advance the machines that they own in place.)
template <Machine S>
Stepped<S> step(const typename S::Config& config, S state, Time now, const typename S::Event& event,
                const Room<typename S::Action>& room) {
  const auto progress = S::advance(config, state, now, event, room);
  return {std::move(state), progress};
}

// Memory for the actions of one step, in which nothing is made beforehand.
template <class Action, std::size_t n>
class ActionSlots {
 public:
  static constexpr std::size_t size() { return n; }
  std::span<Action> first(std::size_t count) { return all().first(count); }
  operator std::span<Action>() { return all(); }

 private:
  std::span<Action> all() { return {reinterpret_cast<Action*>(memory_), n}; }

  alignas(Action) Byte memory_[n * sizeof(Action)];
};

// Fills the action slots of a room in order. `push` must not be called when none is free(): ask first, since what an
// action reports has already happened.
template <class Action>
class ActionList {
  // What was in a slot needs no destruction: actions are views and numbers.
  static_assert(std::is_trivially_copyable_v<Action>);

 public:
  explicit ActionList(std::span<Action> slots) : slots_(slots) {}
  std::size_t free() const { return slots_.size() - used_; }
  // Made in its slot, which may be memory that nothing was made in yet (ActionSlots).
  template <class A>
  void push(A&& action) {
    ::new (static_cast<void*>(&slots_[used_++])) Action(std::forward<A>(action));
  }
  std::span<Action> all() const { return slots_.first(used_); }

 private:
  std::span<Action> slots_;
  std::size_t used_ = 0;
};

// std::visit with lambdas.
template <class... Handlers>
struct Overloaded : Handlers... {
  using Handlers::operator()...;
};

}  // namespace limpid

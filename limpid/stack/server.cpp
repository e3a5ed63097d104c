#include "limpid/stack/server.hpp"

namespace limpid::stack {

// One step over one state.
class ServerStep {
 public:
  using Action = Server::Action;

  ServerStep(const Server::Config& config, Server& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), now_(now), room_(room), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_.monotonic = state_.last_seen_;
  }

  Progress<Action> take(const Server::Event& event) {
    if (auto* lingering = in<Server::Lingering>(); lingering && lingering->deadline <= now_.monotonic) {
      actions_.push(stream::Abort{});
      state_.phase_ = Server::Ended{};
    }
    const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
    return {consumed, actions_.all(), more_, wants_, deadline()};
  }

  // For a step that was given no room for what it could have to report.
  Progress<Action> refuse() const { return {0, {}, false, Wants::room, {}}; }

 private:
  template <class Phase>
  Phase* in() {
    return std::get_if<Phase>(&state_.phase_);
  }

  std::size_t on(const stream::Opened&) {
    if (in<Server::Fresh>()) state_.phase_ = Server::Serving{};
    return on(Tick{});
  }

  // Every other event means to HTTP what it means to us.
  template <class Event>
  std::size_t on(const Event& event) {
    if (in<Server::Fresh>()) {
      wants_ = Wants::entropy;
      if constexpr (std::same_as<Event, stream::Reset> || std::same_as<Event, Drain>) {
        state_.phase_ = Server::Ended{};
        wants_ = Wants::nothing;
        return 1;
      }
      return std::same_as<Event, Tick> ? 1 : 0;
    }
    if (in<Server::Lingering>()) return linger(event);
    if (in<Server::Ended>()) {
      wants_ = Wants::nothing;
      return size_of(event);
    }
    auto& serving = *in<Server::Serving>();
    std::array<http::Server::Action, http::Server::least_room.actions> slots;
    const auto progress =
        http::Server::advance(config_.http, serving.http, now_, event, {room_.bytes, slots, room_.budget});
    for (const auto& action : progress.actions) {
      std::visit([this](const auto& a) { actions_.push(a); }, action);
      if (std::holds_alternative<stream::Finish>(action)) {
        state_.phase_ = Server::Lingering{now_.monotonic + config_.linger_timeout};
      }
      if (std::holds_alternative<stream::Abort>(action)) state_.phase_ = Server::Ended{};
    }
    wants_ = progress.wants;
    more_ = progress.more;
    deadline_ = progress.deadline;
    if (std::same_as<Event, stream::PeerFinished> && progress.consumed == 1) state_.phase_ = Server::Ended{};
    if (in<Server::Lingering>()) wants_ = Wants::event;
    return progress.consumed;
  }

  template <class Event>
  std::size_t linger(const Event& event) {
    wants_ = Wants::event;
    if constexpr (std::same_as<Event, stream::PeerFinished> || std::same_as<Event, stream::Reset>) {
      state_.phase_ = Server::Ended{};
      wants_ = Wants::nothing;
    }
    return size_of(event);
  }

  static std::size_t size_of(const stream::Received& received) { return received.bytes.size(); }
  static std::size_t size_of(const auto&) { return 1; }

  std::optional<Instant> deadline() {
    if (const auto* lingering = in<Server::Lingering>()) return lingering->deadline;
    return in<Server::Serving>() ? deadline_ : std::nullopt;
  }

  const Server::Config& config_;
  Server& state_;
  Time now_;
  const Room<Action>& room_;
  ActionList<Action> actions_;
  Wants wants_ = Wants::event;
  bool more_ = false;
  std::optional<Instant> deadline_;
};

Progress<Server::Action> Server::advance(const Config& config, Server& state, Time now, const Event& event,
                                         const Room<Action>& room) {
  ServerStep step(config, state, now, room);
  return room.actions.size() < least_room.actions ? step.refuse() : step.take(event);
}

std::optional<Server::Query> Server::pending() const {
  const auto* serving = std::get_if<Serving>(&phase_);
  return serving == nullptr ? std::nullopt : serving->http.pending();
}

}  // namespace limpid::stack

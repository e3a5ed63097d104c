#include "limpid/stack/host_server.hpp"

namespace limpid::stack {
namespace {

using tcpip::ConnectionId;
using tcpip::Host;
namespace host = tcpip::host;

// Asked of the host for one step of an application: nearly four records of TLS, and no more than one chunk of the
// host's.
constexpr std::size_t output_size = 65536;
static_assert(output_size >= Server::least_room.bytes);

constexpr std::size_t application_actions = Server::least_room.actions + 8;
constexpr std::size_t host_actions = 32;
static_assert(host_actions >= Host::least_room.actions);

// What one connection may do before it is the next one's turn, and how many have one in a step.
constexpr int steps_per_visit = 16;
constexpr int visits_per_step = 64;
constexpr std::size_t expiries_per_step = 64;

}  // namespace

// One step over one state.
class HostServerStep {
 public:
  using Action = HostServer::Action;
  using Connection = HostServer::Connection;
  using Application = HostServer::Application;

  HostServerStep(const HostServer::Config& config, HostServer& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), now_(now), room_(room), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_.monotonic = state_.last_seen_;
  }

  Progress<Action> take(const HostServer::Event& event) {
    // What applications write now leaves with this flush. Behind it none of them may act: Transmit points into what
    // they sent, which an abort would free.
    flushing_ = std::holds_alternative<Flush>(event);
    if (flushing_) go_on();
    const std::size_t consumed = std::visit([this](const auto& e) { return on(e); }, event);
    if (!flushing_ && consumed != 0) go_on();
    more_ = more_ || !state_.ready_.empty();
    const Wants wants = !state_.born_ ? Wants::entropy : !state_.asking_.empty() ? Wants::reply : Wants::event;
    return {consumed, actions_.all(), more_, wants, deadline()};
  }

  Progress<Action> refuse() const { return {0, {}, false, Wants::room, {}}; }

 private:
  // Events. Each handler returns what it consumed.

  std::size_t on(const tls::Entropy& entropy) {
    if (!std::exchange(state_.born_, true)) {
      state_.connections_ = host::Slab<Connection>(room_.budget);
      state_.by_host_ = Vec<std::uint32_t>(room_.budget);
      state_.timers_ = host::TimerHeap(room_.budget);
      state_.generator_ = crypto::Generator(entropy.bytes);
    } else {
      state_.generator_.mix(entropy.bytes);
    }
    host::Started started;
    state_.generator_.fill(started.entropy);
    run_host(started);
    if (!state_.draining_) {
      // A port that is listened on already stays as it is.
      for (const HostServer::Service& service : config_.services) {
        static_cast<void>(state_.host_.listen(context(), service.port, config_.backlog));
      }
    }
    for (std::uint32_t i = 0; i < state_.connections_.size(); ++i) {
      if (!state_.connections_.holds(i)) continue;
      Connection& connection = state_.connections_[i];
      if (std::holds_alternative<Server>(connection.application)) connection.needs_entropy = true;
      state_.ready_.push_back(state_.connections_, i);
    }
    return 1;
  }

  std::size_t on(const Tick& tick) {
    if (!state_.born_) return 1;
    return run_host(tick);
  }

  // The host's own events.
  template <class HostEvent>
  std::size_t on(const HostEvent& event)
    requires std::constructible_from<Host::Event, HostEvent>
  {
    if (!state_.born_) return 0;
    return run_host(event);
  }

  std::size_t on(const Drain&) {
    if (!std::exchange(state_.draining_, true)) {
      for (const HostServer::Service& service : config_.services) state_.host_.stop_listening(service.port);
      for (std::uint32_t i = 0; i < state_.connections_.size(); ++i) {
        if (state_.connections_.holds(i)) state_.ready_.push_back(state_.connections_, i);
      }
    }
    return 1;
  }

  std::size_t on(const HostServer::Reply& reply) {
    Connection* connection = find(reply.to);
    // Stale: its asker is gone, or has been answered.
    if (connection == nullptr || !connection->asking.in) return close_unwanted(reply);
    state_.asking_.remove(state_.connections_, connection->place);
    std::visit([&](const auto& r) { step_server(*connection, Server::Event{r}); }, reply.reply);
    state_.ready_.push_back(state_.connections_, connection->place);
    return 1;
  }

  // A file that was opened for nobody is closed again.
  std::size_t close_unwanted(const HostServer::Reply& reply) {
    const auto* answer = std::get_if<http::Reply>(&reply.reply);
    const auto* found = answer != nullptr ? std::get_if<http::Found>(&answer->answer) : nullptr;
    if (found != nullptr) actions_.push(HostServer::Report{reply.to, {}, http::CloseFile{found->file}});
    return 1;
  }

  // What can go on, does, but not for so long that others starve.
  void go_on() {
    expire();
    for (int n = 0; n < visits_per_step && !state_.ready_.empty() && actions_left(); ++n) {
      const std::uint32_t index = state_.ready_.front();
      state_.ready_.remove(state_.connections_, index);
      visit(index, {});
    }
  }

  void expire() {
    std::size_t looks = expiries_per_step;
    const auto deadline_of = [this](std::uint32_t index) { return state_.connections_[index].deadline; };
    for (;;) {
      const std::uint32_t index = state_.timers_.expired(now_.monotonic, looks, deadline_of);
      if (index == host::no_index) break;
      Connection& connection = state_.connections_[index];
      connection.deadline.reset();
      connection.tick = true;
      state_.ready_.push_back(state_.connections_, index);
    }
    if (looks == 0) more_ = true;
  }

  std::optional<Instant> deadline() const {
    if (!state_.born_) return {};
    auto earliest = state_.host_.deadline();
    if (const auto next = state_.timers_.next(); next && (!earliest || *next < *earliest)) earliest = next;
    // What is due now was left for the next step.
    if (earliest && *earliest <= now_.monotonic) return Instant{now_.monotonic.microseconds + 1};
    return earliest;
  }

  // The host.

  Host::Context context() const { return {config_.host, now_, room_.budget}; }

  std::size_t run_host(const Host::Event& first) {
    ActionSlots<Host::Action, host_actions> slots;
    Host::Event event = first;
    std::size_t consumed = 0;
    for (;;) {
      const std::size_t spare = actions_.free() > reserved_actions ? actions_.free() - reserved_actions : 0;
      const MutableBytes bytes = host_bytes();
      if (spare < Host::least_room.actions || bytes.size() < Host::least_room.bytes) {
        more_ = true;
        return consumed;
      }
      const auto progress = Host::advance(config_.host, state_.host_, now_, event,
                                          {bytes, slots.first(std::min(spare, slots.size())), room_.budget, room_.cpu});
      for (const Host::Action& action : progress.actions) std::visit([this](const auto& a) { from_host(a); }, action);
      consumed = std::max(consumed, progress.consumed);
      if (!progress.more) return consumed;
      // What is left of a Flush is for the next one, so that what came in meanwhile gets its turn.
      if (std::holds_alternative<Flush>(event)) {
        more_ = true;
        return consumed;
      }
      if (consumed != 0) event = Tick{};
    }
  }

  void from_host(const Transmit& transmit) {
    keep(transmit.header);
    if (transmit.pin.count == 0) {
      for (const Bytes& piece : transmit.payload) keep(piece);
    }
    actions_.push(transmit);
  }

  void from_host(const host::Opened& opened) {
    Connection connection;
    connection.id = opened.id;
    connection.local = opened.local;
    connection.peer = opened.remote;
    connection.unread = Deque<Byte>(room_.budget);
    for (const HostServer::Service& service : config_.services) {
      if (service.port == opened.listener) connection.kind = service.application;
    }
    switch (connection.kind) {
      case Application::server:
      case Application::redirect:
        connection.application.emplace<Server>();
        break;
      case Application::echo:
        connection.application.emplace<TestService>(TestService::Kind::echo);
        break;
      case Application::discard:
        connection.application.emplace<TestService>(TestService::Kind::discard);
        break;
      case Application::chargen:
        connection.application.emplace<TestService>(TestService::Kind::chargen);
        break;
    }
    const std::uint32_t next = state_.connections_.next_index();
    const bool has_room = state_.timers_.reserve(next + 1) && map(opened.id.index, host::no_index);
    const std::uint32_t index =
        has_room ? state_.connections_.insert(room_.budget, std::move(connection)) : host::no_index;
    if (index == host::no_index) {
      state_.host_.abort(context(), opened.id);
      actions_.push(HostServer::Ended{opened.id, HostServer::Ended::Why::out_of_memory});
      return;
    }
    actions_.push(HostServer::Began{opened.id});
    state_.connections_[index].place = index;
    state_.by_host_[opened.id.index] = index;
    state_.ready_.push_back(state_.connections_, index);
  }

  void from_host(const host::Received& received) {
    Connection* connection = find(received.id);
    if (connection == nullptr) return state_.host_.consumed(context(), received.id, received.bytes.size());
    if (connection->unread.empty() && actions_left() && !flushing_) return visit(connection->place, received.bytes);
    if (!connection->unread.append(received.bytes)) connection->out_of_memory = true;
    state_.ready_.push_back(state_.connections_, connection->place);
  }

  void from_host(const host::Writable& writable) { wake(writable.id); }

  void from_host(const host::PeerFinished& finished) {
    if (Connection* connection = wake(finished.id)) connection->peer_finished = true;
  }

  void from_host(const host::Reset& reset) {
    if (Connection* connection = wake(reset.id)) {
      connection->reset = reset.reason;
      is_over(*connection);
    }
  }

  void from_host(const host::Closed& closed) {
    if (Connection* connection = wake(closed.id)) is_over(*connection);
  }

  void from_host(const host::ConfigurationChanged& changed) { actions_.push(changed); }
  void from_host(const host::ToQueue& message) {
    keep(message.head);
    keep(message.rest);
    actions_.push(message);
  }
  // It connects to nobody, has no sockets, and resolves no names.
  void from_host(const host::Connecting&) {}
  void from_host(const host::Refused&) {}
  void from_host(const host::DatagramReceived&) {}
  void from_host(const host::Resolved&) {}

  Connection* wake(ConnectionId id) {
    Connection* connection = find(id);
    if (connection != nullptr) state_.ready_.push_back(state_.connections_, connection->place);
    return connection;
  }

  // Connections.

  bool map(std::uint32_t host_index, std::uint32_t index) {
    while (state_.by_host_.size() <= host_index) {
      if (!state_.by_host_.push_back(host::no_index)) return false;
    }
    state_.by_host_[host_index] = index;
    return true;
  }

  // The host may give its index to another from now on.
  void is_over(Connection& connection) {
    if (!std::exchange(connection.over, true)) state_.by_host_[connection.id.index] = host::no_index;
  }

  Connection* find(ConnectionId id) {
    if (id.index >= state_.by_host_.size() || state_.by_host_[id.index] == host::no_index) return nullptr;
    Connection& connection = state_.connections_[state_.by_host_[id.index]];
    return connection.id == id ? &connection : nullptr;
  }

  // Advances a connection as far as it goes. `fresh` is what the host just delivered, if nothing waits before it.
  void visit(std::uint32_t index, MutableBytes fresh) {
    Connection& connection = state_.connections_[index];
    if (connection.out_of_memory && !lingers(connection)) drop(connection);
    MutableBytes input =
        connection.unread.empty() ? fresh : MutableBytes(connection.unread.data(), connection.unread.size());
    const std::size_t offered = input.size();
    bool waits = false;
    for (int steps = 0; steps < steps_per_visit && actions_left() && !waits; ++steps) {
      waits = !advance(connection, input);
    }
    // What it points to may have gone with the connection.
    if (lingers(connection)) input = {};

    const std::size_t consumed = offered - input.size();
    if (consumed > 0) state_.host_.consumed(context(), connection.id, consumed);
    if (connection.unread.empty()) {
      if (!input.empty() && !connection.unread.append(input)) {
        connection.out_of_memory = true;
        waits = false;
      }
    } else {
      connection.unread.erase_front(consumed);
      if (connection.unread.empty()) connection.unread.release();
    }
    if (connection.over && waits) return remove(index);
    if (!waits) state_.ready_.push_back(state_.connections_, index);
  }

  static bool lingers(const Connection& connection) {
    return std::holds_alternative<HostServer::Lingering>(connection.application);
  }

  // One step, if there is a reason for one. `input` shrinks by what is consumed.
  bool advance(Connection& connection, MutableBytes& input) {
    if (auto* lingering = std::get_if<HostServer::Lingering>(&connection.application)) {
      input = {};
      if (connection.tick) look_after(connection, *lingering);
      return false;
    }
    if (auto* service = std::get_if<TestService>(&connection.application)) return serve(connection, *service, input);
    const bool waits = connection.wants == Wants::room || connection.wants == Wants::reply || connection.more;
    if (connection.reset) return step_server(connection, stream::Reset{*connection.reset}), true;
    if (connection.needs_entropy) return step_server(connection, Tick{}), true;
    if (connection.wants == Wants::entropy) {
      stream::Opened opened{connection.local, connection.peer, {}};
      state_.generator_.fill(opened.entropy);
      return step_server(connection, opened), true;
    }
    if (state_.draining_ && !std::exchange(connection.told_to_drain, true)) {
      return step_server(connection, Drain{}), true;
    }
    if (connection.tick) return step_server(connection, Tick{}), true;
    if (connection.wants == Wants::reply) return false;
    const bool ends = connection.peer_finished && !connection.end_consumed;
    // Asked for only if it is used: what is reserved is held until something is committed.
    if (!waits && input.size() <= connection.offered && !ends) return false;
    if (!has_output(connection)) return false;
    if (waits) return step_server(connection, Tick{}), true;
    if (input.size() > connection.offered) {
      const std::size_t consumed = step_server(connection, stream::Received{input});
      input = input.subspan(consumed);
      connection.offered =
          connection.wants == Wants::event && !connection.more ? static_cast<std::uint32_t>(input.size()) : 0;
      return true;
    }
    if (ends) {
      connection.end_consumed = step_server(connection, stream::PeerFinished{}) != 0;
      return true;
    }
    return false;
  }

  // Room for what an application says in one step. What is not committed at once goes back.
  MutableBytes output(const Connection& connection) {
    return state_.host_.reserve(context(), connection.id, output_size);
  }
  // Enough in one piece. If not, Writable comes when there is.
  bool has_output(const Connection& connection) {
    if (output(connection).size() >= Server::least_room.bytes) return true;
    state_.host_.commit(context(), connection.id, 0);
    return false;
  }

  const Server::Config& config_of(const Connection& connection) const {
    return connection.kind == Application::redirect ? config_.redirect : config_.server;
  }

  std::size_t step_server(Connection& connection, const Server::Event& event) {
    auto* server = std::get_if<Server>(&connection.application);
    if (server == nullptr) return 0;
    // A restored connection may do nothing else first.
    if (std::exchange(connection.needs_entropy, false)) {
      tls::Entropy entropy;
      state_.generator_.fill(entropy.bytes);
      step_server(connection, entropy);
      return step_server(connection, event);
    }
    const Server::Config& config = config_of(connection);
    MutableBytes reserved = output(connection);
    if (reserved.size() < Server::least_room.bytes) reserved = {};
    // TLS seals straight into what is to be sent. Without it HTTP hands out views of what it was told, which must not
    // be copied over each other: it writes elsewhere.
    MutableBytes bytes = reserved;
    if (!config.tls) bytes = scratch().first(std::min(reserved.size(), scratch().size()));

    ActionSlots<Server::Action, application_actions> slots;
    const auto progress = Server::advance(config, *server, now_, event, {bytes, slots, room_.budget, room_.cpu});
    connection.wants = progress.wants;
    connection.more = progress.more;
    connection.tick = false;  // whatever the event was, it knows what time it is
    // Facts first: what they point to may be where bytes to be sent are moved.
    for (const Server::Action& action : progress.actions) {
      std::visit(Overloaded{
                     [](const stream::Send&) {},
                     [](const stream::Finish&) {},
                     [&](const auto& fact) { report(connection, kept(fact)); },
                 },
                 action);
    }
    std::size_t sent = 0;
    bool finishes = false;
    for (const Server::Action& action : progress.actions) {
      finishes = finishes || std::holds_alternative<stream::Finish>(action);
      const auto* send = std::get_if<stream::Send>(&action);
      if (send == nullptr) continue;
      if (reserved.data() + sent != send->bytes.data()) copy(send->bytes, reserved.subspan(sent));
      sent += send->bytes.size();
    }
    state_.host_.commit(context(), connection.id, sent);
    if (finishes) {
      connection.finished = true;
      state_.host_.finish(context(), connection.id);
    }
    if (progress.wants == Wants::reply) {
      state_.asking_.push_back(state_.connections_, connection.place);
    } else {
      state_.asking_.remove(state_.connections_, connection.place);
    }
    progress.wants == Wants::nothing ? linger(connection) : arm(connection, progress.deadline);
    return progress.consumed;
  }

  void report(const Connection& connection, const Server::Action& fact) {
    actions_.push(HostServer::Report{connection.id, connection.peer, fact});
  }

  // Its application has ended. Behind Finish it may have lost its patience (Abort): the peer may be taking the answer
  // still, which RST would destroy. He may take his time for it as he may during an answer.
  void linger(Connection& connection) {
    if (!connection.finished) {
      state_.host_.abort(context(), connection.id);
      is_over(connection);
    }
    connection.application = HostServer::Lingering{state_.host_.unacknowledged(connection.id)};
    arm(connection, now_.monotonic + config_.server.http.progress_interval);
  }

  // At its deadline. Who has taken too little since the last one, or has all and does not end, has had his time.
  void look_after(Connection& connection, HostServer::Lingering& lingering) {
    const std::uint64_t left = state_.host_.unacknowledged(connection.id);
    connection.tick = false;
    if (left + config_.server.http.least_progress > lingering.left) {
      state_.host_.abort(context(), connection.id);
      return is_over(connection);
    }
    lingering.left = left;
    arm(connection, now_.monotonic + config_.server.http.progress_interval);
  }

  bool serve(Connection& connection, TestService& service, MutableBytes& input) {
    if (connection.reset) return linger(connection), true;
    if (input.empty() && (connection.peer_finished || state_.draining_)) {
      state_.host_.finish(context(), connection.id);
      connection.finished = true;
      return linger(connection), true;
    }
    if (input.empty() && !service.speaks()) return false;
    const MutableBytes room = service.discards() ? MutableBytes() : output(connection);
    const auto took = service.step(input, room);
    input = input.subspan(took.consumed);
    if (!service.discards()) state_.host_.commit(context(), connection.id, took.sent);
    return took.consumed > 0 || took.sent > 0;
  }

  void arm(Connection& connection, std::optional<Instant> deadline) {
    connection.deadline = deadline;
    if (deadline) state_.timers_.arm(connection.place, *deadline);
  }

  // For want of memory.
  void drop(Connection& connection) {
    connection.finished = false;
    state_.asking_.remove(state_.connections_, connection.place);
    linger(connection);
  }

  void remove(std::uint32_t index) {
    Connection& connection = state_.connections_[index];
    using Why = HostServer::Ended::Why;
    actions_.push(HostServer::Ended{connection.id, connection.out_of_memory ? Why::out_of_memory
                                                   : connection.reset       ? Why::reset
                                                                            : Why::finished});
    state_.ready_.remove(state_.connections_, index);
    state_.asking_.remove(state_.connections_, index);
    state_.timers_.disarm(index);
    is_over(connection);
    state_.connections_.remove(index);
  }

  // Room. In front grows what actions point to; behind it the host writes, and the last part is for applications.

  // One visit, which may wake its connection first, and what is left of what the host reported.
  static constexpr std::size_t reserved_actions = 2 * application_actions + host_actions;
  bool actions_left() {
    if (actions_.free() >= reserved_actions) return true;
    more_ = true;
    return false;
  }

  MutableBytes scratch() const {
    const std::size_t spare = room_.bytes.size() - Host::least_room.bytes - 4096;
    return room_.bytes.last(std::min(spare, output_size));
  }
  MutableBytes host_bytes() const {
    const std::size_t end = room_.bytes.size() - scratch().size();
    return room_.bytes.first(end).subspan(std::min(used_, end));
  }
  void keep(Bytes bytes) {
    const auto at = [](const Byte* byte) { return reinterpret_cast<std::uintptr_t>(byte); };
    const std::uintptr_t begin = at(room_.bytes.data());
    // What lies elsewhere, in a send buffer say, takes nothing of the room.
    if (bytes.empty() || at(bytes.data()) < begin || at(bytes.data()) - begin >= room_.bytes.size()) return;
    used_ = std::max(used_, static_cast<std::size_t>(bytes.data() - room_.bytes.data()) + bytes.size());
  }

  // The fact, with its views into memory that stays as it is until the step ends.
  tls::HandshakeDone kept(tls::HandshakeDone done) {
    done.application_protocol = kept(done.application_protocol);
    done.server_name = kept(done.server_name);
    return done;
  }
  tls::KeyLog kept(tls::KeyLog log) {
    log.lines = kept(log.lines);
    return log;
  }
  Bytes kept(Bytes view) {
    const MutableBytes room = host_bytes();
    if (view.size() > room.size()) return {};
    const MutableBytes written = copy(view, room);
    keep(written);
    return written;
  }
  template <class Fact>
  Fact kept(const Fact& fact) {
    return fact;
  }

  const HostServer::Config& config_;
  HostServer& state_;
  Time now_;
  const Room<Action>& room_;
  std::size_t used_ = 0;
  ActionList<Action> actions_;
  bool more_ = false;
  bool flushing_ = false;
};

Progress<HostServer::Action> HostServer::advance(const Config& config, HostServer& state, Time now, const Event& event,
                                                 const Room<Action>& room) {
  HostServerStep step(config, state, now, room);
  const bool too_little = room.actions.size() < least_room.actions || room.bytes.size() < least_room.bytes;
  return too_little ? step.refuse() : step.take(event);
}

std::optional<HostServer::Query> HostServer::pending() const {
  if (asking_.empty()) return {};
  const Connection& connection = connections_[asking_.front()];
  const auto* server = std::get_if<Server>(&connection.application);
  auto question = server != nullptr ? server->pending() : std::nullopt;
  if (!question) return {};
  return Query{connection.id, std::move(*question)};
}

void HostServer::describe(Writer& out) const {
  std::uint32_t serving = 0;
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    if (!connections_.holds(i)) continue;
    const Connection& connection = connections_[i];
    out.text(serving++ == 0 ? "" : "\n");
    out.text("connection ");
    out.decimal(connection.id.index);
    out.text(": ");
    if (const auto* server = std::get_if<Server>(&connection.application)) {
      server->describe(out);
    } else {
      out.text(std::holds_alternative<Lingering>(connection.application) ? "lingering" : "a test service");
    }
  }
  if (serving == 0) out.text("no connections");
}

bool HostServer::restored(const LoadContext& context) {
  by_host_ = Vec<std::uint32_t>(context.budget);
  timers_ = tcpip::host::TimerHeap(context.budget);
  if (!timers_.reserve(connections_.size())) return false;
  for (std::uint32_t i = 0; i < connections_.size(); ++i) {
    if (!connections_.holds(i)) continue;
    const Connection& connection = connections_[i];
    connections_[i].place = i;
    if (!connection.over) {
      const std::uint32_t at = connection.id.index;
      if (at >= host_.connections().size()) return false;
      while (by_host_.size() <= at) {
        if (!by_host_.push_back(tcpip::host::no_index)) return false;
      }
      if (by_host_[at] != tcpip::host::no_index) return false;
      by_host_[at] = i;
    }
    const auto* server = std::get_if<Server>(&connection.application);
    if (connection.asking.in && (server == nullptr || !server->pending())) return false;
    if (connection.deadline) timers_.arm(i, *connection.deadline);
  }
  return ready_.restored_over(connections_) && asking_.restored_over(connections_);
}

}  // namespace limpid::stack

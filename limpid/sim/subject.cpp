#include "limpid/sim/subject.hpp"

namespace limpid::sim {

using namespace tcpip;

Subject::Subject(std::uint16_t backlog, Budget& harness) : connections_(harness), commands_(harness) {
  for (const std::uint16_t port : {service, silent}) tell(tcpip::host::Listen{port, backlog});
  tell(tcpip::host::Listen{flooded, 16});
  tell(tcpip::host::BindUdp{datagrams});
  // What is refused: a port that is taken, and one that is not listened at.
  tell(tcpip::host::Listen{silent, backlog});
  tell(tcpip::host::StopListening{nobodys});
}

void Subject::see(const Host::Action& action) {
  using namespace tcpip::host;
  std::visit(Overloaded{
                 [&](const Opened& opened) {
                   for (Connection& known : connections_) {
                     if (known.remote == opened.remote && known.id == opened.id) return;
                   }
                   (void)connections_.push_back(
                       {.id = opened.id, .remote = opened.remote, .served = opened.listener == service});
                 },
                 [&](const Connecting& connecting) { connections_[connecting.token].id = connecting.id; },
                 [&](const Received& received) {
                   if (Connection* const one = find(received.id)) one->unread += received.bytes.size();
                 },
                 [&](const PeerFinished& peer) {
                   if (Connection* const one = find(peer.id)) one->peer_finished = true;
                 },
                 [&](const host::Reset& reset) { forget(reset.id); },
                 [&](const Closed& closed) { forget(closed.id); },
                 [&](const Resolved&) { ++resolved; },
                 [](const auto&) {},
             },
             action);
}

void Subject::work(Host& host, const Host::Context& context) {
  for (Connection& one : connections_) {
    if (!one.served) continue;
    if (one.unread > 0) host.consumed(context, one.id, std::exchange(one.unread, 0));
    while (one.sent < answer) {
      const MutableBytes room = host.reserve(context, one.id, static_cast<std::size_t>(answer - one.sent));
      if (room.empty()) break;
      for (std::size_t i = 0; i < room.size(); ++i) room[i] = pattern_at(one.sent + i);
      host.commit(context, one.id, room.size());
      one.sent += room.size();
    }
    if (one.peer_finished && one.sent == answer && !one.finished) {
      one.finished = true;
      host.finish(context, one.id);
    }
  }
}

std::optional<Subject::Host::Event> Subject::command() {
  if (commands_.empty()) return std::nullopt;
  const Host::Event next = commands_[0];
  commands_.erase_front(1);
  return next;
}

void Subject::connect(const stream::Endpoint& remote) {
  const auto token = static_cast<std::uint32_t>(connections_.size());
  if (connections_.push_back({.id = {UINT32_MAX, 1}, .remote = remote})) tell(tcpip::host::Connect{remote, token});
}

ConnectionId Subject::of(const stream::Endpoint& remote) const {
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (connections_[i].remote == remote) return connections_[i].id;
  }
  return {UINT32_MAX, 1};
}

std::size_t Subject::unread(const stream::Endpoint& remote) const {
  for (std::size_t i = connections_.size(); i-- > 0;) {
    if (connections_[i].remote == remote) return connections_[i].unread;
  }
  return 0;
}

void Subject::give_up() {
  tell(tcpip::host::StopListening{service});
  tell(tcpip::host::StopListening{silent});
  tell(tcpip::host::StopListening{flooded});
  for (const Connection& one : connections_) tell(tcpip::host::Abort{one.id});
}

Subject::Connection* Subject::find(const ConnectionId& id) {
  for (Connection& one : connections_) {
    if (one.id == id) return &one;
  }
  return nullptr;
}

void Subject::forget(const ConnectionId& id) {
  Connection* const one = find(id);
  if (one == nullptr || !one->served) return;
  *one = connections_.back();
  connections_.truncate(connections_.size() - 1);
}

void Customer::see(const Host::Action& action) {
  using namespace tcpip::host;
  if (const auto* received = std::get_if<Received>(&action); received != nullptr && received->id == id_) {
    for (const Byte byte : received->bytes) wrong_ = wrong_ || byte != pattern_at(received_++);
    unread_ += received->bytes.size();
  }
  if (const auto* peer = std::get_if<PeerFinished>(&action)) peer_finished_ = peer_finished_ || peer->id == id_;
  if (const auto* lost = std::get_if<host::Reset>(&action)) over_ = over_ || lost->id == id_;
  if (const auto* closed = std::get_if<Closed>(&action)) over_ = over_ || closed->id == id_;
}

void Customer::work(Host& host, const Host::Context& context) {
  const Instant now = context.now.monotonic;
  if (!next_) next_ = now + seconds(4);
  if (over_) {
    const bool served = received_ == Subject::answer && peer_finished_ && !wrong_;
    if (served) {
      ++served_;
      slowest_ = std::max(slowest_, now - begun_);
    } else {
      ++failed_;
    }
    id_.reset();
    over_ = false;
    next_ = now + pause_;
  }
  if (!id_) {
    if (served_ == visits_ || now < *next_) return;
    const auto id = host.connect(context, endpoint(server_, Subject::service));
    if (!id) {
      next_ = now + milliseconds(100);
      return;
    }
    id_ = *id;
    begun_ = now;
    sent_ = received_ = 0;
    unread_ = 0;
    finished_ = peer_finished_ = false;
    return;
  }
  if (unread_ > 0) host.consumed(context, *id_, std::exchange(unread_, 0));
  while (sent_ < Subject::request) {
    const MutableBytes room = host.reserve(context, *id_, static_cast<std::size_t>(Subject::request - sent_));
    if (room.empty()) return;
    for (std::size_t i = 0; i < room.size(); ++i) room[i] = pattern_at(sent_ + i);
    host.commit(context, *id_, room.size());
    sent_ += room.size();
  }
  if (!finished_) {
    finished_ = true;
    host.finish(context, *id_);
  }
}

}  // namespace limpid::sim

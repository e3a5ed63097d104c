// TCP between the network layer and connections: segments that come in, and what connections send and report.
#include "limpid/tcpip/host/host_step.hpp"
#include "limpid/tcpip/tcp/initial_sequence.hpp"
#include "limpid/tcpip/tcp/stray.hpp"
#include "limpid/tcpip/tcp/syn_cookie.hpp"
#include "limpid/tcpip/wire/checksum.hpp"

namespace limpid::tcpip {

using host::no_index;
using Stage = host::Entry::Stage;

void HostStep::delivered_tcp(const ip::Deliver& packet) {
  if (!packet.checksum_good &&
      wire::transport_checksum(packet.source, packet.destination, Protocol::tcp, packet.payload) != 0) {
    return drop(host::Drop::tcp_checksum);
  }
  const auto parsed = wire::TcpHeader::parse(packet.payload);
  if (!parsed || parsed->header.source_port == 0 || parsed->header.destination_port == 0) {
    return drop(host::Drop::tcp_malformed);
  }
  const host::Flow flow{endpoint(packet.destination, parsed->header.destination_port),
                        endpoint(packet.source, parsed->header.source_port)};
  const Segment segment{packet, flow, host::hash_of(state_.table_key_, flow), parsed->header,
                        parsed->payload(packet.payload)};
  if (const auto index = state_.connections_.find(flow, segment.hash); index != no_index) {
    arrive(index, segment);
  } else if (const auto waiting = state_.time_waits_.find(flow, segment.hash); waiting != no_index) {
    arrive_in_time_wait(waiting, segment);
  } else {
    arrive_for_nobody(segment, {});
  }
}

void HostStep::arrive(std::uint32_t index, const Segment& segment) {
  // What was acknowledged is progress, too.
  const auto acknowledged = [&]() -> std::optional<wire::SeqNumber> {
    const auto* synchronized = state_.connections_[index].tcp.synchronized();
    if (synchronized == nullptr) return {};
    return synchronized->snd_una();
  };
  const auto before = acknowledged();
  const std::uint32_t generation = state_.connections_.id(index).generation;
  step(index, tcp::SegmentArrived{segment.header, segment.payload, segment.packet.ecn, segment.packet.segment_size});
  if (state_.connections_.find({index, generation}) == index && acknowledged() != before) got_somewhere(index);
}

void HostStep::arrive_in_time_wait(std::uint32_t index, const Segment& segment) {
  const auto verdict = tcp::judge(state_.time_waits_[index].record, segment.header, segment.payload.size(),
                                  now_.monotonic, config_.tcp.time_wait);
  switch (verdict.kind) {
    case tcp::TimeWaitVerdict::Kind::drop:
      return drop(host::Drop::time_wait_segment);
    case tcp::TimeWaitVerdict::Kind::acknowledge:
      if (verdict.renewed) state_.time_waits_.renewed(index);
      send_tcp(segment.flow, verdict.reply, {}, 0, 0, {});
      return;
    case tcp::TimeWaitVerdict::Kind::reuse:
      if (state_.listener(segment.flow.local.port) == nullptr) return drop(host::Drop::time_wait_segment);
      state_.time_waits_.remove(index);
      count(host::Count::time_wait_reuse);
      return arrive_for_nobody(segment, verdict.least_iss);
  }
}

void HostStep::arrive_for_nobody(const Segment& segment, std::optional<wire::SeqNumber> least_iss) {
  const wire::TcpFlags& flags = segment.header.flags;
  if (flags.rst) return drop(host::Drop::stray_reset);
  Host::Listener* listener = state_.listener(segment.flow.local.port);
  if (listener == nullptr) return answer_stray(segment);
  // RFC 9293, section 3.10.7.2, in its order.
  if (flags.ack) {
    if (flags.syn || !redeem(segment)) answer_stray(segment);
    return;
  }
  if (!flags.syn) return drop(host::Drop::stray_segment);
  // Nobody who means it begins with the end; what does is a scanner's probe.
  if (flags.fin) return drop(host::Drop::tcp_malformed);
  syn(*listener, segment, least_iss);
}

void HostStep::syn(Host::Listener& listener, const Segment& segment, std::optional<wire::SeqNumber> least_iss) {
  tcp::Birth birth = this->birth(segment.flow);
  if (least_iss && !wire::seq_after(birth.iss, *least_iss)) birth.iss = *least_iss + 1;
  if (listener.half_open < listener.backlog && shortage() < Shortage::cookies && !crowded()) {
    const std::uint32_t index = insert_half_open(listener, segment);
    if (index != no_index) return step(index, tcp::Accept{birth, segment.header});
  }
  state_.last_cookie_ = now_.monotonic;
  count(host::Count::cookies_sent);
  send_tcp(segment.flow, tcp::syn_cookie_answer(config_.tcp, state_.cookie_key_, birth, segment.header, now_.monotonic),
           {}, 0, 0, {});
}

// Whether an ACK needs no other answer. ACKs are only tried as cookies while some of ours may be about, so that
// guessing one is possible only during a flood.
bool HostStep::redeem(const Segment& segment) {
  if (!state_.last_cookie_ ||
      now_.monotonic > *state_.last_cookie_ + Duration{2 * tcp::syn_cookie_period.microseconds}) {
    return false;
  }
  const auto accept =
      tcp::redeem_syn_cookie(config_.tcp, state_.cookie_key_, birth(segment.flow), segment.header, now_.monotonic);
  // It may be one who holds a cookie all the same, and whose later segment overtook the one that shows it: a RST would
  // end what the next retransmission opens.
  if (!accept) {
    drop(host::Drop::not_a_cookie);
    return true;
  }
  // No RST if memory is short: the peer sends again what it begins with.
  const std::uint32_t index = shortage() < Shortage::connections
                                  ? insert_half_open(*state_.listener(segment.flow.local.port), segment)
                                  : no_index;
  if (index == no_index) {
    drop(host::Drop::cookie_unaffordable);
    return true;
  }
  count(host::Count::cookies_redeemed);
  step(index, *accept);
  if (state_.connections_.find(segment.flow, segment.hash) == index) arrive(index, segment);
  return true;
}

void HostStep::answer_stray(const Segment& segment) {
  const auto reset = tcp::reset_for(segment.header, segment.payload.size());
  if (!reset) return drop(host::Drop::stray_reset);
  if (!state_.stray_limits_.allow(state_.generator_, address_of(segment.flow.remote), now_.monotonic)) {
    return drop(host::Drop::stray_limited);
  }
  drop(host::Drop::stray_segment);
  count(host::Count::resets_sent);
  send_tcp(segment.flow, *reset, {}, 0, 0, {});
}

// An ICMP error. RFC 5927: it is believed only about a connection that exists, and what it has in flight.
void HostStep::unreachable(const ip::Unreachable& error) {
  if (error.protocol != Protocol::tcp || error.quoted.size() < 8) return drop(host::Drop::error_unmatched);
  Reader quoted(error.quoted);
  const std::uint16_t local_port = quoted.u16();
  const std::uint16_t remote_port = quoted.u16();
  const wire::SeqNumber sequence = quoted.u32();
  const host::Flow flow{endpoint(error.source, local_port), endpoint(error.destination, remote_port)};
  const std::uint32_t index = state_.connections_.find(flow, host::hash_of(state_.table_key_, flow));
  if (index == no_index) return drop(host::Drop::error_unmatched);
  if (error.kind != ip::UnreachableKind::packet_too_big) {
    return step(index, tcp::Unreachable{error.kind == ip::UnreachableKind::hard, sequence});
  }
  const auto* synchronized = state_.connections_[index].tcp.synchronized();
  if (!error.mtu || synchronized == nullptr ||
      !wire::seq_within(sequence, synchronized->snd_una(), synchronized->snd_nxt())) {
    return drop(host::Drop::error_unmatched);
  }
  if (state_.ip_.confirm_path_mtu(config_.ip, now_, error.destination, *error.mtu)) {
    tell(index, tcp::PathMtu{mss_for(error.destination)});
  }
}

// What connections do.

void HostStep::step(std::uint32_t index, const tcp::Connection::Event& event) {
  host::Entry& entry = state_.connections_[index];
  // Before it is synchronized it shows no window that could shrink, and would not heed it.
  if (entry.pressed != state_.pressed_ && entry.tcp.synchronized() != nullptr) {
    entry.pressed = state_.pressed_;
    tell(index, tcp::MemoryPressure{state_.pressed_});
  }
  over_ = established_ = false;
  ActionSlots<tcp::Connection::Action, tcp::Connection::least_room.actions> slots;
  const auto progress = tcp::Connection::advance(config_.tcp, entry.tcp, now_, event, {{}, slots, budget_, cpu_});
  for (auto& action : progress.actions) carry_out(index, action);
  if (over_) return ended(index);
  if (established_) established(index);
  // More to report waits for the next step, since views of what was reported last only until then. More to send waits
  // for the connection's next turn.
  if (progress.more && !std::holds_alternative<Flush>(event)) state_.unfinished_ = index;
  state_.connections_.settle(index);
}

void HostStep::carry_out(std::uint32_t index, tcp::Connection::Action& action) {
  host::Entry& entry = state_.connections_[index];
  const ConnectionId id = state_.connections_.id(index);
  // Whether its owner is an application that has heard of it and still wants it.
  const bool heard = !entry.resolver && (entry.stage == Stage::open || entry.stage == Stage::opening);
  const bool resolver = entry.resolver && entry.stage != Stage::leaving;
  std::visit(Overloaded{
                 [&](tcp::Emit& segment) { emit(index, segment); },
                 [&](tcp::Established&) { established_ = true; },
                 [&](stream::Received& received) {
                   got_somewhere(index);
                   // The first data may come with the ACK that establishes.
                   if (std::exchange(established_, false)) established(index);
                   if (!entry.resolver && entry.stage == Stage::open) {
                     actions_.push(host::Received{id, received.bytes});
                   } else if (resolver) {
                     const auto size = static_cast<std::uint32_t>(received.bytes.size());
                     run_resolver(dns::TcpReceived{entry.resolver->question, received.bytes});
                     tell(index, tcp::Consumed{size});
                   }
                 },
                 [&](tcp::Writable&) {
                   if (heard) actions_.push(host::Writable{id});
                 },
                 [&](stream::PeerFinished&) {
                   if (std::exchange(established_, false)) established(index);
                   if (!entry.resolver && entry.stage == Stage::open) actions_.push(host::PeerFinished{id});
                   if (resolver) {
                     run_resolver(dns::TcpEnded{entry.resolver->question});
                     leave(index);
                   }
                 },
                 [&](stream::Reset& reset) {
                   over_ = true;
                   if (heard) actions_.push(host::Reset{id, reset.reason});
                 },
                 [&](tcp::Closed& closed) {
                   over_ = true;
                   if (heard) actions_.push(host::Closed{id});
                   if (closed.time_wait) wait_in_time_wait(entry, *closed.time_wait);
                 },
                 [&](tcp::SegmentIgnored& ignored) { state_.ignored_.add(ignored.why); },
             },
             action);
}

void HostStep::emit(std::uint32_t index, const tcp::Emit& segment) {
  host::Entry& entry = state_.connections_[index];
  Pin pin = segment.pin;
  if (pin.count != 0) {
    pin.connection = std::uint64_t{state_.connections_.id(index).generation} << 32 | index;
  }
  const auto result =
      send_tcp(entry.flow, segment.header, segment.payload.span(), segment.segment_size, segment.ecn, pin);
  if (result != ip::SendResult::sent && pin.count != 0) tell(index, tcp::PinsDone{segment.pin});
  // The path became narrower for somebody else.
  if (result == ip::SendResult::too_big) tell(index, tcp::PathMtu{mss_for(address_of(entry.flow.remote))});
}

void HostStep::established(std::uint32_t index) {
  host::Entry& entry = state_.connections_[index];
  if (entry.stage != Stage::half_open && entry.stage != Stage::opening) return;
  left_half_open(entry);
  entry.stage = Stage::open;
  count(entry.listener != 0 ? host::Count::accepted : host::Count::connected);
  if (entry.resolver) {
    tell(index, tcp::Write{{entry.resolver->bytes.data(), entry.resolver->bytes.size()}});
    entry.resolver->bytes.release();
  } else {
    actions_.push(host::Opened{state_.connections_.id(index), entry.flow.local, entry.flow.remote, entry.listener});
  }
  got_somewhere(index);
}

void HostStep::got_somewhere(std::uint32_t index) {
  if (!state_.connections_.progressed(index, now_.monotonic)) return;
  const auto reached =
      state_.ip_.confirm_reachable(config_.ip, now_, address_of(state_.connections_[index].flow.remote));
  if (reached && !alone()) say_reached(*reached);
}

// It is over: Reset or Closed was said.
void HostStep::ended(std::uint32_t index) {
  host::Entry& entry = state_.connections_[index];
  left_half_open(entry);
  if (entry.shed) actions_.push(host::Reset{state_.connections_.id(index), stream::ResetReason::timed_out});
  std::optional<QueryId> question;
  if (entry.resolver) {
    if (entry.stage != Stage::leaving) question = entry.resolver->question;
    for (std::size_t i = 0; i < state_.streams_.size(); ++i) {
      if (state_.streams_[i] != state_.connections_.id(index)) continue;
      state_.streams_[i] = state_.streams_.back();
      state_.streams_.truncate(state_.streams_.size() - 1);
      break;
    }
  }
  state_.connections_.end(index);
  if (question) run_resolver(dns::TcpEnded{*question});
}

// Its owner wants no more of it, or memory demands it: a RST at the next Flush, and then it is over.
void HostStep::leave(std::uint32_t index) {
  host::Entry& entry = state_.connections_[index];
  if (entry.stage == Stage::leaving) return;
  left_half_open(entry);
  entry.stage = Stage::leaving;
  state_.connections_.leaves_order(index);
  tell(index, stream::Abort{});
}

void HostStep::left_half_open(const host::Entry& entry) {
  Host::Listener* listener = state_.listener(entry.listener);
  if (entry.stage == Stage::half_open && listener != nullptr) --listener->half_open;
}

void HostStep::wait_in_time_wait(const host::Entry& entry, const tcp::TimeWaitRecord& record) {
  if (state_.time_waits_.used() >= config_.limits.time_wait && state_.time_waits_.oldest() != no_index) {
    drop(host::Drop::time_wait_evicted);
    state_.time_waits_.remove(state_.time_waits_.oldest());
  }
  if (state_.time_waits_.used() >= config_.limits.time_wait || shortage() >= Shortage::time_waits ||
      !state_.time_waits_.insert(budget_, entry.flow, record, host::hash_of(state_.table_key_, entry.flow))) {
    drop(host::Drop::time_wait_evicted);
  }
}

ip::SendResult HostStep::send_tcp(const host::Flow& flow, const wire::TcpHeader& header, std::span<const Bytes> payload,
                                  std::uint16_t segment_size, std::uint8_t ecn, Pin pin) {
  std::array<Byte, wire::TcpHeader::most_size> encoded;
  Writer out(encoded);
  header.emit(out);
  return send({.source = address_of(flow.local),
               .destination = address_of(flow.remote),
               .protocol = Protocol::tcp,
               .ecn = ecn,
               .dont_fragment = true,
               .header = out.written(),
               .checksum_offset = wire::TcpHeader::checksum_offset,
               .payload = payload,
               .segment_size = segment_size,
               .pin = pin});
}

tcp::Birth HostStep::birth(const host::Flow& flow) const {
  const auto iss = tcp::initial_sequence(state_.sequence_key_, flow.local, flow.remote, now_.monotonic);
  const auto timestamp = tcp::initial_timestamp(state_.sequence_key_, flow.local, flow.remote, now_.monotonic);
  return {flow.local, flow.remote, iss, timestamp, mss_for(address_of(flow.remote))};
}

std::uint16_t HostStep::mss_for(const IpAddress& remote) const {
  const std::size_t headers = (remote.is_ipv4() ? 20 : 40) + wire::TcpHeader::least_size;
  return static_cast<std::uint16_t>(state_.ip_.path_mtu(remote, now_.monotonic) - headers);
}

// no_index if there is no memory for one more, or they are as many as the configuration allows.
std::uint32_t HostStep::insert(host::Entry entry, std::uint64_t hash) {
  entry.progressed = now_.monotonic;
  if (state_.connections_.used() >= config_.limits.connections) return no_index;
  const std::uint32_t index = state_.connections_.insert(budget_, std::move(entry), hash);
  // Too late for this one, but not for the next.
  if (index == no_index) evict_time_waits(Host::most_expiries);
  return index;
}

std::uint32_t HostStep::insert_half_open(Host::Listener& listener, const Segment& segment) {
  host::Entry entry{.flow = segment.flow, .tcp = {}, .stage = Stage::half_open, .listener = listener.port};
  const std::uint32_t index = insert(std::move(entry), segment.hash);
  if (index != no_index) ++listener.half_open;
  return index;
}

}  // namespace limpid::tcpip

#include "limpid/tcpip/host/queues.hpp"

#include "limpid/tcpip/host/host_step.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/icmpv4.hpp"
#include "limpid/tcpip/wire/icmpv6.hpp"
#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::tcpip {
namespace host {
namespace {

// What lies behind the IP headers of a packet that came, or that an ICMP error quotes.
struct Upper {
  IpAddress source, destination;
  Protocol protocol{};
  Bytes payload;
};

// Nothing if it is a fragment, or cannot be read.
std::optional<Upper> upper_of(Bytes packet, bool quoted) {
  if (packet.empty()) return std::nullopt;
  if (packet[0] >> 4 == 4) {
    const auto parsed = quoted ? wire::Ipv4Header::parse_quoted(packet) : wire::Ipv4Header::parse(packet);
    if (!parsed || (quoted ? parsed->header.fragment_offset != 0 : parsed->header.is_fragment())) return std::nullopt;
    const wire::Ipv4Header& header = parsed->header;
    return Upper{header.source, header.destination, header.protocol, parsed->payload(packet)};
  }
  const auto parsed = quoted ? wire::Ipv6Header::parse_quoted(packet) : wire::Ipv6Header::parse(packet);
  if (!parsed) return std::nullopt;
  const Bytes payload = parsed->payload(packet);
  const auto extensions = wire::walk_extensions(parsed->header.next_header, payload);
  if (!extensions) return std::nullopt;
  if (extensions->fragment && !(quoted && extensions->fragment->fragment_offset == 0)) return std::nullopt;
  return Upper{parsed->header.source, parsed->header.destination, extensions->protocol,
               payload.subspan(extensions->offset)};
}

// Of a segment that comes from `remote`'s end. None without its ports.
std::optional<Flow> flow_of(const Upper& upper, bool from_here) {
  if (upper.protocol != Protocol::tcp) return std::nullopt;
  Reader ports(upper.payload);
  const std::uint16_t source = ports.u16(), destination = ports.u16();
  if (ports.failed()) return std::nullopt;
  const auto from = endpoint(upper.source, source), to = endpoint(upper.destination, destination);
  return from_here ? Flow{from, to} : Flow{to, from};
}

// The packet that an ICMP error is about; none if it is no error.
std::optional<Bytes> quoted_by(const Upper& upper) {
  if (upper.protocol == Protocol::icmp) {
    const auto parsed = wire::Icmpv4Header::parse(upper.payload);
    if (parsed && parsed->header.is_error()) return parsed->payload(upper.payload);
  } else if (upper.protocol == Protocol::icmpv6) {
    const auto parsed = wire::Icmpv6Header::parse(upper.payload);
    if (parsed && parsed->header.is_error()) return parsed->payload(upper.payload);
  }
  return std::nullopt;
}

}  // namespace

void several_queues() {}
std::uint8_t most_queues() { return ip::Queue::most; }

std::uint8_t owner_of(const crypto::HashTableKey& key, std::uint8_t queues, const Flow& flow) {
  // The upper half, scaled: every queue has its part of it, whatever their number.
  return static_cast<std::uint8_t>((hash_of(key, flow) >> 32) * queues >> 32);
}

std::uint8_t owner_of_packet(const crypto::HashTableKey& key, std::uint8_t queues, Bytes packet) {
  const auto upper = upper_of(packet, false);
  if (!upper) return 0;
  auto flow = flow_of(*upper, false);
  if (const auto quoted = quoted_by(*upper)) {
    const auto ours = upper_of(*quoted, true);
    if (ours) flow = flow_of(*ours, true);
  }
  return flow ? owner_of(key, queues, *flow) : std::uint8_t{0};
}

std::uint8_t owner_of_frame(const crypto::HashTableKey& key, std::uint8_t queues, Bytes frame) {
  const auto parsed = wire::EthernetHeader::parse(frame);
  const bool ip = parsed && (parsed->header.ether_type == wire::EtherType::ipv4 ||
                             parsed->header.ether_type == wire::EtherType::ipv6);
  // As the interface will read it.
  const Bytes packet = ip ? parsed->payload(frame) : Bytes();
  const std::uint8_t version = ip && parsed->header.ether_type == wire::EtherType::ipv4 ? 4 : 6;
  if (packet.empty() || packet[0] >> 4 != version) return 0;
  return owner_of_packet(key, queues, packet);
}

}  // namespace host

using host::QueueMessage;

namespace {

std::uint64_t bit_of(std::uint8_t queue) { return std::uint64_t{1} << queue; }

// All but the first.
std::uint64_t followers(const ip::Queue& queue) {
  return (queue.of == ip::Queue::most ? ~std::uint64_t{0} : bit_of(queue.of) - 1) & ~bit_of(0);
}

// Whose kind of message it is.
bool is_leaders(QueueMessage kind) { return kind == QueueMessage::knowledge || kind == QueueMessage::found; }

constexpr std::size_t most_message = 64;  // of one that is encoded here

}  // namespace

bool HostStep::owns(const host::Flow& flow) const {
  return host::owner_of(state_.queues_.key, config_.ip.queue.of, flow) == config_.ip.queue.number;
}

// Speaking.

// Said where there is room for it, and otherwise, as if it were lost on its way, another time.
template <class Message>
void HostStep::say_to(std::uint8_t queue, QueueMessage kind, const Message& message) {
  Writer out(out_.room.first(std::min(out_.room.size(), most_message)));
  encode(out, now_.monotonic, kind);
  encode(out, now_.monotonic, message);
  if (!out.failed() && actions_.free() > 0) actions_.push(host::ToQueue{queue, carve(out.size()), {}});
}
void HostStep::say(const ip::NeighbourWanted& wanted) { say_to(0, QueueMessage::wanted, wanted); }
void HostStep::say(const ip::NeighbourFound& found) { say_to(found.queue, QueueMessage::found, found); }
void HostStep::say_reached(const IpAddress& neighbour) { say_to(0, QueueMessage::reached, neighbour); }

bool HostStep::is_for_another(const FrameReceived& event) {
  const ip::Queue& here = config_.ip.queue;
  if (state_.queues_.version == 0 && !leads()) {
    drop(host::Drop::queue_unready);
    return true;
  }
  const std::uint8_t owner = host::owner_of_frame(state_.queues_.key, here.of, event.frame);
  if (owner == here.number) return false;
  pass_on(owner, event.offload, event.frame, true);
  return true;
}

// What was in pieces has no owner before it is put together.
bool HostStep::is_for_another(const ip::Deliver& packet) {
  if (!state_.ip_.lends() || packet.source.is_loopback() || state_.ip_.is_ours(packet.source)) return false;
  const std::uint8_t owner = host::owner_of_packet(state_.queues_.key, config_.ip.queue.of, packet.packet);
  if (owner == config_.ip.queue.number) return false;
  pass_on(owner, {}, packet.packet, false);
  return true;
}

void HostStep::pass_on(std::uint8_t queue, const ReceiveOffload& offload, Bytes packet, bool has_ethernet) {
  // What lies in the interface is copied: the next step ends it.
  Writer out(out_.room.first(out_.room.size() - std::min(out_.room.size(), most_message)));
  encode(out, now_.monotonic, QueueMessage::frame);
  encode(out, now_.monotonic, offload);
  if (!has_ethernet) {
    const bool ipv4 = packet[0] >> 4 == 4;
    wire::EthernetHeader{config_.ip.mac, {}, ipv4 ? wire::EtherType::ipv4 : wire::EtherType::ipv6}.emit(out);
    out.bytes(packet);
  }
  if (out.failed() || actions_.free() == 0) return drop(host::Drop::not_passed_on);
  count(host::Count::passed_on);
  actions_.push(host::ToQueue{queue, carve(out.size()), has_ethernet ? packet : Bytes()});
}

// The leader compares what it knows with what it told, and tells it to whoever has yet to hear.

void HostStep::look_for_news() {
  // In a form that does not depend on the time.
  Buffer known(budget_);
  Writer out(known);
  state_.ip_.write_knowledge(out, Instant{});
  if (out.failed()) return;
  host::Queues& queues = state_.queues_;
  const std::uint64_t digest = crypto::keyed_hash(queues.key, {known.data(), known.size()});
  if (queues.version != 0 && digest == queues.digest) return;
  queues.digest = digest;
  ++queues.version;
  queues.untold = queues.unheard = followers(config_.ip.queue);
}

void HostStep::tell_news() {
  host::Queues& queues = state_.queues_;
  if (learned_) look_for_news();
  if (queues.tell_at && *queues.tell_at <= now_.monotonic) {
    queues.untold |= queues.unheard;
    queues.tell_at.reset();
  }
  if (queues.untold == 0) return;
  if (!roomy()) {
    more_ = true;
    return;
  }
  Writer out(out_.room);
  encode(out, now_.monotonic, QueueMessage::knowledge);
  encode(out, now_.monotonic, queues.version);
  encode(out, now_.monotonic, queues.key);
  state_.ip_.write_knowledge(out, now_.monotonic);
  queues.tell_at = now_.monotonic + host::Queues::patience;
  if (out.failed()) return;  // again then, perhaps in more room
  const Bytes message = carve(out.size());
  for (std::uint8_t queue = 1; queue < config_.ip.queue.of; ++queue) {
    if ((queues.untold & bit_of(queue)) == 0) continue;
    if (!roomy()) {
      more_ = true;
      return;
    }
    queues.untold &= ~bit_of(queue);
    actions_.push(host::ToQueue{queue, message, {}});
  }
}

// Hearing.

void HostStep::heard(const host::FromQueue& event) {
  const ip::Queue& here = config_.ip.queue;
  Reader in(event.message);
  QueueMessage kind{};
  const bool known = event.queue < here.of && event.queue != here.number &&
                     decode(in, {now_.monotonic, budget_}, kind) &&
                     (kind == QueueMessage::frame || is_leaders(kind) == (event.queue == 0)) &&
                     (kind == QueueMessage::frame || is_leaders(kind) != leads());
  if (known) {
    heard(event.queue, kind, event.message.subspan(in.offset()));
  } else {
    drop(host::Drop::queue_malformed);
  }
}

void HostStep::heard(std::uint8_t queue, QueueMessage kind, MutableBytes body) {
  host::Queues& queues = state_.queues_;
  const LoadContext context{now_.monotonic, budget_};
  Reader in(body);
  const auto malformed = [this] { drop(host::Drop::queue_malformed); };
  const auto read = [&](auto& value) { return decode(in, context, value) && in.finished(); };
  switch (kind) {
    case QueueMessage::frame: {
      FrameReceived received;
      if (!decode(in, context, received.offload)) return malformed();
      received.frame = body.subspan(in.offset());
      if (!leads() && queues.version == 0) return drop(host::Drop::queue_unready);
      if (host::owner_of_frame(queues.key, config_.ip.queue.of, received.frame) != config_.ip.queue.number) {
        return drop(host::Drop::queue_misled);
      }
      return run_frame(received);
    }
    case QueueMessage::knowledge: {
      std::uint32_t version = 0;
      crypto::HashTableKey key;
      if (!decode(in, context, version) || !decode(in, context, key) || version == 0) return malformed();
      // An older one came late; the same one was not heard to be heard.
      if (version > queues.version) {
        if (!state_.ip_.adopt_knowledge(now_, in, budget_)) return malformed();
        queues.version = version;
        queues.key = std::move(key);
      }
      return say_to(0, QueueMessage::heard, queues.version);
    }
    case QueueMessage::heard: {
      std::uint32_t version = 0;
      if (!read(version)) return malformed();
      if (version == queues.version) queues.unheard &= ~bit_of(queue);
      if (queues.unheard == 0) queues.tell_at.reset();
      return;
    }
    case QueueMessage::wanted: {
      ip::NeighbourWanted wanted;
      if (!read(wanted)) return malformed();
      state_.ip_.wanted(config_.ip, now_, queue, wanted);
      return run_ip(Tick{});  // answers, or asks
    }
    case QueueMessage::found: {
      ip::NeighbourFound found;
      if (!read(found)) return malformed();
      state_.ip_.told(now_, found);
      return run_ip(Tick{});  // sends what waited
    }
    case QueueMessage::reached: {
      IpAddress neighbour;
      if (!read(neighbour)) return malformed();
      return state_.ip_.reached(now_, neighbour);
    }
  }
}

}  // namespace limpid::tcpip

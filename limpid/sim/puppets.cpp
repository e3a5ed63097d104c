#include "limpid/sim/puppets.hpp"

#include "limpid/tcpip/wire/ipv4.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"

namespace limpid::sim {

using namespace tcpip;
using wire::SeqNumber;
using wire::TcpHeader;

namespace {

constexpr std::size_t text_size = 300;
constexpr Duration spacing = milliseconds(3);  // between two puppets' first moves

constexpr std::array<Byte, 2 * text_size> make_text() {
  std::array<Byte, 2 * text_size> text{};
  for (std::size_t i = 0; i < text.size(); ++i) text[i] = pattern_at(i);
  return text;
}
constexpr std::array<Byte, 2 * text_size> some_text = make_text();

// The ways into each state.
struct Way {
  Moves moves;
  std::uint16_t port = Subject::silent;
};
constexpr Move syn = Move::syn, ack = Move::ack, fin = Move::fin, finish = Move::finish, connect = Move::connect,
               write = Move::write;
const Way* ways(std::size_t& count) {
  static constexpr Way all[] = {
      {{}, Subject::nobodys},            // CLOSED
      {{}},                              // LISTEN
      {{connect}},                       // SYN-SENT
      {{syn}},                           // SYN-RECEIVED
      {{connect, syn}},                  // the same, by a simultaneous open
      {{syn, ack}},                      // ESTABLISHED
      {{syn, ack, write}},               // the same, with text under way
      {{connect, Move::syn_ack}},        // the same, the other way round
      {{syn, ack, finish}},              // FIN-WAIT-1
      {{syn, ack, write, finish}},       // the same, with text
      {{syn, ack, finish, ack}},         // FIN-WAIT-2
      {{syn, ack, fin}},                 // CLOSE-WAIT
      {{syn, ack, write, fin}},          // the same, with text
      {{syn, ack, finish, fin}},         // CLOSING
      {{syn, ack, write, finish, fin}},  // the same, with text
      {{syn, ack, fin, finish}},         // LAST-ACK
      {{syn, ack, fin, write, finish}},  // the same, with text
      {{syn, ack, finish, ack, fin}},    // TIME-WAIT
  };
  count = std::size(all);
  return all;
}

constexpr Move events[] = {
    Move::odd_flags,     Move::reset,         Move::reset_in_window,
    Move::reset_outside, Move::syn,           Move::syn_ack,
    Move::no_timestamp,  Move::old_timestamp, Move::no_ack,
    Move::outside,       Move::duplicate,     Move::ack_unsent,
    Move::fin,           Move::fin_ahead,     Move::text,
    Move::text_ahead,    Move::window_closed, Move::ack,
    Move::too_big,       Move::hard_error,    Move::soft_error,
    Move::write,         Move::consumed,      Move::finish,
    Move::abort,         Move::pause,
};

// What needs more than one event, or is known as an attack.
const Part* attacks(std::size_t& count) {
  using enum Move;
  static constexpr Part all[] = {
      // sockstress and its kin: a window that is closed at once and for ever, one that is tiny, one that is closed
      // later.
      {{Move::syn, Move::ack}, Subject::service, 0},
      {{Move::syn, Move::ack}, Subject::service, 1},
      {{Move::syn, Move::ack, window_closed, Move::write, pause, pause, window_closed}, Subject::silent},
      {{Move::syn, Move::ack, window_closed, Move::write}, Subject::silent},
      // CVE-2019-11479: each segment almost all header. CVE-2019-11477: small segments, and SACK of many of them.
      {{Move::syn, Move::ack, sack, sack}, Subject::service, 60'000, 48},
      {{Move::syn, Move::ack, sack, sack, pause, sack, Move::ack, sack}, Subject::service},
      {{Move::syn, Move::ack, lying_sack}, Subject::service, 60'000, 1400, 10},
      // A receiver that reneges: what it SACKed it acknowledges never.
      {{Move::syn, Move::ack, sack, pause, pause, Move::ack}, Subject::service},
      // ACKs ahead of what arrives (Savage, 1999), and beyond what was sent.
      {{Move::syn, Move::ack, optimistic_ack}, Subject::service, 60'000, 1400, 60},
      {{Move::syn, Move::ack, ack_unsent}, Subject::service, 60'000, 1400, 30},
      // SegmentSmack: pieces out of order, one after the other.
      {{Move::syn, Move::ack, text_ahead}, Subject::silent, 60'000, 1400, 200},
      {{Move::syn, Move::ack, fin_ahead, other_fin, text_ahead, Move::text}, Subject::silent},
      {{Move::syn, Move::ack, text_ahead, other_fin}, Subject::silent},
      // Challenge ACKs asked for without end (CVE-2016-5696).
      {{Move::syn, Move::ack, reset_in_window}, Subject::silent, 60'000, 1400, 40},
      {{Move::syn, Move::ack, Move::syn}, Subject::silent, 60'000, 1400, 40},
      // Text that the application reads, and text that it does not read.
      {{Move::syn, Move::ack, text, consumed, text}, Subject::silent, 60'000, 1400, 30},
      {{Move::syn, Move::ack, text}, Subject::service, 60'000, 1400, 100},
      {{Move::syn, Move::ack, text}, Subject::silent, 60'000, 1400, 250},
      // Old duplicates and a new connection for one in TIME-WAIT.
      {{Move::syn, Move::ack, Move::finish, Move::ack, Move::fin, duplicate, Move::fin, syn_anew, Move::ack, text}},
      {{Move::syn, Move::ack, Move::finish, Move::ack, Move::fin, syn_anew, Move::ack, text}},
      // A SYN that comes again, simultaneous open and close to the end, ends that nobody acknowledges.
      {{Move::syn, syn_again, syn_again, Move::ack}},
      {{Move::connect, Move::syn, Move::syn_ack, Move::ack, Move::finish, Move::fin, Move::ack}},
      {{Move::connect, Move::syn, Move::ack, Move::write, Move::finish, Move::ack, Move::fin}},
      {{Move::connect, Move::syn, Move::write, Move::finish}},
      {{Move::connect, Move::syn, Move::abort}},
      {{Move::connect, Move::finish}},
      {{Move::connect, Move::ack_unsent, pause, Move::reset}},
      // The host reads, and hears nothing any more.
      {{Move::syn, Move::ack, Move::write, Move::ack}},
      {{Move::syn, Move::ack, Move::write, pause}},
  };
  count = std::size(all);
  return all;
}

}  // namespace

void Puppets::cast(const Target& target, Instant begin, Dice& dice) {
  target_ = target;
  begin_ = begin;
  std::size_t count = 0;
  const Way* const all = ways(count);
  for (std::size_t way = 0; way < count; ++way) {
    for (const Move event : events) {
      Part part{all[way].moves, all[way].port};
      // In TIME-WAIT a SYN may begin another connection; elsewhere it belongs to none.
      (void)part.moves.push_back(event == Move::syn && way + 1 == count ? Move::syn_anew : event);
      if (dice.chance(100'000)) part.repeated = static_cast<std::uint8_t>(dice.up_to(10));
      constexpr Move aftermaths[] = {Move::ack, Move::reset, Move::fin, Move::text, Move::finish, Move::abort};
      while (part.repeated == 0 && part.moves.size() < most_moves && dice.chance(500'000)) {
        (void)part.moves.push_back(aftermaths[dice.up_to(std::size(aftermaths)) - 1]);
      }
      add(part, dice);
    }
  }
  const Part* const more = attacks(count);
  for (std::size_t i = 0; i < count; ++i) add(more[i], dice);
}

void Puppets::add(const Part& part, Dice& dice) {
  Puppet puppet;
  puppet.part = part;
  puppet.at = begin_ + Duration{spacing.microseconds * static_cast<std::int64_t>(dice.up_to(1500))};
  puppet.ipv6 = dice.chance(400'000);
  puppet.timestamps = dice.chance(700'000);
  puppet.sack = dice.chance(800'000);
  puppet.port = static_cast<std::uint16_t>(2000 + puppets_.size());
  // Near the wrap, or anywhere.
  puppet.iss = static_cast<SeqNumber>(dice.next());
  if (dice.chance(300'000)) puppet.iss = SeqNumber{0} - static_cast<SeqNumber>(dice.up_to(700));
  puppet.snd_nxt = puppet.iss;
  (void)puppets_.push_back(puppet);
}

void Puppets::hear(Mouth&, Instant, Bytes frame) {
  const auto heard = segment_in(frame);
  if (!heard || !has(heard->destination)) return;
  const std::size_t index = std::size_t{heard->header.destination_port} - 2000;
  if (heard->header.destination_port < 2000 || index >= puppets_.size()) return;
  Puppet& puppet = puppets_[index];
  const TcpHeader& header = heard->header;
  if (header.flags.rst || endpoint_of(puppet) != endpoint(heard->destination, header.destination_port)) return;
  const SeqNumber end = header.sequence + header.sequence_length(heard->payload.size());
  if (header.flags.syn && header.flags.ack && header.acknowledgment != puppet.iss + 1) return;
  if (header.flags.syn && (!puppet.knows_peer || puppet.peer_iss != header.sequence)) {
    puppet.knows_peer = true;
    puppet.peer_iss = header.sequence;
    puppet.peer_port = header.source_port;
    puppet.rcv_nxt = puppet.acked = end;
    puppet.timestamps = puppet.timestamps && header.options.timestamps;
  } else if (wire::seq_after(end, puppet.rcv_nxt)) {
    puppet.rcv_nxt = end;
  }
  if (header.options.timestamps) puppet.last_value = header.options.timestamps->value;
}

std::optional<Instant> Puppets::speak(Mouth& mouth, Instant now) {
  std::optional<Instant> next;
  for (Puppet& puppet : puppets_) {
    const std::size_t moves = puppet.part.moves.size() + puppet.part.repeated;
    while (puppet.next_move < moves && puppet.at <= now) {
      const std::size_t index = std::min(puppet.next_move, puppet.part.moves.size() - 1);
      const bool repeats = puppet.next_move >= puppet.part.moves.size();
      move(mouth, puppet, puppet.part.moves[index], now);
      ++puppet.next_move;
      puppet.at = now + milliseconds(repeats ? 7 : 60);
    }
    if (puppet.next_move < moves && (!next || puppet.at < *next)) next = puppet.at;
  }
  return next;
}

void Puppets::move(Mouth& mouth, Puppet& puppet, Move move, Instant now) {
  switch (move) {
    case Move::pause:
      puppet.at = now + seconds(2);
      return;
    case Move::too_big:
    case Move::hard_error:
    case Move::soft_error:
      return icmp_error(mouth, puppet, move);
    case Move::connect:
    case Move::write:
    case Move::consumed:
    case Move::finish:
    case Move::abort:
      return application(puppet, move);
    default:
      return segment(mouth, puppet, move, now);
  }
}

void Puppets::application(const Puppet& puppet, Move move) {
  const stream::Endpoint end = endpoint_of(puppet);
  if (move == Move::connect) return subject_.connect(end);
  const ConnectionId id = subject_.of(end);
  if (move == Move::write) subject_.tell(host::Write{id, some_text});
  if (move == Move::consumed) subject_.tell(host::Consumed{id, static_cast<std::uint32_t>(subject_.unread(end))});
  if (move == Move::finish) subject_.tell(host::Finish{id});
  if (move == Move::abort) subject_.tell(host::Abort{id});
}

void Puppets::icmp_error(Mouth& mouth, const Puppet& puppet, Move move) {
  // What the host sent and was not acknowledged, as far as is known.
  Byte quoted[68];
  Writer out{MutableBytes(quoted)};
  const IpAddress& host = puppet.ipv6 ? target_.v6 : target_.v4;
  const IpAddress& own = own_[puppet.ipv6 ? 1 : 0];
  if (puppet.ipv6) {
    wire::Ipv6Header header;
    header.payload_length = 1000;
    header.next_header = Protocol::tcp;
    header.source = host;
    header.destination = own;
    header.emit(out);
  } else {
    wire::Ipv4Header header;
    header.total_length = 1000;
    header.protocol = Protocol::tcp;
    header.source = host;
    header.destination = own;
    header.emit(out);
  }
  out.u16(puppet.peer_port != 0 ? puppet.peer_port : puppet.part.to_port);
  out.u16(puppet.port);
  const bool handshake = puppet.rcv_nxt == puppet.peer_iss + 1 && puppet.acked == puppet.rcv_nxt;
  out.u32(puppet.acked - (handshake ? 1 : 0));
  const Envelope envelope{.source = own, .destination = host, .to = target_.mac};
  if (puppet.ipv6) {
    if (move == Move::too_big) return mouth.icmp(envelope, 2, 0, 1300, out.written());
    return mouth.icmp(envelope, 1, move == Move::hard_error ? 4 : 3, 0, out.written());
  }
  const std::uint8_t code = move == Move::too_big ? 4 : move == Move::hard_error ? 3 : 1;
  mouth.icmp(envelope, 3, code, move == Move::too_big ? 1300 : 0, out.written());
}

void Puppets::segment(Mouth& mouth, Puppet& puppet, Move move, Instant now) {
  const SeqNumber una = puppet.acked;
  TcpHeader header;
  header.sequence = puppet.snd_nxt;
  header.acknowledgment = una;
  header.flags.ack = puppet.knows_peer || move != Move::syn;
  header.window = puppet.part.window;
  // It wraps soon, where the sequence numbers do.
  const auto clock = static_cast<std::uint32_t>((now - begin_).microseconds / 1000 - 3'000) + puppet.iss;
  if (puppet.timestamps) header.options.timestamps = wire::TcpTimestamps{clock, puppet.last_value};
  Bytes payload;
  // What the oracle may believe: what belongs to the connection as its state is.
  bool forged = false;
  const Bytes text = Bytes(some_text).first(text_size);
  switch (move) {
    case Move::odd_flags:
      header.flags = {.syn = true, .rst = (puppet.port & 1) != 0};
      header.flags.fin = !header.flags.rst;
      forged = true;
      break;
    case Move::reset:
      header.flags = {.rst = true, .ack = puppet.knows_peer};
      break;
    case Move::reset_in_window:
      header.flags.rst = true;
      header.sequence += 10;
      forged = true;
      break;
    case Move::reset_outside:
      header.flags = {.rst = true};
      header.sequence -= 100'000;
      forged = true;
      break;
    case Move::syn:
      header.flags = {.syn = true};
      header.acknowledgment = 0;
      if (puppet.syn_sent) {
        forged = true;
        header.sequence += 1000;
      } else {
        puppet.syn_sent = true;
        header.sequence = puppet.iss;
        puppet.snd_nxt = puppet.iss + 1;
      }
      header.options.mss = puppet.part.mss;
      header.options.sack_permitted = puppet.sack;
      break;
    case Move::syn_anew:
      puppet.iss = puppet.snd_nxt + 200'000;
      puppet.snd_nxt = puppet.iss + 1;
      [[fallthrough]];
    case Move::syn_again:
      header.flags = {.syn = true};
      header.acknowledgment = 0;
      header.sequence = puppet.iss;
      header.options.mss = puppet.part.mss;
      header.options.sack_permitted = puppet.sack;
      break;
    case Move::syn_ack:
      header.flags = {.syn = true, .ack = true};
      header.options.mss = puppet.part.mss;
      header.options.sack_permitted = puppet.sack;
      header.sequence = puppet.iss;
      forged = puppet.syn_sent && puppet.snd_nxt != puppet.iss + 1;
      if (!puppet.syn_sent) puppet.snd_nxt = puppet.iss + 1;
      puppet.syn_sent = true;
      header.acknowledgment = puppet.rcv_nxt;
      break;
    case Move::no_timestamp:
      header.options.timestamps.reset();
      break;
    case Move::old_timestamp:
      if (header.options.timestamps) header.options.timestamps->value = clock - 1'000'000;
      payload = text;
      break;
    case Move::no_ack:
      header.flags.ack = false;
      payload = text;
      forged = true;
      break;
    case Move::outside:
      header.sequence += 3'000'000;
      payload = text;
      forged = true;
      break;
    case Move::duplicate:
      header.sequence -= static_cast<SeqNumber>(text.size());
      payload = text;
      break;
    case Move::ack_unsent:
      header.acknowledgment = puppet.rcv_nxt + 100'000;
      break;
    case Move::optimistic_ack:
      header.acknowledgment = puppet.acked = una + 1000;
      break;
    case Move::fin:
      header.flags.fin = true;
      puppet.snd_nxt += 1;
      break;
    case Move::fin_ahead:
      header.flags.fin = true;
      header.sequence += static_cast<SeqNumber>(text.size());
      break;
    case Move::other_fin:
      header.flags.fin = true;
      break;
    case Move::text:
      payload = text;
      puppet.snd_nxt += static_cast<SeqNumber>(text.size());
      break;
    case Move::text_ahead:
      // Every second of them, from far to near.
      header.sequence += static_cast<SeqNumber>(20'000 - 2 * (puppet.next_move % 200) * 20);
      payload = text.first(20);
      break;
    case Move::window_closed:
      header.window = 0;
      break;
    case Move::sack:
      header.options.timestamps.reset();
      if (puppet.timestamps) header.options.timestamps = wire::TcpTimestamps{clock, puppet.last_value};
      if (puppet.rcv_nxt - una > 300) (void)header.options.sack.push_back({una + 216, puppet.rcv_nxt});
      break;
    case Move::lying_sack:
      (void)header.options.sack.push_back({una + 500'000, una + 600'000});
      break;
    case Move::ack:
      header.acknowledgment = puppet.acked = puppet.rcv_nxt;
      break;
    default:
      return;
  }
  if (!puppet.sack && !header.options.sack.empty()) header.options.sack = {};
  mouth.tcp({.source = own_[puppet.ipv6 ? 1 : 0],
             .destination = puppet.ipv6 ? target_.v6 : target_.v4,
             .to = target_.mac,
             .forged = forged},
            puppet.port, puppet.peer_port != 0 ? puppet.peer_port : puppet.part.to_port, header, payload);
}

}  // namespace limpid::sim

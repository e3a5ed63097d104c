#include "limpid/tcpip/dns/resolver.hpp"

namespace limpid::tcpip::dns {
namespace {

// After so many answers with wrong ids somebody is guessing, and TCP cannot be guessed (RFC 5452, section 9.3: the
// question should then be asked over TCP).
constexpr std::uint8_t most_wrong_ids = 16;

constexpr std::size_t header_size = 12;
constexpr std::uint16_t first_port = 1024;

// An address that can be connected to. RFC 4291's IPv4-mapped form is no answer to a question for AAAA: here it would
// turn into an IPv4 address.
bool is_usable(const IpAddress& address, RecordType type) {
  return !address.is_unspecified() && !address.is_multicast() && !address.is_limited_broadcast() &&
         address.is_ipv4() == (type == RecordType::a);
}

// What an answer says about one name.
struct Findings {
  Name end;  // where the aliases led
  std::uint8_t aliases = 0;
  AddressList addresses{};
  std::uint32_t ttl = UINT32_MAX;
};

// Reads the answer section, which begins at `in`: aliases from `name` on, at most one more than `most_aliases`, then
// addresses. Only what belongs to that chain counts. Nothing if it does not parse.
std::optional<Findings> read_answers(Bytes message, const Reader& in, const Header& header, const Name& name,
                                     RecordType type, std::uint8_t most_aliases) {
  Findings findings{.end = name};
  for (bool led_on = true; led_on;) {
    led_on = false;
    Reader answers = in;
    findings.addresses = {};
    std::uint32_t ttl = findings.ttl;
    for (std::size_t i = 0; i < header.answers; ++i) {
      const auto record = Record::parse(message, answers);
      if (!record) return {};
      if (record->record_class != internet_class || record->name != findings.end) continue;
      if (record->type == RecordType::cname && !led_on) {
        Reader data(message.first(record->data_offset + record->data.size()));
        data.skip(record->data_offset);
        const Name target = Name::read(message, data);
        if (!data.finished()) return {};
        findings.end = target;
        findings.ttl = std::min(findings.ttl, record->ttl);
        led_on = true;
        break;
      }
      if (record->type != type) continue;
      if (record->data.size() != (type == RecordType::a ? 4u : 16u)) return {};
      IpAddress address = any_ipv4;
      copy(record->data, MutableBytes(address.octets).last(record->data.size()));
      if (type == RecordType::aaaa) copy(record->data, address.octets);
      if (!is_usable(address, type)) continue;
      findings.addresses.push_back(address);
      ttl = std::min(ttl, record->ttl);
    }
    if (!led_on) findings.ttl = ttl;
    if (led_on && ++findings.aliases > most_aliases) return findings;
  }
  return findings;
}

}  // namespace

std::string_view describe(Outcome outcome) {
  switch (outcome) {
    case Outcome::found:
      return "found";
    case Outcome::no_address:
      return "the name has no address";
    case Outcome::no_answer:
      return "no DNS server gave a usable answer";
    case Outcome::alias_chain:
      return "the name is an alias that leads nowhere";
    case Outcome::no_server:
      return "no DNS server is configured";
    case Outcome::no_such_name:
      return "there is no such name";
    case Outcome::not_a_name:
      return "not a host's name";
    case Outcome::too_many:
      return "too many look-ups at once";
  }
  return "";
}

std::string_view name(Drop reason) {
  switch (reason) {
    case Drop::stray:
      return "stray";
    case Drop::wrong_server:
      return "wrong_server";
    case Drop::wrong_id:
      return "wrong_id";
    case Drop::not_an_answer:
      return "not_an_answer";
    case Drop::wrong_question:
      return "wrong_question";
    case Drop::malformed:
      return "malformed";
    case Drop::server_failed:
      return "server_failed";
  }
  return "";
}

bool Resolver::Inquiry::restored(const LoadContext&) const {
  const bool open = stage == Stage::waiting || stage == Stage::by_udp || stage == Stage::by_tcp;
  if (deadline.has_value() != open) return false;
  if (type != RecordType::a && type != RecordType::aaaa) return false;
  if (stage != Stage::done && name.empty()) return false;
  return stage == Stage::by_tcp || received.empty();
}

bool Resolver::Lookup::done() const {
  return std::all_of(inquiries.begin(), inquiries.end(),
                     [](const Inquiry& inquiry) { return inquiry.stage == Inquiry::Stage::done; });
}

bool Resolver::Lookup::unfinished() const {
  return cancelled || done() || std::any_of(inquiries.begin(), inquiries.end(), [](const Inquiry& inquiry) {
           return inquiry.stage == Inquiry::Stage::due;
         });
}

// One step over one state. What has to be said comes in a fixed order: what time brought about, what the event did, the
// look-ups that are over, the questions that are due. Where the room ends, the next step goes on, so that the order of
// draws does not depend on the room.
class ResolverStep {
 public:
  using Action = Resolver::Action;
  using Inquiry = Resolver::Inquiry;
  using Lookup = Resolver::Lookup;
  using Stage = Inquiry::Stage;

  ResolverStep(const Resolver::Config& config, Resolver& state, Time now, const Room<Action>& room)
      : config_(config), state_(state), budget_(room.budget), room_(room.bytes), actions_(room.actions) {
    state_.last_seen_ = std::max(state_.last_seen_, now.monotonic);
    now_ = state_.last_seen_;
  }

  Progress<Action> take(const Resolver::Event& event) {
    const bool taken = expire() && actions_.free() >= 2;
    if (taken) std::visit([this](const auto& e) { on(e); }, event);
    const bool all = taken && settle() && send_due();
    return {taken ? 1u : 0u, actions_.all(), !all, Wants::event, all ? state_.deadline() : std::nullopt};
  }

 private:
  // Each of these four is false if the room ended before it was through.

  bool expire() {
    for (Lookup& lookup : state_.lookups_) {
      const bool over = lookup.until && *lookup.until <= now_;
      for (Inquiry& inquiry : lookup.inquiries) {
        const bool late = inquiry.deadline && *inquiry.deadline <= now_;
        if (inquiry.stage == Stage::done || !(over || late)) continue;
        if (actions_.free() == 0) return false;
        if (over) {
          finish(lookup, inquiry, Outcome::no_answer);
        } else if (inquiry.stage == Stage::waiting) {
          finish(lookup, inquiry, Outcome::no_server);
        } else {
          try_next(lookup, inquiry);
        }
      }
    }
    return true;
  }

  bool settle() {
    for (std::size_t i = 0; i < state_.lookups_.size();) {
      Lookup& lookup = state_.lookups_[i];
      if (!lookup.cancelled && !lookup.done()) {
        ++i;
        continue;
      }
      if (actions_.free() < 3) return false;
      if (lookup.cancelled) {
        for (Inquiry& inquiry : lookup.inquiries) close(inquiry);
      } else {
        actions_.push(result(lookup));
      }
      for (std::size_t next = i + 1; next < state_.lookups_.size(); ++next) {
        state_.lookups_[next - 1] = std::move(state_.lookups_[next]);
      }
      state_.lookups_.truncate(state_.lookups_.size() - 1);
    }
    if (state_.lookups_.empty()) state_.lookups_.release();
    return true;
  }

  bool send_due() {
    for (Lookup& lookup : state_.lookups_) {
      for (Inquiry& inquiry : lookup.inquiries) {
        if (inquiry.stage != Stage::due) continue;
        if (actions_.free() == 0 || room_.size() < Resolver::least_room.bytes) return false;
        send(inquiry);
      }
    }
    return true;
  }

  // Events.

  void on(const Tick&) {}

  void on(const Started& event) {
    if (state_.born_) return state_.generator_.mix(event.entropy);
    state_.born_ = true;
    state_.generator_ = crypto::Generator(event.entropy);
    state_.lookups_ = Vec<Lookup>(budget_);
  }

  void on(const Servers& event) {
    state_.servers_ = event.list;
    if (event.list.empty()) return;
    for (Lookup& lookup : state_.lookups_) {
      for (Inquiry& inquiry : lookup.inquiries) {
        if (inquiry.stage != Stage::waiting) continue;
        inquiry.stage = Stage::due;
        inquiry.deadline.reset();
      }
    }
  }

  void on(const Resolve& event) {
    const auto name = Name::from_text(event.name);
    if (!name) return actions_.push(Resolved{.token = event.token, .outcome = Outcome::not_a_name});
    Lookup lookup{.token = event.token};
    lookup.inquiries[0].type = RecordType::aaaa;
    for (Inquiry& inquiry : lookup.inquiries) {
      const Family unwanted = inquiry.type == RecordType::a ? Family::ipv6 : Family::ipv4;
      if (event.family == unwanted) continue;
      inquiry.stage = Stage::due;
      inquiry.name = *name;
    }
    if (state_.lookups_.size() >= config_.most_lookups || !state_.lookups_.push_back(std::move(lookup))) {
      actions_.push(Resolved{.token = event.token, .outcome = Outcome::too_many});
    }
  }

  void on(const Cancel& event) {
    for (Lookup& lookup : state_.lookups_) lookup.cancelled = lookup.cancelled || lookup.token == event.token;
  }

  void on(const Datagram& event) {
    for (Lookup& lookup : state_.lookups_) {
      for (Inquiry& inquiry : lookup.inquiries) {
        if (inquiry.stage != Stage::by_udp || inquiry.source_port != event.to_port) continue;
        if (event.from != inquiry.server) return drop(Drop::wrong_server);
        return answered(lookup, inquiry, event.message);
      }
    }
    drop(Drop::stray);
  }

  void on(const TcpReceived& event) {
    const auto [lookup, inquiry] = asked_over_tcp(event.question);
    if (inquiry == nullptr) return drop(Drop::stray);
    Reader in(event.bytes);
    Buffer& received = inquiry->received;
    if (!receive(received, in, 2)) return finish(*lookup, *inquiry, Outcome::too_many);
    if (received.size() < 2) return;
    const std::size_t size = Reader(Bytes(received.data(), 2)).u16();
    if (size > config_.largest_answer) {
      drop(Drop::malformed);
      return try_next(*lookup, *inquiry);
    }
    if (!receive(received, in, 2 + size)) return finish(*lookup, *inquiry, Outcome::too_many);
    if (received.size() < 2 + size) return;
    const Buffer whole = std::move(received);
    answered(*lookup, *inquiry, Bytes(whole.data(), whole.size()).subspan(2));
    // An answer that is not to the question does not become one by waiting, as it may on UDP.
    if (inquiry->stage == Stage::by_tcp) try_next(*lookup, *inquiry);
  }

  void on(const TcpEnded& event) {
    const auto [lookup, inquiry] = asked_over_tcp(event.question);
    if (inquiry == nullptr) return;
    forget_connection(*inquiry);
    try_next(*lookup, *inquiry);
  }

  struct Asked {
    Lookup* lookup = nullptr;
    Inquiry* inquiry = nullptr;
  };
  Asked asked_over_tcp(QueryId question) {
    for (Lookup& lookup : state_.lookups_) {
      for (Inquiry& inquiry : lookup.inquiries) {
        if (inquiry.stage == Stage::by_tcp && inquiry.question == question) return {&lookup, &inquiry};
      }
    }
    return {};
  }

  // Moves bytes until `received` has `size` of them. False if memory is refused.
  bool receive(Buffer& received, Reader& in, std::size_t size) {
    if (received.size() >= size) return true;
    if (received.budget() == nullptr) received = Buffer(budget_);
    return received.reserve(size) && received.append(in.take(std::min(size - received.size(), in.remaining())));
  }

  // A message from the server that was asked, to the port that it was asked from. RFC 5452, section 9.1: what does not
  // match in id and question is dropped and the answer still awaited.
  void answered(Lookup& lookup, Inquiry& inquiry, Bytes message) {
    Reader in(message);
    const auto header = Header::parse(in);
    if (!header || !header->response || header->opcode != 0) return drop(Drop::not_an_answer);
    if (header->id != inquiry.id) {
      drop(Drop::wrong_id);
      if (inquiry.stage == Stage::by_udp && ++inquiry.wrong_ids >= most_wrong_ids) ask_over_tcp(inquiry);
      return;
    }
    if (header->questions != 1) return drop(Drop::wrong_question);
    const auto question = Question::parse(message, in);
    if (!question || *question != Question{inquiry.name, inquiry.type, internet_class}) {
      return drop(Drop::wrong_question);
    }

    // RFC 2181, section 9: "When a DNS client receives a reply with TC set, it should ignore that response, and query
    // again, using a mechanism, such as a TCP connection, that will permit larger replies."
    if (header->truncated && inquiry.stage == Stage::by_udp) return ask_over_tcp(inquiry);
    if (header->code != ResponseCode::no_error && header->code != ResponseCode::name_error) {
      drop(Drop::server_failed);
      return try_next(lookup, inquiry);
    }
    const auto most_aliases =
        static_cast<std::uint8_t>(config_.most_aliases - std::min(config_.most_aliases, inquiry.aliases));
    const auto found = read_answers(message, in, *header, inquiry.name, inquiry.type, most_aliases);
    if (!found) {
      drop(Drop::malformed);
      return try_next(lookup, inquiry);
    }
    inquiry.ttl = std::min(inquiry.ttl, found->ttl);
    if (found->aliases > most_aliases) return finish(lookup, inquiry, Outcome::alias_chain);
    if (!found->addresses.empty()) {
      inquiry.addresses = found->addresses;
      return finish(lookup, inquiry, Outcome::found);
    }
    // RFC 6604, section 3: the code is "set based on the final query cycle", so it is about the end of the chain.
    if (header->code == ResponseCode::name_error) return finish(lookup, inquiry, Outcome::no_such_name);
    // A server that recurses has followed the aliases to where there is no address. Any other leaves that to us.
    if (found->aliases == 0 || header->recursion_available) return finish(lookup, inquiry, Outcome::no_address);
    close(inquiry);
    inquiry.aliases = static_cast<std::uint8_t>(inquiry.aliases + found->aliases);
    inquiry.name = found->end;
    inquiry.attempts = 0;
    inquiry.over_tcp = false;
    become(inquiry, Stage::due);
  }

  void ask_over_tcp(Inquiry& inquiry) {
    inquiry.over_tcp = true;
    become(inquiry, Stage::due);
  }

  // The server that was asked is of no use: the next one, or, when each was asked often enough, none.
  void try_next(Lookup& lookup, Inquiry& inquiry) {
    if (inquiry.attempts >= config_.rounds * state_.servers_.size()) return finish(lookup, inquiry, Outcome::no_answer);
    close(inquiry);
    inquiry.over_tcp = false;
    become(inquiry, Stage::due);
  }

  void finish(Lookup& lookup, Inquiry& inquiry, Outcome outcome) {
    close(inquiry);
    inquiry.outcome = outcome;
    become(inquiry, Stage::done);
    if (outcome == Outcome::found) lookup.until = now_ + config_.other_family;
  }

  void become(Inquiry& inquiry, Stage stage) {
    inquiry.stage = stage;
    inquiry.deadline.reset();
  }

  // Takes one action slot if there is a connection.
  void close(Inquiry& inquiry) {
    if (inquiry.stage != Stage::by_tcp) return;
    actions_.push(CloseTcp{inquiry.question});
    forget_connection(inquiry);
  }

  void forget_connection(Inquiry& inquiry) {
    inquiry.received.release();
    become(inquiry, Stage::due);
  }

  static Resolved result(const Lookup& lookup) {
    Resolved result{.token = lookup.token, .outcome = Outcome::found, .ttl = UINT32_MAX};
    for (const Inquiry& inquiry : lookup.inquiries) {
      if (inquiry.outcome != Outcome::found) continue;
      for (const IpAddress& address : inquiry.addresses) result.addresses.push_back(address);
      result.ttl = std::min(result.ttl, inquiry.ttl);
    }
    if (!result.addresses.empty()) return result;
    result.ttl = 0;
    result.outcome = std::max(lookup.inquiries[0].outcome, lookup.inquiries[1].outcome);
    return result;
  }

  // Asking.

  void send(Inquiry& inquiry) {
    if (!inquiry.over_tcp && state_.servers_.empty()) {
      inquiry.stage = Stage::waiting;
      inquiry.deadline = now_ + config_.patience;
      return;
    }
    // RFC 5452, section 9.2: an id and a source port that cannot be predicted, for every question.
    Byte drawn[6];
    state_.generator_.fill(drawn);
    Reader random{Bytes(drawn)};
    inquiry.id = random.u16();
    inquiry.wrong_ids = 0;
    if (inquiry.over_tcp) {
      inquiry.question = {++state_.last_question_.value};
      inquiry.stage = Stage::by_tcp;
      inquiry.deadline = now_ + config_.tcp_timeout;
      Writer out(room_);
      out.vector16([&] { write_question(out, inquiry); });
      actions_.push(AskOverTcp{inquiry.question, inquiry.server, spend(out)});
    } else {
      const std::size_t servers = state_.servers_.size();
      inquiry.source_port = unused_port(random.u32());
      inquiry.server = endpoint(state_.servers_[inquiry.attempts % servers], server_port);
      inquiry.stage = Stage::by_udp;
      const std::size_t doublings = std::min<std::size_t>(inquiry.attempts / servers, 8);
      inquiry.deadline = now_ + microseconds(config_.first_timeout.microseconds << doublings);
      ++inquiry.attempts;
      Writer out(room_);
      write_question(out, inquiry);
      actions_.push(SendDatagram{inquiry.server, inquiry.source_port, spend(out)});
    }
  }

  // Without EDNS: addresses fit into the 512 bytes of RFC 1035 but for rare names, and TCP is there for them.
  static void write_question(Writer& out, const Inquiry& inquiry) {
    Header{.id = inquiry.id, .recursion_desired = true, .questions = 1}.emit(out);
    Question{.name = inquiry.name, .type = inquiry.type}.emit(out);
  }

  Bytes spend(Writer& out) {
    const Bytes written = out.written();
    room_ = room_.subspan(written.size());
    return written;
  }

  std::uint16_t unused_port(std::uint32_t drawn) const {
    auto port = static_cast<std::uint16_t>(first_port + drawn % (65536 - first_port));
    for (std::size_t taken = 0; taken < 2 * state_.lookups_.size() && state_.listens_at(port); ++taken) {
      port = port == UINT16_MAX ? first_port : static_cast<std::uint16_t>(port + 1);
    }
    return port;
  }

  // Counts saturate: a wrapped one would lie.
  void drop(Drop reason) {
    std::uint32_t& count = state_.drops_[static_cast<std::size_t>(reason)];
    if (count != UINT32_MAX) ++count;
  }

  const Resolver::Config& config_;
  Resolver& state_;
  Budget& budget_;
  Instant now_;
  MutableBytes room_;
  ActionList<Action> actions_;
};

Progress<Resolver::Action> Resolver::advance(const Config& config, Resolver& state, Time now, const Event& event,
                                             const Room<Action>& room) {
  static_assert(least_room.bytes >= 2 + header_size + 255 + 4);
  if (room.bytes.size() < least_room.bytes || room.actions.size() < least_room.actions) {
    return {0, {}, false, Wants::room, state.deadline()};
  }
  if (!state.born_ && !std::holds_alternative<Started>(event)) return {0, {}, false, Wants::entropy, {}};
  return ResolverStep(config, state, now, room).take(event);
}

Wants Resolver::wants() const { return born_ ? Wants::event : Wants::entropy; }

std::optional<Instant> Resolver::deadline() const {
  std::optional<Instant> next;
  const auto consider = [&](const std::optional<Instant>& deadline) {
    if (deadline && (!next || *deadline < *next)) next = deadline;
  };
  for (const Lookup& lookup : lookups_) {
    consider(lookup.until);
    for (const Inquiry& inquiry : lookup.inquiries) consider(inquiry.deadline);
    if (lookup.unfinished()) consider(last_seen_);
  }
  return next;
}

bool Resolver::listens_at(std::uint16_t port, const std::optional<stream::Endpoint>& from) const {
  for (const Lookup& lookup : lookups_) {
    for (const Inquiry& inquiry : lookup.inquiries) {
      if (inquiry.stage != Inquiry::Stage::by_udp || inquiry.source_port != port) continue;
      if (!from || *from == inquiry.server) return true;
    }
  }
  return false;
}

void Resolver::describe(Writer& out) const {
  out.decimal(lookups_.size());
  out.text(" look-ups, ");
  out.decimal(servers_.size());
  out.text(" servers");
}

}  // namespace limpid::tcpip::dns

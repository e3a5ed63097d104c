// A stub resolver (RFC 1034, section 5.3.1), as a machine: it asks recursive servers for the addresses of names, over
// UDP, and over TCP if an answer was cut.
//
// Whoever is not on the path has to guess the id and the source port of the question, both drawn anew for every
// datagram (RFC 5452). There is no cache: the server that is asked has one, connections outlive look-ups here, and what
// is not kept cannot be poisoned.
#pragma once

#include <array>

#include "limpid/core/machine.hpp"
#include "limpid/crypto/generator.hpp"
#include "limpid/tcpip/dns/message.hpp"
#include "limpid/tcpip/wire/address.hpp"

namespace limpid::tcpip::dns {

inline constexpr std::size_t most_servers = 4;
inline constexpr std::size_t most_addresses = 16;  // of one look-up

using ServerList = InlineList<IpAddress, most_servers>;
using AddressList = InlineList<IpAddress, most_addresses>;

// Event: the first, with fresh entropy. Told again (after a snapshot was loaded), it only mixes the entropy in.
struct Started {
  std::array<Byte, 32> entropy{};
  static void fields(auto& self, auto&& visit) { visit(self.entropy); }
};

// Event: the servers to ask from now on, the best first. Questions under way to others go on.
struct Servers {
  ServerList list;
  static void fields(auto& self, auto&& visit) { visit(self.list); }
};

enum class Family : std::uint8_t { any, ipv4, ipv6 };
constexpr bool is_valid(Family family) { return family <= Family::ipv6; }

// Event: look up a host's name. Exactly one Resolved with this token will follow, unless Cancel does.
struct Resolve {
  std::uint32_t token = 0;
  std::string_view name;
  Family family = Family::any;
  static void fields(auto& self, auto&& visit) { visit(self.token, self.name, self.family); }
};

// Event: nobody waits any longer for the look-ups with this token.
struct Cancel {
  std::uint32_t token = 0;
  static void fields(auto& self, auto&& visit) { visit(self.token); }
};

// Event: a UDP datagram arrived at a port that this machine listens at.
struct Datagram {
  stream::Endpoint from;
  std::uint16_t to_port = 0;
  Bytes message;
  static void fields(auto& self, auto&& visit) { visit(self.from, self.to_port, self.message); }
};

// Event: more of the stream that AskOverTcp opened.
struct TcpReceived {
  QueryId question;
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.question, self.bytes); }
};

// Event: that connection was not established, or it has ended.
struct TcpEnded {
  QueryId question;
  static void fields(auto& self, auto&& visit) { visit(self.question); }
};

// Action: send this UDP payload. Until further notice listens_at(source_port).
struct SendDatagram {
  stream::Endpoint server;
  std::uint16_t source_port = 0;
  Bytes message;  // in the room
  static void fields(auto& self, auto&& visit) { visit(self.server, self.source_port, self.message); }
};

// Action: connect to the server and write these bytes. CloseTcp follows, unless TcpEnded comes first.
struct AskOverTcp {
  QueryId question;
  stream::Endpoint server;
  Bytes bytes;  // in the room; the message behind its length (RFC 1035, section 4.2.2)
  static void fields(auto& self, auto&& visit) { visit(self.question, self.server, self.bytes); }
};

// Action: drop that connection.
struct CloseTcp {
  QueryId question;
  static void fields(auto& self, auto&& visit) { visit(self.question); }
};

// Of two, for both families say, the later one tells more.
enum class Outcome : std::uint8_t {
  found,
  no_address,    // the name exists, but has no address of the family
  no_answer,     // no server answered usably
  alias_chain,   // aliases that lead to no end
  no_server,     // none was configured in time
  no_such_name,  // the server says that the name does not exist
  not_a_name,    // the text is no host's name
  too_many,      // look-ups at once, or memory was refused
};
constexpr bool is_valid(Outcome outcome) { return outcome <= Outcome::too_many; }
std::string_view describe(Outcome outcome);

// Action: a look-up is over. IPv6 addresses stand first. The list is empty unless `found`.
struct Resolved {
  std::uint32_t token = 0;
  Outcome outcome{};
  AddressList addresses{};
  std::uint32_t ttl = 0;  // seconds: the least of all records that led there
  static void fields(auto& self, auto&& visit) { visit(self.token, self.outcome, self.addresses, self.ttl); }
};

// Why an answer was dropped.
enum class Drop : std::uint8_t {
  stray,         // no question is open at that port
  wrong_server,  // not from the address and port that was asked
  wrong_id,
  not_an_answer,   // QR or OPCODE
  wrong_question,  // does not repeat the question
  malformed,       // what follows does not parse; the server counts as failed
  server_failed,   // a response code other than NOERROR and NXDOMAIN; the next one is asked
};
inline constexpr std::size_t drop_reasons = 7;
std::string_view name(Drop reason);

class Resolver {
 public:
  struct Config {
    Duration first_timeout = seconds(1);  // for an answer by UDP; doubled when every server was asked
    std::uint8_t rounds = 3;              // so often is every server asked
    Duration tcp_timeout = seconds(5);    // for an answer by TCP
    // When the addresses of one family are found, the other family's are awaited no longer than this (RFC 8305's
    // Resolution Delay).
    Duration other_family = milliseconds(250);
    Duration patience = seconds(15);      // of a look-up while there is no server
    std::uint16_t most_lookups = 16;      // at once
    std::uint16_t largest_answer = 8192;  // by TCP; one that is longer counts as a failure
    std::uint8_t most_aliases = 8;        // CNAME records on the way to an address
    static void fields(auto& self, auto&& visit) {
      visit(self.first_timeout, self.rounds, self.tcp_timeout, self.other_family, self.patience, self.most_lookups,
            self.largest_answer, self.most_aliases);
    }
  };

  using Event = std::variant<Tick, Started, Servers, Resolve, Cancel, Datagram, TcpReceived, TcpEnded>;
  using Action = std::variant<SendDatagram, AskOverTcp, CloseTcp, Resolved>;

  static constexpr LeastRoom least_room{.bytes = 273, .actions = 4, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"dnsr", 1};
  static const std::size_t max_footprint;  // bytes owned with the default limits

  // Before Started nothing else is consumed. One event may begin more than the room holds; `more` says so, and nothing
  // is lost.
  static Progress<Action> advance(const Config& config, Resolver& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<std::variant<std::monostate>> pending() const { return {}; }
  Wants wants() const;
  // Not later than the last step where that one ended for want of room.
  std::optional<Instant> deadline() const;

  // Whether a question awaits its answer at this UDP port, from the server at `from` if that is given: to anybody else
  // the port had better look as if nobody had it (as in CVE-2020-25705, where it was looked for).
  bool listens_at(std::uint16_t port, const std::optional<stream::Endpoint>& from = {}) const;
  bool idle() const { return lookups_.empty(); }
  std::uint32_t dropped(Drop reason) const { return drops_[static_cast<std::size_t>(reason)]; }

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) {
    visit(self.generator_, self.born_, self.servers_, self.lookups_, self.last_question_, self.drops_, self.last_seen_);
  }

 private:
  // One type's records of one look-up.
  struct Inquiry {
    enum class Stage : std::uint8_t {
      due,      // to be sent
      waiting,  // for a server to be configured
      by_udp,
      by_tcp,
      done,
    };
    friend constexpr bool is_valid(Stage which) { return which <= Stage::done; }
    RecordType type = RecordType::a;
    Stage stage = Stage::done;
    Name name;                   // asked for: the look-up's, or where aliases led
    std::uint8_t aliases = 0;    // followed
    std::uint16_t attempts = 0;  // by UDP, with this name
    std::uint8_t wrong_ids = 0;  // in answers to this attempt
    bool over_tcp = false;       // the next attempt
    stream::Endpoint server;     // asked
    std::uint16_t id = 0, source_port = 0;
    QueryId question;  // by TCP
    Buffer received;   // by TCP
    std::optional<Instant> deadline;
    Outcome outcome = Outcome::no_address;
    AddressList addresses;
    std::uint32_t ttl = UINT32_MAX;
    static void fields(auto& self, auto&& visit) {
      visit(self.type, self.stage, self.name, self.aliases, self.attempts, self.wrong_ids, self.over_tcp, self.server,
            self.id, self.source_port, self.question, self.received, self.deadline, self.outcome, self.addresses,
            self.ttl);
    }
    bool restored(const LoadContext& context) const;
  };
  struct Lookup {
    std::uint32_t token = 0;
    bool cancelled = false;
    std::array<Inquiry, 2> inquiries{};  // for AAAA and for A; one that was not asked for is done
    std::optional<Instant> until{};      // what is not done then is given up
    bool done() const;
    bool unfinished() const;  // something is to be said now
    static void fields(auto& self, auto&& visit) { visit(self.token, self.cancelled, self.inquiries, self.until); }
  };

  friend class ResolverStep;

  crypto::Generator generator_;
  bool born_ = false;
  ServerList servers_;
  Vec<Lookup> lookups_;
  QueryId last_question_;
  std::array<std::uint32_t, drop_reasons> drops_{};
  Instant last_seen_;
};

// The table while it grows, and an answer of each inquiry by TCP.
inline constexpr std::size_t Resolver::max_footprint =
    Config{}.most_lookups * (2 * sizeof(Lookup) + 2 * (Config{}.largest_answer + 4u));

}  // namespace limpid::tcpip::dns

// A DHCPv4 client for one Ethernet interface (RFC 2131), as a machine: it acquires an address, keeps it by renewing and
// rebinding, and says when it is lost. Identifies itself by RFC 4361's client identifier, with a DUID made of the
// hardware address.
//
// The owner sends what it asks for from UDP port 68 to port 67, hands it what arrives at port 68 in IPv4 datagrams to
// the link's broadcast address or to its own, and does what Leased and Lost say. Before there is an address all replies
// are asked to be broadcast, so the layers below need not receive for an address that they do not have.
#pragma once

#include <array>

#include "limpid/core/frame.hpp"
#include "limpid/core/machine.hpp"
#include "limpid/crypto/generator.hpp"
#include "limpid/tcpip/dhcp/message.hpp"

namespace limpid::tcpip::dhcp {

// Event: the first, with fresh entropy. Told again (after a snapshot was loaded), it only mixes the entropy in.
struct Started {
  std::array<Byte, 32> entropy{};
  MacAddress mac;
  static void fields(auto& self, auto&& visit) { visit(self.entropy, self.mac); }
};

// Event: the payload of a UDP datagram to port 68.
struct Received {
  Bytes message;
  static void fields(auto& self, auto&& visit) { visit(self.message); }
};

// Event: the hardware address is this, perhaps another one than before. To be told before the LinkChanged that says
// that the link is up.
struct HardwareAddress {
  MacAddress mac;
  static void fields(auto& self, auto&& visit) { visit(self.mac); }
};

// Event: somebody else uses the address of the lease (RFC 5227).
struct AddressConflict {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Action: send this UDP payload from port 68 of `source` (0.0.0.0 before there is a lease) to port 67 of `destination`
// (255.255.255.255, or the server that the lease is of).
struct Send {
  Bytes message;  // in the room
  IpAddress source, destination;
  static void fields(auto& self, auto&& visit) { visit(self.message, self.source, self.destination); }
};

// What a server granted, checked: usable without further thought.
struct Lease {
  struct Times {
    Instant renew, rebind, expire;  // T1 < T2 < the end
    friend bool operator==(const Times&, const Times&) = default;
    static void fields(auto& self, auto&& visit) { visit(self.renew, self.rebind, self.expire); }
  };
  Cidr address;
  std::optional<IpAddress> gateway;  // on the link
  InlineList<IpAddress, 4> dns_servers;
  std::uint16_t mtu = 0;  // 576 or more; 0: the server said nothing usable. The device's may be less.
  IpAddress server;
  std::optional<Times> times;  // none: for ever
  friend bool operator==(const Lease&, const Lease&) = default;
  static void fields(auto& self, auto&& visit) {
    visit(self.address, self.gateway, self.dns_servers, self.mtu, self.server, self.times);
  }
  bool restored(const LoadContext&) const;
};

// Action: the lease is granted, or extended; then what comes with it may have changed, but never the address.
struct Leased {
  Lease lease;
  static void fields(auto& self, auto&& visit) { visit(self.lease); }
};

enum class LossReason : std::uint8_t {
  expired,
  refused,  // DHCPNAK
  conflict,
  hardware_address,  // it was granted to another one
};
constexpr bool is_valid(LossReason reason) { return reason <= LossReason::hardware_address; }

// Action: the address must not be used from now on.
struct Lost {
  LossReason why = LossReason::expired;
  static void fields(auto& self, auto&& visit) { visit(self.why); }
};

// Why a message was dropped.
enum class Drop : std::uint8_t {
  malformed,  // see MessageFault
  not_a_reply,
  unexpected,         // of a type that nothing was asked for
  wrong_transaction,  // xid
  wrong_hardware_address,
  wrong_identifier,  // RFC 6842: a client identifier that is not ours
  wrong_server,      // not the one that was asked
  no_server,         // no server identifier, or one that is no host's address
  bad_address,       // that no host can have, or not the one that was offered
  bad_subnet_mask,
  bad_lease_time,  // none, or shorter than 10 s
};
constexpr std::size_t drop_reasons = 11;
std::string_view name(Drop reason);

class Client {
 public:
  struct Config {
    Duration first_timeout = seconds(4);  // RFC 2131, section 4.1: doubled each time, a second more or less at random
    Duration most_timeout = seconds(64);
    std::uint8_t request_retries = 4;  // then all begins anew (section 3.1, 5)
    Duration decline_wait = seconds(10);
    Duration least_retry = seconds(60);  // while renewing and rebinding (section 4.4.5)
    static void fields(auto& self, auto&& visit) {
      visit(self.first_timeout, self.most_timeout, self.request_retries, self.decline_wait, self.least_retry);
    }
  };

  using Event = std::variant<Tick, Started, LinkChanged, Received, AddressConflict, HardwareAddress>;
  using Action = std::variant<Send, Leased, Lost>;

  static constexpr LeastRoom least_room{.bytes = largest_emitted, .actions = 4, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"dhcp", 1};
  static constexpr std::size_t max_footprint = 0;

  // Before Started nothing else is consumed. The link is down until LinkChanged says that it is up. A step sends at
  // most one message. The first offer that is acceptable is taken: waiting for others would delay every start for a
  // choice that nobody configured. Nor does it wait before the first DHCPDISCOVER (section 4.4.1 would have 1 to 10 s,
  // against crowds after a power failure).
  //
  // A lease outlives its link: when the link is back, it is verified as after a reboot (section 3.2) and kept
  // meanwhile. Not so if the hardware address is another one by then: it is lost, and all begins anew.
  static Progress<Action> advance(const Config& config, Client& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<std::variant<std::monostate>> pending() const { return {}; }
  Wants wants() const;
  std::optional<Instant> deadline() const;

  // Which it was told last.
  const MacAddress& hardware_address() const { return mac_; }
  // The lease in force, if there is one.
  const std::optional<Lease>& lease() const { return lease_; }
  std::uint32_t dropped(Drop reason) const { return drops_[static_cast<std::size_t>(reason)]; }

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) {
    visit(self.generator_, self.mac_, self.phase_, self.lease_, self.began_, self.restarts_, self.previous_,
          self.drops_, self.last_seen_);
  }
  bool restored(const LoadContext& context) const;

 private:
  // A message that is sent again until it is answered.
  struct Exchange {
    std::uint32_t xid = 0;
    std::uint16_t secs = 0;
    std::uint8_t sent = 0;  // times; saturates
    Instant again;
    static void fields(auto& self, auto&& visit) { visit(self.xid, self.secs, self.sent, self.again); }
  };

  // RFC 2131, figure 5. INIT is left in the step in which it is entered.
  struct Unborn {
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct LinkDown {  // perhaps with a lease
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct Waiting {  // before it begins anew
    Instant until;
    static void fields(auto& self, auto&& visit) { visit(self.until); }
  };
  struct Selecting {
    Exchange exchange;
    static void fields(auto& self, auto&& visit) { visit(self.exchange); }
  };
  struct Requesting {
    Exchange exchange;
    IpAddress address, server;  // that were offered
    static void fields(auto& self, auto&& visit) { visit(self.exchange, self.address, self.server); }
  };
  struct Bound {  // with a lease
    static void fields(auto&, auto&& visit) { visit(); }
  };
  struct Extending {  // the lease
    enum class Way : std::uint8_t { rebooting, renewing, rebinding };
    friend constexpr bool is_valid(Way which) { return which <= Way::rebinding; }
    Exchange exchange;
    Way way = Way::rebooting;
    static void fields(auto& self, auto&& visit) { visit(self.exchange, self.way); }
  };

  friend class ClientStep;

  crypto::Generator generator_;
  MacAddress mac_;
  std::variant<Unborn, LinkDown, Waiting, Selecting, Requesting, Bound, Extending> phase_;
  std::optional<Lease> lease_;
  Instant began_;                      // of what is going on, for the field `secs`
  std::uint8_t restarts_ = 0;          // since the last lease
  std::optional<IpAddress> previous_;  // that it had, and asks for again
  std::array<std::uint32_t, drop_reasons> drops_{};
  Instant last_seen_;
};

}  // namespace limpid::tcpip::dhcp

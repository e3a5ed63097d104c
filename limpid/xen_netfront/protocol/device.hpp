// A virtual network device: netfront, as a machine. It negotiates with the backend over xenstore, hands out pages of a
// pool, fills and reads the rings' slots, and goes through all of that again when the backend closes or comes back.
//
// It sees no shared memory. Whoever drives it
//   - owns the pool: Device::pages(config) pages, numbered from 0, zeroed, used for nothing else;
//   - carries the actions of a step out in order, copies included, before it makes the next: so what a host answers to
//   a
//     frame that arrived comes in a step of its own, afterwards;
//   - while rings_open(), copies responses out of the rings, each once, and offers them with the index of the first of
//   them:
//     from transmit_consumer() or receive_consumer() on, with the producer index that was read before them. When the
//     step is over it looks at the producer again; before it waits it sets the event index to consumer + 1 in each ring
//     for which awaits_receive() or awaits_transmit() holds, looks once more, and waits if nothing is new
//     (RING_FINAL_CHECK_FOR_RESPONSES);
//   - notifies the backend after what it pushed, if must_notify() says so; once for a batch will do;
//   - sends a host no Flush while can_transmit() is false; when that comes in the middle of what a Flush brought, it
//     notifies the backend and takes transmit responses before it goes on. What does not fit is dropped, and counted.
//
// Everything sent is copied into pages of the pool, everything received out of them, and grants last as long as the
// connection. So the backend, which sees whole pages, sees nothing but frames, and no machine reads what the backend
// can still write; what Transmit lends is given back in the step that takes it.
#pragma once

#include <array>

#include "limpid/core/frame.hpp"
#include "limpid/core/machine.hpp"
#include "limpid/xen_netfront/protocol/netif.hpp"
#include "limpid/xen_netfront/protocol/ring.hpp"
#include "limpid/xen_netfront/protocol/xenstore_client.hpp"

namespace limpid::xen_netfront {

// Events, besides Tick, xenstore::Answer, xenstore::Fired and Transmit.

// The first.
struct Started {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Answers AllocatePort.
struct PortAllocated {
  bool ok = false;
  std::uint32_t port = 0;
  static void fields(auto& self, auto&& visit) { visit(self.ok, self.port); }
};

// Answers Revoke. `ended` is false if the backend has the page mapped: then it keeps it.
struct Revoked {
  std::uint16_t page = 0;
  bool ended = false;
  static void fields(auto& self, auto&& visit) { visit(self.page, self.ended); }
};

inline constexpr std::size_t most_responses = 64;  // of a batch

struct TransmitResponses {
  std::uint32_t producer = 0;  // as read from the ring
  std::uint32_t first = 0;     // index of the first slot here
  InlineList<netif::TransmitResponseSlot, most_responses> slots;
  static void fields(auto& self, auto&& visit) { visit(self.producer, self.first, self.slots); }
};

struct ReceiveResponses {
  std::uint32_t producer = 0;
  std::uint32_t first = 0;
  InlineList<netif::ReceiveResponseSlot, most_responses> slots;
  static void fields(auto& self, auto&& visit) { visit(self.producer, self.first, self.slots); }
};

// The guest is about to shut down: close the connection, and connect no more.
struct Stop {
  static void fields(auto&, auto&& visit) { visit(); }
};

// Actions, besides xenstore::Request, xenstore::Publish, TransmitDone and LinkChanged. Tokens of the requests are below
// 2^24; whoever shares the store's client with the device uses others.

// Put these slots into the transmit ring from index `first` on, then publish first + slots.size(). Before that, copy
// the frame, which is `header` and then `payload`, into `pages`: 4096 bytes into each, the rest into the last
// (for_each_copy).
struct PushTransmit {
  std::uint32_t first = 0;
  InlineList<netif::TransmitRequestSlot, netif::most_slots> slots;
  InlineList<std::uint16_t, netif::most_slots> pages;
  Bytes header;
  InlineList<Bytes, Transmit::most_pieces> payload;
  static void fields(auto& self, auto&& visit) { visit(self.first, self.slots, self.pages, self.header, self.payload); }
};

// Calls copy(page, offset, bytes) for every piece of the frame.
template <class Copy>
void for_each_copy(const PushTransmit& push, Copy&& copy) {
  std::size_t at = 0;
  const auto piece = [&](Bytes bytes) {
    while (!bytes.empty()) {
      const std::size_t offset = at % page_size;
      const std::size_t count = std::min(bytes.size(), page_size - offset);
      copy(push.pages[at / page_size], offset, bytes.first(count));
      bytes = bytes.subspan(count);
      at += count;
    }
  };
  piece(push.header);
  for (const Bytes bytes : push.payload) piece(bytes);
}

// Put these slots into the receive ring, then publish first + slots.size().
struct PushReceive {
  std::uint32_t first = 0;
  InlineList<netif::ReceiveRequestSlot, most_responses> slots;
  static void fields(auto& self, auto&& visit) { visit(self.first, self.slots); }
};

// A frame came in: these pieces of pages, in order. Copy them into one buffer and tell the host so (FrameReceived).
// There are 14 to largest_frame bytes.
struct FrameArrived {
  struct Piece {
    std::uint16_t page = 0, offset = 0, size = 0;
    friend bool operator==(const Piece&, const Piece&) = default;
    static void fields(auto& self, auto&& visit) { visit(self.page, self.offset, self.size); }
  };
  InlineList<Piece, netif::most_slots> pieces;
  ReceiveOffload offload;
  static void fields(auto& self, auto&& visit) { visit(self.pieces, self.offload); }
};

// Make rings of these pages: zeros, but 1 for both event indices (req_event, rsp_event) of each. All indices begin at
// 0.
struct ResetRings {
  std::uint16_t transmit_page = 0, receive_page = 0;
  static void fields(auto& self, auto&& visit) { visit(self.transmit_page, self.receive_page); }
};

// Allocate an unbound event channel for this domain; PortAllocated follows.
struct AllocatePort {
  std::uint16_t domain = 0;
  static void fields(auto& self, auto&& visit) { visit(self.domain); }
};

struct ClosePort {
  std::uint32_t port = 0;
  static void fields(auto& self, auto&& visit) { visit(self.port); }
};

// Let the domain have the page under this reference.
struct Grant {
  std::uint16_t page = 0;
  std::uint32_t reference = 0;
  std::uint16_t domain = 0;
  bool read_only = false;
  static void fields(auto& self, auto&& visit) { visit(self.page, self.reference, self.domain, self.read_only); }
};

// Take it back, unless it is in use; Revoked follows.
struct Revoke {
  std::uint16_t page = 0;
  std::uint32_t reference = 0;
  static void fields(auto& self, auto&& visit) { visit(self.page, self.reference); }
};

// Action: for a log.
enum class Fact : std::uint8_t {
  no_device,         // xenstore has no backend for the path; it may come later
  unusable_entries,  // xenstore's entries for the device are not what they must be
  backend_found,
  published,
  connected,
  publication_failed,  // the store, or the hypervisor, refused what connecting takes
  backend_left,        // it closed the connection, or is gone
  backend_misbehaved,  // see Fault; the connection is closed
  too_few_pages,       // the backend keeps so many that none are left to connect with
};
constexpr bool is_valid(Fact fact) { return fact <= Fact::too_few_pages; }
std::string_view describe(Fact fact);
struct Report {
  Fact fact{};
  static void fields(auto& self, auto&& visit) { visit(self.fact); }
};

// Why a frame was dropped.
enum class Drop : std::uint8_t {
  not_connected,
  transmit_full,     // no slots or pages are free
  transmit_short,    // less than an Ethernet header; netback takes the device away for it
  transmit_long,     // more than 65535 bytes
  transmit_offload,  // asks for what the backend did not offer
  transmit_refused,  // the backend answered that it dropped it
  receive_error,     // the backend says that it failed
  receive_bad_slot,  // reaches out of its page
  receive_many_slots,
  receive_bad_extra,  // an extra-info slot that means nothing
  receive_short,      // less than an Ethernet header
};
inline constexpr std::size_t drop_reasons = 11;
std::string_view name(Drop reason);

// What a backend did that cannot be: the connection is closed for it.
enum class Fault : std::uint8_t {
  transmit_producer,  // ran backwards, or answered more than was asked
  transmit_id,        // of no frame that is under way
  receive_producer,
  receive_id,  // not of the request in whose place it stands
};
inline constexpr std::size_t fault_kinds = 4;
std::string_view name(Fault fault);

// What the backend offered, and the configuration agrees to.
struct Features {
  bool scatter_gather = false;  // without it no frame is longer than a page
  bool checksum_ipv4 = false, checksum_ipv6 = false;
  bool segmentation_ipv4 = false, segmentation_ipv6 = false;
  friend bool operator==(const Features&, const Features&) = default;
  static void fields(auto& self, auto&& visit) {
    visit(self.scatter_gather, self.checksum_ipv4, self.checksum_ipv6, self.segmentation_ipv4, self.segmentation_ipv6);
  }
};

class Device {
 public:
  struct Config {
    InlineBytes<32> path{'d', 'e', 'v', 'i', 'c', 'e', '/', 'v', 'i', 'f', '/', '0'};  // in xenstore
    std::uint32_t first_reference = 8;  // page p is granted under first_reference + p
    std::uint16_t receive_pages = 256;  // least_pages to 256 each
    std::uint16_t transmit_pages = 256;
    bool offloads = true;  // false: neither checksums nor segmentation are offered or used
    static void fields(auto& self, auto&& visit) {
      visit(self.path, self.first_reference, self.receive_pages, self.transmit_pages, self.offloads);
    }
  };

  using Event = std::variant<Tick, Started, xenstore::Answer, xenstore::Fired, PortAllocated, Revoked,
                             TransmitResponses, ReceiveResponses, Transmit, Stop>;
  using Action = std::variant<PushTransmit, PushReceive, FrameArrived, TransmitDone, LinkChanged, ResetRings, Grant,
                              Revoke, AllocatePort, ClosePort, xenstore::Request, xenstore::Publish, Report>;

  static constexpr std::uint16_t least_pages = 18;  // for the largest packet
  static constexpr std::size_t most_pages = 2 + 2 * ring_slots;
  static constexpr std::size_t largest_frame = netif::most_slots * page_size;  // that can arrive
  static constexpr LeastRoom least_room{.bytes = 1024, .actions = 16, .input = 1};
  static constexpr SnapshotKind snapshot_kind{"nfrt", 1};
  static constexpr std::size_t max_footprint = 0;

  Device() = default;
  Device(Device&&) = default;  // two live copies would both own the rings
  Device& operator=(Device&&) = default;

  // Two for the rings.
  static constexpr std::size_t pages(const Config& config) {
    return 2u + clamped(config.receive_pages) + clamped(config.transmit_pages);
  }

  // A step takes a batch of responses whole, or says `more`; the batch is then offered again as it was.
  static Progress<Action> advance(const Config& config, Device& state, Time now, const Event& event,
                                  const Room<Action>& room);

  std::optional<std::variant<std::monostate>> pending() const { return {}; }
  std::optional<Instant> deadline() const { return {}; }

  bool connected() const { return phase_ == Phase::connected; }
  // Whether there are rings to look into.
  bool rings_open() const { return phase_ >= Phase::preparing && phase_ <= Phase::connected; }
  bool stopped() const { return stopping_ && phase_ == Phase::absent; }
  // Whether any frame at all could be sent now.
  bool can_transmit() const;
  // Whether the next response gives something to do. One to what was sent does not, unless the room is wanted that it
  // frees: till then the backend need not even say that it has responded.
  bool awaits_receive() const { return rings_open(); }
  bool awaits_transmit() const { return rings_open() && !can_transmit(); }
  std::uint32_t transmit_consumer() const { return transmit_consumer_; }
  std::uint32_t receive_consumer() const { return receive_consumer_; }
  // Of the rings that the last ResetRings made.
  std::uint32_t transmit_producer() const { return transmit_producer_; }
  std::uint32_t receive_producer() const { return receive_producer_; }
  std::optional<std::uint32_t> port() const { return port_; }

  // Known from the first connection on.
  const std::array<Byte, 6>& mac() const { return mac_; }
  std::uint16_t mtu() const { return mtu_; }
  const Features& features() const { return features_; }

  std::uint32_t dropped(Drop reason) const { return drops_[static_cast<std::size_t>(reason)]; }
  std::uint32_t faults(Fault kind) const { return faults_[static_cast<std::size_t>(kind)]; }
  std::size_t quarantined() const;  // pages that a backend did not give back
  std::uint32_t connections() const { return connections_; }
  // For reports: visit(group, name, value) for every counter.
  template <class Visit>
  void report(Visit&& visit) const;

  // Where it stands, in words for a person.
  void describe(Writer& out) const;

  static void fields(auto& self, auto&& visit) {
    visit(self.phase_, self.pool_, self.stopping_, self.given_up_, self.epoch_, self.entries_good_, self.backend_,
          self.watched_, self.watch_epoch_, self.domain_, self.mac_, self.mtu_, self.features_, self.backend_state_,
          self.online_, self.offers_, self.revived_, self.backend_asked_, self.ask_again_, self.cursor_,
          self.revocations_, self.port_, self.uses_, self.granted_, self.answered_, self.transmit_free_,
          self.receive_free_, self.transmit_producer_, self.transmit_consumer_, self.receive_producer_,
          self.receive_consumer_, self.posted_, self.arriving_, self.drops_, self.faults_, self.connections_);
  }
  bool restored(const LoadContext& context) const;

 private:
  static constexpr std::size_t clamped(std::uint16_t pages_wanted) {
    return std::clamp<std::size_t>(pages_wanted, least_pages, ring_slots);
  }

  enum class Phase : std::uint8_t {
    unborn,
    absent,      // waits for entries of the device to appear
    seeking,     // reads them
    waiting,     // for the backend to be in InitWait
    preparing,   // grants pages, has a port allocated
    publishing,  // tells the backend of them
    confirming,  // waits for the backend to be Connected
    connected,
    closing,   // waits for the backend to let go
    revoking,  // takes pages back
  };
  friend constexpr bool is_valid(Phase phase) { return phase <= Phase::revoking; }

  // What a page is used for.
  enum class Use : std::uint8_t {
    none,
    transmit_ring,
    receive_ring,
    transmit_free,
    transmit_busy,  // until its response
    receive_free,
    receive_posted,
    receive_held,  // of a packet that is not all there
    quarantined,
  };
  friend constexpr bool is_valid(Use use) { return use <= Use::quarantined; }

  // A packet of which slots came, perhaps not all.
  struct Arriving {
    InlineList<FrameArrived::Piece, netif::most_slots> pieces;
    ReceiveOffload offload;
    std::uint8_t slots = 0;  // of data, empty ones, too
    bool begun = false;
    bool more = false;   // slots follow
    bool extra = false;  // the next slot is extra info
    bool dropped = false;
    static void fields(auto& self, auto&& visit) {
      visit(self.pieces, self.offload, self.slots, self.begun, self.more, self.extra, self.dropped);
    }
  };

  // The last one freed is the next one used: it may still be in a cache.
  class PageStack {
   public:
    void push(std::uint16_t page) { pages_[count_++] = page; }
    std::uint16_t pop() { return std::exchange(pages_[--count_], std::uint16_t{0}); }
    std::size_t size() const { return count_; }
    bool empty() const { return count_ == 0; }
    std::uint16_t operator[](std::size_t i) const { return pages_[i]; }
    static void fields(auto& self, auto&& visit) { visit(self.count_, self.pages_); }
    bool restored(const LoadContext&) const {
      return count_ <= ring_slots && std::count(pages_.begin() + count_, pages_.end(), 0) == ring_slots - count_;
    }

   private:
    std::array<std::uint16_t, ring_slots> pages_{};
    std::uint16_t count_ = 0;
  };

  friend class DeviceStep;

  Phase phase_ = Phase::unborn;
  std::uint16_t pool_ = 0;  // its size, once started
  bool stopping_ = false;
  bool given_up_ = false;          // what failed would fail again: wait for other entries
  std::uint16_t epoch_ = 0;        // of the search for entries: answers to earlier ones are stale
  bool entries_good_ = false;      // so far
  InlineBytes<64> backend_;        // its path
  InlineBytes<64> watched_;        // the backend's path whose state is watched
  std::uint16_t watch_epoch_ = 0;  // when that began
  std::uint16_t domain_ = 0;       // the backend's
  std::array<Byte, 6> mac_{};
  std::uint16_t mtu_ = 1500;
  Features features_;
  // What the backend says, read together.
  std::uint8_t backend_state_ = 0;
  bool online_ = false;
  Features offers_;
  bool revived_ = false;        // our state was set back for this backend
  bool backend_asked_ = false;  // answers are awaited
  bool ask_again_ = false;      // it changed meanwhile

  std::uint16_t cursor_ = 0;       // the next page to grant or to revoke
  std::uint16_t revocations_ = 0;  // awaited
  std::optional<std::uint32_t> port_;
  std::array<Use, most_pages> uses_{};
  std::array<bool, most_pages> granted_{};
  std::array<bool, most_pages> answered_{};  // by Revoked, this time
  PageStack transmit_free_, receive_free_;

  std::uint32_t transmit_producer_ = 0, transmit_consumer_ = 0;
  std::uint32_t receive_producer_ = 0, receive_consumer_ = 0;
  std::array<std::uint16_t, ring_slots> posted_{};  // the page at each place of the receive ring
  Arriving arriving_;

  std::array<std::uint32_t, drop_reasons> drops_{};
  std::array<std::uint32_t, fault_kinds> faults_{};
  std::uint32_t connections_ = 0;
};

template <class Visit>
void Device::report(Visit&& visit) const {
  visit("network", "connections", connections_);
  visit("network", "quarantined_pages", quarantined());
  for (std::size_t i = 0; i < drop_reasons; ++i) visit("dropped_by_network", name(static_cast<Drop>(i)), drops_[i]);
  for (std::size_t i = 0; i < fault_kinds; ++i) visit("backend_faults", name(static_cast<Fault>(i)), faults_[i]);
}

}  // namespace limpid::xen_netfront

// A model of what a guest's network device talks to: pages that it grants, the hypervisor's part, and Linux's netback,
// with its rules for what a frontend may write into the transmit ring. Breaking one of those that cost a guest its
// device ends the model, too: broken() says which.
//
// It can be hostile: everything that stands in shared memory or in xenstore may be anything at any time (Mischief).
#pragma once

#include "limpid/core/frame.hpp"
#include "limpid/sim/dice.hpp"
#include "limpid/sim/xenstore.hpp"
#include "limpid/xen_netfront/protocol/netif.hpp"
#include "limpid/xen_netfront/protocol/ring.hpp"

namespace limpid::sim {

// What Linux's netback takes the device away for (drivers/net/xen-netback/netback.c), and what it would find if the
// frontend's pages were not what it says.
enum class Broken : std::uint8_t {
  nothing,
  impossible_producer,
  crosses_page,
  too_many_slots,
  larger_than_frame,  // a slot, or all of them
  frame_short,
  missing_extra,
  bad_extra,
  gso_size_zero,
  gso_type,
  missing_slots,  // the packet ends before its slots do
  bad_grant,      // not granted, or not for that
};
std::string_view name(Broken broken);

enum class Mischief : std::uint8_t {
  transmit_id,
  transmit_null,  // all answers say nothing
  transmit_producer_back,
  transmit_producer_far,
  receive_id,
  receive_producer_back,
  receive_producer_far,
  receive_offset,
  receive_error,
  receive_endless,  // slots that never end
  receive_extra,    // of no known type
  receive_gso,      // of size 0
  receive_short,
  any_state,     // the backend's state becomes anything
  entries_lost,  // and come back
};
inline constexpr std::size_t mischiefs = 15;

class Netback {
 public:
  static constexpr std::string_view frontend_path = "/local/domain/5/device/vif/0";
  static constexpr std::string_view backend_path = "/local/domain/0/backend/vif/5/0";
  static constexpr std::uint16_t guest = 5;

  // A pool of so many pages for the guest's device. Budget and store outlive it; the budget must hold the pool.
  Netback(std::size_t pages, Xenstore& store, Budget& budget, std::uint64_t seed = 1);

  struct Offers {
    bool scatter_gather = true, segmentation = true, checksum_ipv6 = true;
    std::string_view mac = "00:16:3e:01:02:03";
    std::string_view mtu{};  // written when it is about to be Connected, as hotplug scripts do; if empty, not at all
  };
  // What the toolstack and the driver in the backend's domain write; the device is there and the backend in InitWait.
  bool create(const Offers& offers);
  bool create() { return create(Offers()); }
  void detach();   // as `xl network-detach` does: offline and Closing; destroy() once the backend is Closed
  void destroy();  // the entries are gone
  void restart();  // the driver is unloaded and loaded again

  // The guest's memory and hypercalls.
  MutableBytes page(std::size_t number) {
    return MutableBytes(pages_.data(), pages_.size()).subspan(number * 4096, 4096);
  }
  bool grant(std::uint16_t page, std::uint32_t reference, std::uint16_t domain, bool read_only);
  bool revoke(std::uint32_t reference);  // false if it is mapped
  std::optional<std::uint32_t> allocate_port();
  void close_port(std::uint32_t port);
  void notify(std::uint32_t port);
  bool event() const { return event_; }
  bool take_event() { return std::exchange(event_, false); }  // whether the guest was notified

  // Lets it do what there is to do now.
  void run();

  // The other side of the link.
  struct Frame {
    Buffer bytes;
    bool checksum_blank = false;
    std::uint16_t segment_size = 0;
    // As what it is on its way to others: where its checksum is, from its headers.
    Transmit transmit() const;
  };
  std::optional<Frame> sent();  // the next frame that the guest sent
  // False if there is no connection, or the budget refuses. `blank`: its checksum is the pseudo-header's sum.
  bool send(Bytes frame, bool blank = false, std::uint16_t segment_size = 0);

  bool connected() const { return connected_; }
  std::uint32_t state() const { return store_->number("/local/domain/0/backend/vif/5/0/state"); }
  Broken broken() const { return broken_; }
  std::uint64_t slots_taken() const { return slots_taken_; }
  std::size_t granted() const;  // pages
  // Moves all indices of a connection's rings, as if so many slots had gone by.
  void shift_indices(std::uint32_t by);

  bool withhold_transmit = false;  // no answers to what is sent
  bool shuffle_transmit = false;   // answers in any order
  bool keep_mapped = false;        // nothing is unmapped when a connection ends
  bool scatter_receive = false;    // received bytes begin anywhere in their pages
  // With the next thing that it could be done to; any_state and entries_lost at once.
  void misbehave(Mischief mischief);

 private:
  struct Granted {
    bool valid = false, read_only = false;
    std::uint16_t page = 0;
    std::uint16_t mapped = 0;
  };
  struct Ring {
    std::uint32_t reference = 0;
    std::uint32_t consumer = 0;  // of requests
    std::uint32_t producer = 0;  // of responses
  };

  void follow_frontend();
  void set_state(std::uint32_t state);
  bool connect();
  void disconnect();
  std::uint32_t frontend(std::string_view name) const;
  Granted* granted(std::uint32_t reference);
  MutableBytes ring_page(const Ring& ring);
  std::uint32_t get(const Ring& ring, std::size_t at);
  void put(const Ring& ring, std::size_t at, std::uint32_t value);
  template <std::size_t N>
  std::array<Byte, N> slot(const Ring& ring, std::uint32_t index);
  template <std::size_t N>
  void respond(Ring& ring, const std::array<Byte, N>& slot);
  void publish(Ring& ring);

  void take_transmit();
  bool take_packet(std::uint32_t available);
  void answer_transmit();
  void give_receive();
  void give(const Frame& frame);
  bool does(Mischief mischief);
  bool fail(Broken why);

  Xenstore* store_;
  Budget* budget_;
  Dice dice_;
  Buffer pages_;
  Vec<Granted> grants_;
  std::uint64_t seen_changes_ = 0;
  InlineBytes<16> mtu_;
  bool connected_ = false;
  std::uint32_t port_ = 0, last_port_ = 0;
  bool kicked_ = false, event_ = false;
  Ring transmit_, receive_;
  Vec<xen_netfront::netif::TransmitResponseSlot> owed_;
  Vec<Frame> from_guest_, to_guest_;
  Broken broken_ = Broken::nothing;
  std::uint64_t slots_taken_ = 0;
  std::uint32_t planned_ = 0;  // Mischief as bits
};

}  // namespace limpid::sim

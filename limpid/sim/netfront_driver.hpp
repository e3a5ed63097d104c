// Drives netfront and xenstore's client against the model of netback, as the boot image drives them against Xen: moves
// bytes between machine and rings, copies each response once, carries actions out in order.
#pragma once

#include "limpid/core/machine.hpp"
#include "limpid/sim/netback.hpp"
#include "limpid/sim/trace.hpp"
#include "limpid/xen_netfront/protocol/device.hpp"

namespace limpid::sim {

// A ring of bytes, as xenstore's: indices that begin anywhere and wrap.
class ByteRing {
 public:
  std::size_t room() const { return xen_netfront::room_in_ring(consumer_, producer_, bytes_.size()); }
  std::size_t held() const { return xen_netfront::bytes_in_ring(consumer_, producer_, bytes_.size()); }
  // At most room() bytes.
  void put(Bytes bytes) {
    const auto span = xen_netfront::span_in_ring(producer_, bytes.size(), bytes_.size());
    copy(bytes.first(span.first), MutableBytes(bytes_).subspan(span.offset));
    copy(bytes.subspan(span.first), bytes_);
    producer_ += static_cast<std::uint32_t>(bytes.size());
  }
  // At most held() bytes, to the front of `to`.
  MutableBytes take(std::size_t count, MutableBytes to) {
    const auto span = xen_netfront::span_in_ring(consumer_, count, bytes_.size());
    copy(Bytes(bytes_).subspan(span.offset, span.first), to);
    copy(Bytes(bytes_).first(span.rest), to.subspan(span.first));
    consumer_ += static_cast<std::uint32_t>(count);
    return to.first(count);
  }

 private:
  std::array<Byte, xen_netfront::xenstore_ring_size> bytes_{};
  std::uint32_t consumer_ = 0xFFFFFF77, producer_ = 0xFFFFFF77;
};

// What the driver tells its guest:
//
//   void arrived(MutableBytes frame, ReceiveOffload offload)
//   void done(Pin pin)
//   void link(bool up)
//   void report(xen_netfront::Fact fact)
template <class Guest>
class NetfrontDriver {
 public:
  using Device = xen_netfront::Device;
  using Client = xen_netfront::xenstore::Client;

  NetfrontDriver(const Device::Config& config, Netback& netback, Xenstore& store, Guest& guest, Budget& budget)
      : config_(config),
        netback_(netback),
        store_(store),
        guest_(guest),
        budget_(budget),
        told_(budget),
        frame_(budget) {
    (void)frame_.resize(Device::largest_frame);
  }

  void start() { tell(xen_netfront::Started{}); }
  void stop() { tell(xen_netfront::Stop{}); }
  // Waits for the backend to make room, if that helps.
  void transmit(const Transmit& frame) {
    if (device_.connected() && !device_.can_transmit()) {
      notify();
      netback_.run();
      look_at_transmit();
    }
    tell(frame);
  }

  // Anything that the device may be told, rightly or not.
  void tell(const Device::Event& first) {
    Device::Event event = first;
    for (bool more = true; more;) {
      const Room<Device::Action> room{room_, slots_, budget_};
      if (trace != nullptr) (void)append_event<Device>(*trace, Time{}, event);
      const auto progress = Device::advance(config_, device_, Time{}, event, room);
      ++steps_;
      for (const auto& action : progress.actions) std::visit([this](const auto& a) { this->carry_out(a); }, action);
      if (progress.consumed == 1) event = Tick{};
      more = progress.more;
    }
    // What carrying out brought about.
    while (revoked_count_ > 0 || port_asked_) {
      if (revoked_count_ > 0) {
        const auto revoked = revoked_[--revoked_count_];
        tell(revoked);
      } else {
        port_asked_ = false;
        const auto port = netback_.allocate_port();
        tell(xen_netfront::PortAllocated{port && !refuse_ports, port.value_or(0)});
      }
    }
  }

  // Both sides do what there is to do, in turn, until there is nothing more or `turns` are over.
  void run(std::size_t turns = 1000) {
    for (; turns > 0; --turns) {
      const std::uint64_t before = steps_ + store_.changes() + netback_.slots_taken();
      look();
      netback_.run();
      if (steps_ + store_.changes() + netback_.slots_taken() == before && !netback_.event()) return;
    }
  }

  // Looks at all rings once.
  void look() {
    move_store();
    look_at_rings();
    notify();
  }

  Device& device() { return device_; }
  const Device& device() const { return device_; }
  Client& client() { return client_; }
  std::uint64_t steps() const { return steps_; }

 private:
  // An answer or a firing for the device, kept until no action is being carried out.
  struct Told {
    bool fired = false;
    std::uint32_t token = 0;
    xen_netfront::xenstore::Status status{};
    InlineBytes<256> text;
  };

  // What the device asks for.

  void carry_out(const xen_netfront::PushTransmit& push) {
    for_each_copy(push, [this](std::uint16_t page, std::size_t offset, Bytes bytes) {
      copy(bytes, netback_.page(page).subspan(offset));
    });
    push_slots(transmit_page_, push.first, push.slots);
  }
  void carry_out(const xen_netfront::PushReceive& push) { push_slots(receive_page_, push.first, push.slots); }

  template <class Slots>
  void push_slots(std::uint16_t page, std::uint32_t first, const Slots& slots) {
    const MutableBytes ring = netback_.page(page);
    std::uint32_t index = first;
    for (const auto& slot : slots) copy(Bytes(slot), ring.subspan(xen_netfront::slot_offset(index++, slot.size())));
    const std::uint32_t before = xen_netfront::netif::detail::u32(ring, 0);
    xen_netfront::netif::detail::put_u32(ring, 0, index);
    if (xen_netfront::must_notify(before, index, xen_netfront::netif::detail::u32(ring, 4))) notify_ = true;
  }

  void carry_out(const xen_netfront::FrameArrived& arrived) {
    std::size_t size = 0;
    for (const auto& piece : arrived.pieces) {
      copy(Bytes(netback_.page(piece.page)).subspan(piece.offset, piece.size),
           MutableBytes(frame_.data(), frame_.size()).subspan(size));
      size += piece.size;
    }
    guest_.arrived({frame_.data(), size}, arrived.offload);
  }
  void carry_out(const TransmitDone& done) { guest_.done(done.pin); }
  void carry_out(const LinkChanged& link) { guest_.link(link.up); }
  void carry_out(const xen_netfront::Report& report) { guest_.report(report.fact); }

  void carry_out(const xen_netfront::ResetRings& rings) {
    transmit_page_ = rings.transmit_page;
    receive_page_ = rings.receive_page;
    for (const auto page : {transmit_page_, receive_page_}) {
      const MutableBytes ring = netback_.page(page);
      std::fill(ring.begin(), ring.end(), Byte{0});
      xen_netfront::netif::detail::put_u32(ring, 4, 1);
      xen_netfront::netif::detail::put_u32(ring, 12, 1);
    }
  }
  void carry_out(const xen_netfront::Grant& grant) {
    granted_all_ = netback_.grant(grant.page, grant.reference, grant.domain, grant.read_only) && granted_all_;
  }
  void carry_out(const xen_netfront::Revoke& revoke) {
    revoked_[revoked_count_++] = {revoke.page, netback_.revoke(revoke.reference)};
  }
  void carry_out(const xen_netfront::AllocatePort&) { port_asked_ = true; }
  void carry_out(const xen_netfront::ClosePort& port) { netback_.close_port(port.port); }
  void carry_out(const xen_netfront::xenstore::Request& request) { tell_client(request); }
  void carry_out(const xen_netfront::xenstore::Publish& publish) { tell_client(publish); }

  // xenstore's client.

  void tell_client(const Client::Event& first) {
    Client::Event event = first;
    for (bool more = true; more;) {
      const Room<Client::Action> room{client_room_, client_slots_, budget_};
      const auto progress = Client::advance({}, client_, Time{}, event, room);
      ++steps_;
      if (auto* received = std::get_if<stream::Received>(&event)) {
        received->bytes = received->bytes.subspan(progress.consumed);
        if (received->bytes.empty()) event = Tick{};
      } else if (progress.consumed == 1) {
        event = Tick{};
      }
      for (const auto& action : progress.actions) std::visit([this](const auto& a) { this->carry_out(a); }, action);
      more = progress.more;
    }
  }
  void carry_out(const stream::Send& send) { requests_.put(send.bytes); }
  void carry_out(const xen_netfront::xenstore::Answer& answer) {
    (void)told_.push_back({false, answer.token, answer.status, InlineBytes<256>(answer.value)});
  }
  void carry_out(const xen_netfront::xenstore::Fired& fired) {
    (void)told_.push_back({true, fired.token, {}, InlineBytes<256>(as_bytes(fired.path))});
  }
  void carry_out(const xen_netfront::xenstore::Failed&) {}

  void move_store() {
    Byte bytes[xen_netfront::xenstore_ring_size];
    for (bool moved = true; moved;) {
      moved = false;
      tell_client(xen_netfront::xenstore::RingRoom{static_cast<std::uint32_t>(requests_.room())});
      if (const std::size_t held = requests_.held(); held > 0) {
        store_.receive(requests_.take(held, bytes));
        moved = true;
      }
      if (const std::size_t count = std::min(responses_.room(), store_.outgoing().size()); count > 0) {
        responses_.put(store_.outgoing().first(count));
        store_.taken(count);
      }
      if (const std::size_t held = responses_.held(); held > 0) {
        tell_client(stream::Received{responses_.take(held, bytes)});
        moved = true;
      }
      Vec<Told> told = std::exchange(told_, Vec<Told>(budget_));
      for (const Told& one : told) {
        moved = true;
        if (one.fired) {
          tell(xen_netfront::xenstore::Fired{one.token, as_text(one.text.span())});
        } else {
          tell(xen_netfront::xenstore::Answer{one.token, one.status, Bytes(one.text.span())});
        }
      }
      if (!moved) --steps_;  // of telling the room
    }
  }

  // The rings.

  template <class Responses>
  bool look_at(std::uint16_t page, std::uint32_t consumer, std::size_t slot_size) {
    const MutableBytes ring = netback_.page(page);
    Responses event;
    event.producer = xen_netfront::netif::detail::u32(ring, 8);
    event.first = consumer;
    for (std::uint32_t at = consumer; at != event.producer && event.slots.size() < xen_netfront::most_responses; ++at) {
      typename std::remove_cvref_t<decltype(event.slots[0])> slot{};
      copy(Bytes(ring).subspan(xen_netfront::slot_offset(at, slot_size), slot.size()), slot);
      event.slots.push_back(slot);
    }
    if (event.slots.empty()) return false;
    tell(event);
    return true;
  }

  // Asks to hear of the next response. True if it is there already.
  bool ask_for_next(std::uint16_t page, std::uint32_t consumer) {
    const MutableBytes ring = netback_.page(page);
    xen_netfront::netif::detail::put_u32(ring, 12, consumer + 1);
    return xen_netfront::netif::detail::u32(ring, 8) != consumer;
  }

  void look_at_transmit() {
    while (device_.rings_open() && look_at<xen_netfront::TransmitResponses>(transmit_page_, device_.transmit_consumer(),
                                                                            xen_netfront::netif::transmit_slot_size)) {
    }
  }
  void look_at_rings() {
    using namespace xen_netfront;
    if (!device_.rings_open()) return;
    for (bool there = netback_.take_event(); there;) {
      look_at_transmit();
      while (device_.rings_open() &&
             look_at<ReceiveResponses>(receive_page_, device_.receive_consumer(), netif::receive_slot_size)) {
      }
      there = device_.awaits_receive() && ask_for_next(receive_page_, device_.receive_consumer());
    }
    if (device_.awaits_transmit() && ask_for_next(transmit_page_, device_.transmit_consumer())) look_at_transmit();
  }

  void notify() {
    if (std::exchange(notify_, false) && device_.port()) netback_.notify(*device_.port());
  }

 public:
  bool refuse_ports = false;
  Buffer* trace = nullptr;  // gets every event of the device
  bool granted_all() const { return granted_all_; }

 private:
  const Device::Config& config_;
  Netback& netback_;
  Xenstore& store_;
  Guest& guest_;
  Budget& budget_;
  Device device_;
  Client client_;
  ByteRing requests_, responses_;
  Vec<Told> told_;
  Buffer frame_;
  std::array<Byte, Device::least_room.bytes> room_{};
  std::array<Device::Action, 24> slots_{};
  std::array<Byte, Client::least_room.bytes> client_room_{};
  std::array<Client::Action, Client::least_room.actions> client_slots_{};
  std::array<xen_netfront::Revoked, Device::most_pages> revoked_{};
  std::size_t revoked_count_ = 0;
  bool port_asked_ = false, notify_ = false, granted_all_ = true;
  std::uint16_t transmit_page_ = 0, receive_page_ = 0;
  std::uint64_t steps_ = 0;
};

}  // namespace limpid::sim

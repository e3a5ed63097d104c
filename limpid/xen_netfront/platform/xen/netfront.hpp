// The network device: carries out what the machine xen_netfront::Device asks for, on pages of ours, grants and rings.
#pragma once

#include "limpid/xen_netfront/platform/xen/store.hpp"
#include "limpid/xen_netfront/protocol/device.hpp"

namespace limpid::xen_netfront::platform {

class Netfront {
 public:
  // One only: pages and buffers are the image's own.
  Netfront(Budget& budget, Store& store, bool offloads)
      : budget_(budget), store_(store), config_{.offloads = offloads} {}

  void start(Time now) { step(now, Started{}); }
  void stop(Time now) { step(now, Stop{}); }

  // Hands on what the store said to the device, if it is for it.
  void heard(Time now, const xenstore::Answer& answer) { step(now, answer); }
  void heard(Time now, const xenstore::Fired& fired) { step(now, fired); }

  // Takes a batch out of each ring. False if there was nothing.
  bool serve(Time now);
  // Before waiting: has the backend say when there is more that is waited for. False if it is there already.
  bool ask_for_more();
  // A frame that serve() took. It lies there until the next serve().
  std::optional<FrameReceived> next_frame();
  // The link's state, if it changed since this was asked.
  std::optional<bool> link_change() { return std::exchange(link_change_, {}); }

  // Copies it. If there is no room the backend is waited for, a moment.
  void transmit(Time now, const Transmit& frame);
  // Tells the backend of what was pushed, once for a batch.
  void notify_backend();

  const Device& device() const { return device_; }

 private:
  void step(Time now, const Device::Event& event);
  void advance(Time now, const Device::Event& event);
  void carry_out(Time now, const Device::Action& action);
  bool read_transmit_ring(Time now);
  void make_room(Time now);
  bool read_receive_ring(Time now);

  void act(Time now, const PushTransmit& push);
  void act(Time now, const PushReceive& push);
  void act(Time now, const FrameArrived& frame);
  void act(Time now, const ResetRings& rings);
  void act(Time now, const Grant& grant);
  void act(Time now, const Revoke& revoke);
  void act(Time now, const AllocatePort& allocate);
  void act(Time now, const ClosePort& close);
  void act(Time now, const Report& report);
  void act(Time now, const LinkChanged& link);
  void act(Time, const TransmitDone&) {}  // nothing is lent: a frame is copied when it is sent
  void act(Time now, const xenstore::Request& request) { store_.request(now, request); }
  void act(Time now, const xenstore::Publish& publication) { store_.publish(now, publication); }

  Budget& budget_;
  Store& store_;
  Device::Config config_;
  Device device_;
  std::uint16_t transmit_page_ = 0, receive_page_ = 1;  // of the rings
  bool must_notify_ = false;
  bool stalled_ = false;  // the backend was waited for in vain, and has not responded since
  std::optional<bool> link_change_;
  // Answers to the device's actions, told when all of them are carried out.
  std::variant<PortAllocated, Revoked> answers_[Device::most_pages + 1];
  std::size_t answers_held_ = 0;
  // Of the frames in the buffer: how many there are, how many were handed on, where the next one goes.
  std::size_t frames_held_ = 0, frames_taken_ = 0, frames_end_ = 0;
};

}  // namespace limpid::xen_netfront::platform

// One step of a Device. device.cpp has what concerns xenstore and the connection, device_rings.cpp the rings.
#pragma once

#include "limpid/xen_netfront/protocol/device.hpp"

namespace limpid::xen_netfront {

class DeviceStep {
 public:
  using Action = Device::Action;
  using Phase = Device::Phase;
  using Use = Device::Use;

  DeviceStep(const Device::Config& config, Device& state, const Room<Action>& room)
      : config_(config), state_(state), room_(room.bytes), actions_(room.actions) {}

  Progress<Action> take(const Device::Event& event);

 private:
  // What is asked of xenstore, in the lowest byte of a token; the epoch stands above it.
  enum class Question : std::uint8_t {
    frontend_watch,
    backend_watch,
    // The device's entries. The last one's answer completes them.
    backend_path,
    backend_domain,
    mac,
    still_there,  // the backend's path, again
    // What the backend says. Likewise.
    state,
    online,
    mtu,
    scatter_gather,
    segmentation_ipv4,
    segmentation_ipv6,
    checksum_ipv6,
    own_state,  // written
    publication,
  };
  // A step keeps so many slots for whatever an event leads to besides frames and pages.
  static constexpr std::size_t slots_kept = 12;
  static constexpr std::size_t ethernet_header = 14;

  // xen/io/xenbus.h
  static constexpr std::uint8_t state_initialising = 1, state_init_wait = 2, state_connected = 4, state_closing = 5,
                                state_closed = 6;

  std::size_t on(const Tick&) { return 1; }
  std::size_t on(const Started&);
  std::size_t on(const xenstore::Answer&);
  std::size_t on(const xenstore::Fired&);
  std::size_t on(const PortAllocated&);
  std::size_t on(const Revoked&);
  std::size_t on(const TransmitResponses&);
  std::size_t on(const ReceiveResponses&);
  std::size_t on(const Transmit&);
  std::size_t on(const Stop&);

  // xenstore.
  std::uint32_t token(Question question) const;
  void ask(Question question, xenstore::Operation operation, std::initializer_list<std::string_view> path,
           Bytes value = {});
  std::string_view text(std::initializer_list<std::string_view> parts);
  std::string_view decimal(std::uint32_t value);
  void seek();
  void on_entry(Question question, const xenstore::Answer& answer);
  void found();
  void ask_backend();
  void on_backend(Question question, const xenstore::Answer& answer);
  void judge_backend();
  void write_state(std::uint8_t state);

  // The connection.
  void prepare();
  bool assign_pages();
  void publish();
  void give_up();
  void close();
  void begin_revoking();
  void revoked_all();
  void continue_pages();
  void misbehaved(Fault fault);
  bool rings_in_use() const;

  // The rings.
  void release_transmit(const netif::TransmitResponseSlot& slot);
  void take_receive(const netif::ReceiveResponseSlot& slot);
  void add_piece(std::uint16_t page, const netif::ReceiveResponse& response);
  void take_extra(const netif::ReceiveResponseSlot& slot);
  void drop_arriving(Drop reason);
  void end_packet();
  void free_receive(std::uint16_t page);
  void post_receive();
  std::optional<Drop> refusal(const Transmit& frame, std::size_t size) const;
  void push(const Transmit& frame, std::size_t size);

  void report(Fact fact) { actions_.push(Report{fact}); }
  void count(Drop reason);
  std::size_t pages() const { return Device::pages(config_); }
  std::uint32_t reference(std::size_t page) const { return config_.first_reference + static_cast<std::uint32_t>(page); }

  const Device::Config& config_;
  Device& state_;
  MutableBytes room_;  // what is left of it
  ActionList<Action> actions_;
  bool more_ = false;
};

}  // namespace limpid::xen_netfront

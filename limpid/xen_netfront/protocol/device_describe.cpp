#include "limpid/xen_netfront/protocol/device.hpp"

namespace limpid::xen_netfront {

std::string_view describe(Fact fact) {
  switch (fact) {
    case Fact::no_device:
      return "there is no network device; the guest's configuration needs a vif";
    case Fact::unusable_entries:
      return "xenstore's entries for the network device are missing or damaged; look at its backend, backend-id and "
             "mac";
    case Fact::backend_found:
      return "the network device's backend is found";
    case Fact::published:
      return "the network device's rings are published";
    case Fact::connected:
      return "the network device is connected";
    case Fact::publication_failed:
      return "the network device cannot be connected: xenstore or the hypervisor refuses";
    case Fact::backend_left:
      return "the network device's backend has left";
    case Fact::backend_misbehaved:
      return "the network device's backend wrote what cannot be; the connection is closed";
    case Fact::too_few_pages:
      return "the network device cannot be connected: backends that left still hold its pages";
  }
  return "";
}

std::string_view name(Drop reason) {
  switch (reason) {
    case Drop::not_connected:
      return "not_connected";
    case Drop::transmit_full:
      return "transmit_full";
    case Drop::transmit_short:
      return "transmit_short";
    case Drop::transmit_long:
      return "transmit_long";
    case Drop::transmit_offload:
      return "transmit_offload";
    case Drop::transmit_refused:
      return "transmit_refused";
    case Drop::receive_error:
      return "receive_error";
    case Drop::receive_bad_slot:
      return "receive_bad_slot";
    case Drop::receive_many_slots:
      return "receive_many_slots";
    case Drop::receive_bad_extra:
      return "receive_bad_extra";
    case Drop::receive_short:
      return "receive_short";
  }
  return "";
}

std::string_view name(Fault fault) {
  switch (fault) {
    case Fault::transmit_producer:
      return "transmit_producer";
    case Fault::transmit_id:
      return "transmit_id";
    case Fault::receive_producer:
      return "receive_producer";
    case Fault::receive_id:
      return "receive_id";
  }
  return "";
}

bool Device::can_transmit() const {
  return connected() && transmit_free_.size() >= least_pages &&
         ring_slots - (transmit_producer_ - transmit_consumer_) >= netif::most_slots;
}

std::size_t Device::quarantined() const {
  return static_cast<std::size_t>(std::count(uses_.begin(), uses_.end(), Use::quarantined));
}

void Device::describe(Writer& out) const {
  const std::string_view phases[] = {"not started",
                                     "waiting for a device to appear",
                                     "reading the device's entries",
                                     "waiting for the backend",
                                     "preparing pages",
                                     "publishing the rings",
                                     "waiting for the backend to connect",
                                     "connected",
                                     "waiting for the backend to let go",
                                     "taking pages back"};
  out.text(phases[static_cast<std::size_t>(phase_)]);
  out.text("; sent ");
  out.decimal(transmit_producer_);
  out.text(" slots, received ");
  out.decimal(receive_consumer_);
  for (std::size_t i = 0; i < drop_reasons; ++i) {
    if (drops_[i] == 0) continue;
    out.text(", ");
    out.text(name(static_cast<Drop>(i)));
    out.text(" ");
    out.decimal(drops_[i]);
  }
  for (std::size_t i = 0; i < fault_kinds; ++i) {
    if (faults_[i] == 0) continue;
    out.text(", fault ");
    out.text(name(static_cast<Fault>(i)));
    out.text(" ");
    out.decimal(faults_[i]);
  }
  if (quarantined() == 0) return;
  out.text(", pages kept by backends ");
  out.decimal(quarantined());
}

// A page has one use, and whatever names it agrees.
bool Device::restored(const LoadContext&) const {
  if (pool_ > most_pages || (pool_ == 0) != (phase_ == Phase::unborn) || cursor_ > pool_) return false;
  if (receive_producer_ - receive_consumer_ > ring_slots || transmit_producer_ - transmit_consumer_ > ring_slots) {
    return false;
  }
  std::array<std::uint8_t, most_pages> named{};
  const auto names = [&](std::uint16_t page, Use use) {
    return page < pool_ && uses_[page] == use && named[page]++ == 0;
  };
  for (std::size_t i = 0; i < transmit_free_.size(); ++i) {
    if (!names(transmit_free_[i], Use::transmit_free)) return false;
  }
  for (std::size_t i = 0; i < receive_free_.size(); ++i) {
    if (!names(receive_free_[i], Use::receive_free)) return false;
  }
  for (std::uint32_t at = receive_consumer_; at != receive_producer_; ++at) {
    if (!names(posted_[at % ring_slots], Use::receive_posted)) return false;
  }
  for (const auto& piece : arriving_.pieces) {
    if (!names(piece.page, Use::receive_held) || piece.size == 0 || piece.size > page_size - piece.offset) return false;
  }
  if (arriving_.slots > netif::most_slots || arriving_.pieces.size() > arriving_.slots) return false;
  if (arriving_.dropped && !arriving_.pieces.empty()) return false;
  if (!arriving_.begun && (arriving_.more || arriving_.extra || !arriving_.pieces.empty())) return false;

  std::size_t transmitting = 0, receiving = 0, awaited = 0;
  for (std::size_t page = 0; page < most_pages; ++page) {
    const Use use = uses_[page];
    if (page >= pool_ && (use != Use::none || granted_[page])) return false;
    const bool transmits = use == Use::transmit_free || use == Use::transmit_busy;
    const bool receives = use == Use::receive_free || use == Use::receive_posted || use == Use::receive_held;
    transmitting += transmits ? 1 : 0;
    receiving += receives ? 1 : 0;
    if ((receives || use == Use::transmit_free) && named[page] == 0) return false;
    const bool asked = phase_ == Phase::revoking && page < cursor_;
    if (answered_[page] && !asked) return false;
    awaited += asked && granted_[page] && !answered_[page] ? 1 : 0;
  }
  if (transmitting > ring_slots || receiving > ring_slots || awaited != revocations_) return false;
  const bool published = phase_ >= Phase::publishing && phase_ <= Phase::connected;
  return !published || port_;
}

}  // namespace limpid::xen_netfront

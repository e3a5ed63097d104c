#include "limpid/xen_netfront/protocol/device_step.hpp"

namespace limpid::xen_netfront {
namespace {

std::size_t size_of(const Transmit& frame) {
  std::size_t size = frame.header.size();
  for (const Bytes piece : frame.payload) size += piece.size();
  return size;
}

constexpr std::uint16_t ethertype_ipv4 = 0x0800, ethertype_ipv6 = 0x86DD;

std::uint16_t ethertype_of(Bytes header) { return static_cast<std::uint16_t>(header[12] << 8 | header[13]); }

}  // namespace

void DeviceStep::count(Drop reason) {
  std::uint32_t& drops = state_.drops_[static_cast<std::size_t>(reason)];
  if (drops != UINT32_MAX) ++drops;
}

// Sending.

std::size_t DeviceStep::on(const Transmit& frame) {
  const std::size_t size = size_of(frame);
  if (const auto reason = refusal(frame, size)) {
    count(*reason);
  } else {
    push(frame, size);
  }
  // Copied or dropped, the memory is not needed any more.
  if (frame.pin.count > 0) actions_.push(TransmitDone{frame.pin});
  return 1;
}

// What netback would drop, or take the device away for, is not shown to it.
std::optional<Drop> DeviceStep::refusal(const Transmit& frame, std::size_t size) const {
  if (state_.phase_ != Phase::connected) return Drop::not_connected;
  if (frame.header.size() < ethernet_header) return Drop::transmit_short;
  if (size > UINT16_MAX) return Drop::transmit_long;  // netif.h: the size is a field of 16 bits
  const Features& features = state_.features_;
  const TransmitOffload& offload = frame.offload;
  const bool checksum = offload.checksum_start != 0, segmentation = offload.segment_size != 0;
  if (checksum || segmentation) {
    const std::uint16_t ethertype = ethertype_of(frame.header);
    const bool ipv4 = ethertype == ethertype_ipv4, ipv6 = ethertype == ethertype_ipv6;
    const bool checksums = ipv4 ? features.checksum_ipv4 : ipv6 && features.checksum_ipv6;
    const bool segments = ipv4 ? features.segmentation_ipv4 : ipv6 && features.segmentation_ipv6;
    if (!checksum || !checksums || (segmentation && !segments)) return Drop::transmit_offload;
  }
  const std::size_t slots = (size + page_size - 1) / page_size;
  if (slots > 1 && !features.scatter_gather) return Drop::transmit_long;
  const std::uint32_t free_slots = ring_slots - (state_.transmit_producer_ - state_.transmit_consumer_);
  if (slots > state_.transmit_free_.size() || slots + (segmentation ? 1 : 0) > free_slots) return Drop::transmit_full;
  return {};
}

// The first slot carries the size of the whole, what concerns the whole stands in its flags and in the slot behind it.
void DeviceStep::push(const Transmit& frame, std::size_t size) {
  PushTransmit push{state_.transmit_producer_, {}, {}, frame.header, frame.payload};
  const bool segmentation = frame.offload.segment_size != 0;
  for (std::size_t at = 0; at < size; at += page_size) {
    const std::uint16_t page = state_.transmit_free_.pop();
    state_.uses_[page] = Use::transmit_busy;
    netif::TransmitRequest request{.grant = reference(page), .id = page};
    if (size - at > page_size) request.flags |= netif::tx_more_data;
    request.size = static_cast<std::uint16_t>(at == 0 ? size : std::min(size - at, page_size));
    if (at == 0) {
      if (frame.offload.checksum_start != 0) request.flags |= netif::tx_checksum_blank | netif::tx_data_validated;
      if (segmentation) request.flags |= netif::tx_extra_info;
    }
    push.pages.push_back(page);
    push.slots.push_back(emit(request));
    if (at > 0 || !segmentation) continue;
    const bool ipv4 = ethertype_of(frame.header) == ethertype_ipv4;
    push.slots.push_back(
        netif::emit_extra<netif::transmit_slot_size>({.type = netif::extra_gso,
                                                      .gso_size = frame.offload.segment_size,
                                                      .gso_type = ipv4 ? netif::gso_tcpv4 : netif::gso_tcpv6}));
  }
  state_.transmit_producer_ += static_cast<std::uint32_t>(push.slots.size());
  actions_.push(push);
}

std::size_t DeviceStep::on(const TransmitResponses& event) {
  if (!state_.rings_open()) return 1;
  std::uint32_t& consumer = state_.transmit_consumer_;
  if (event.producer - consumer > state_.transmit_producer_ - consumer) {
    misbehaved(Fault::transmit_producer);
    return 1;
  }
  for (std::size_t at = consumer - event.first;
       at < event.slots.size() && consumer != event.producer && state_.rings_open(); ++at) {
    ++consumer;
    release_transmit(event.slots[at]);
  }
  return 1;
}

void DeviceStep::release_transmit(const netif::TransmitResponseSlot& slot) {
  const netif::TransmitResponse response = netif::parse_transmit_response(slot);
  if (response.status == netif::status_null) return;  // in the place of extra info: the rest of it means nothing
  if (response.id >= pages() || state_.uses_[response.id] != Use::transmit_busy) {
    return misbehaved(Fault::transmit_id);
  }
  if (response.status != netif::status_okay) count(Drop::transmit_refused);
  state_.uses_[response.id] = Use::transmit_free;
  state_.transmit_free_.push(response.id);
}

// Receiving.

std::size_t DeviceStep::on(const ReceiveResponses& event) {
  if (!state_.rings_open()) return 1;
  std::uint32_t& consumer = state_.receive_consumer_;
  if (event.producer - consumer > state_.receive_producer_ - consumer) {
    misbehaved(Fault::receive_producer);
    return 1;
  }
  for (std::size_t at = consumer - event.first;
       at < event.slots.size() && consumer != event.producer && state_.rings_open(); ++at) {
    if (actions_.free() <= slots_kept) return 0;  // offered again, it goes on from the consumer
    take_receive(event.slots[at]);
  }
  return 1;
}

// A response stands in the place of its request, so the page is known, whatever it says; extra info says nothing.
void DeviceStep::take_receive(const netif::ReceiveResponseSlot& slot) {
  const std::uint16_t page = state_.posted_[state_.receive_consumer_++ % ring_slots];
  auto& arriving = state_.arriving_;
  if (arriving.extra) {
    free_receive(page);
    take_extra(slot);
  } else {
    const netif::ReceiveResponse response = netif::parse_receive_response(slot);
    if (response.id != page) {
      free_receive(page);
      return misbehaved(Fault::receive_id);
    }
    if (!arriving.begun) {
      arriving.begun = true;
      arriving.extra = (response.flags & netif::rx_extra_info) != 0;
      // Blank: it never was on a wire.
      arriving.offload.checksum_good = (response.flags & (netif::rx_data_validated | netif::rx_checksum_blank)) != 0;
    }
    arriving.more = (response.flags & netif::rx_more_data) != 0;
    add_piece(page, response);
  }
  if (!arriving.extra && !arriving.more) end_packet();
}

void DeviceStep::add_piece(std::uint16_t page, const netif::ReceiveResponse& response) {
  auto& arriving = state_.arriving_;
  state_.uses_[page] = Use::receive_held;
  if (response.status < 0) {
    drop_arriving(Drop::receive_error);
  } else if (response.offset + static_cast<std::size_t>(response.status) > page_size) {
    drop_arriving(Drop::receive_bad_slot);
  } else if (arriving.slots == netif::most_slots) {
    drop_arriving(Drop::receive_many_slots);
  } else if (!arriving.dropped) {
    ++arriving.slots;
    if (response.status > 0) {
      arriving.pieces.push_back({page, response.offset, static_cast<std::uint16_t>(response.status)});
      return;
    }
  }
  free_receive(page);
}

void DeviceStep::take_extra(const netif::ReceiveResponseSlot& slot) {
  auto& arriving = state_.arriving_;
  const netif::ExtraInfo extra = netif::parse_extra(slot);
  arriving.extra = (extra.flags & netif::extra_more) != 0;
  if (extra.type == 0 || extra.type >= netif::extra_types) {
    drop_arriving(Drop::receive_bad_extra);
  } else if (extra.type == netif::extra_gso) {
    const bool known = extra.gso_type == netif::gso_tcpv4 || extra.gso_type == netif::gso_tcpv6;
    if (extra.gso_size == 0 || !known) return drop_arriving(Drop::receive_bad_extra);
    arriving.offload.segment_size = extra.gso_size;
  }
}

// The slots of it that are still to come are passed over.
void DeviceStep::drop_arriving(Drop reason) {
  auto& arriving = state_.arriving_;
  if (arriving.dropped) return;
  arriving.dropped = true;
  count(reason);
  for (const auto& piece : arriving.pieces) free_receive(piece.page);
  arriving.pieces = {};
}

void DeviceStep::end_packet() {
  auto& arriving = state_.arriving_;
  std::size_t size = 0;
  for (const auto& piece : arriving.pieces) size += piece.size;
  if (size < ethernet_header) drop_arriving(Drop::receive_short);
  if (!arriving.dropped) {
    actions_.push(FrameArrived{arriving.pieces, arriving.offload});
    // Posted again only by an action behind that one.
    for (const auto& piece : arriving.pieces) free_receive(piece.page);
  }
  arriving = {};
}

void DeviceStep::free_receive(std::uint16_t page) {
  state_.uses_[page] = Use::receive_free;
  state_.receive_free_.push(page);
}

void DeviceStep::post_receive() {
  const bool granted = state_.phase_ > Phase::preparing || state_.cursor_ == pages();
  if (!state_.rings_open() || !granted) return;
  while (!state_.receive_free_.empty() && actions_.free() > 0) {
    PushReceive push{.first = state_.receive_producer_, .slots = {}};
    while (!state_.receive_free_.empty() && push.slots.size() < most_responses) {
      const std::uint16_t page = state_.receive_free_.pop();
      state_.uses_[page] = Use::receive_posted;
      state_.posted_[state_.receive_producer_++ % ring_slots] = page;
      push.slots.push_back(emit(netif::ReceiveRequest{.id = page, .grant = reference(page)}));
    }
    actions_.push(push);
  }
  if (!state_.receive_free_.empty()) more_ = true;
}

}  // namespace limpid::xen_netfront

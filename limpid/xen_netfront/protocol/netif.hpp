// The slots of a network device's rings as they lie in shared memory (xen/io/netif.h), little-endian. Whoever drives a
// Device copies them as they are.
#pragma once

#include <array>

#include "limpid/core/bytes.hpp"

namespace limpid::xen_netfront::netif {

using TransmitRequestSlot = std::array<Byte, 12>;
using TransmitResponseSlot = std::array<Byte, 4>;
using ReceiveRequestSlot = std::array<Byte, 8>;
using ReceiveResponseSlot = std::array<Byte, 8>;

inline constexpr std::size_t transmit_slot_size = 12;  // of the ring: requests and responses share it
inline constexpr std::size_t receive_slot_size = 8;

// Flags of a transmit request.
inline constexpr std::uint16_t tx_checksum_blank = 1, tx_data_validated = 2, tx_more_data = 4, tx_extra_info = 8;
// Flags of a receive response.
inline constexpr std::uint16_t rx_data_validated = 1, rx_checksum_blank = 2, rx_more_data = 4, rx_extra_info = 8;

// The status of a transmit response; of a receive response the size, or one of the negative ones.
inline constexpr std::int16_t status_dropped = -2, status_error = -1, status_okay = 0, status_null = 1;

inline constexpr std::uint8_t extra_gso = 1, extra_types = 6;  // types are 1 to 5
inline constexpr std::uint8_t extra_more = 1;                  // flag: another follows
inline constexpr std::uint8_t gso_tcpv4 = 1, gso_tcpv6 = 2;

// XEN_NETIF_NR_SLOTS_MIN: so many slots of data a packet may have, whoever sends it.
inline constexpr std::size_t most_slots = 18;

struct TransmitRequest {
  std::uint32_t grant = 0;
  std::uint16_t offset = 0, flags = 0, id = 0;
  std::uint16_t size = 0;  // of the whole packet in its first slot, of the slot in the others
  friend bool operator==(const TransmitRequest&, const TransmitRequest&) = default;
};
struct TransmitResponse {
  std::uint16_t id = 0;
  std::int16_t status = 0;
  friend bool operator==(const TransmitResponse&, const TransmitResponse&) = default;
};
struct ReceiveRequest {
  std::uint16_t id = 0;
  std::uint32_t grant = 0;
  friend bool operator==(const ReceiveRequest&, const ReceiveRequest&) = default;
};
struct ReceiveResponse {
  std::uint16_t id = 0, offset = 0, flags = 0;
  std::int16_t status = 0;
  friend bool operator==(const ReceiveResponse&, const ReceiveResponse&) = default;
};
// In the place of a slot of either ring.
struct ExtraInfo {
  std::uint8_t type = 0, flags = 0;
  std::uint16_t gso_size = 0;
  std::uint8_t gso_type = 0;
  friend bool operator==(const ExtraInfo&, const ExtraInfo&) = default;
};

namespace detail {
constexpr std::uint16_t u16(std::span<const Byte> slot, std::size_t at) {
  return static_cast<std::uint16_t>(slot[at] | slot[at + 1] << 8);
}
constexpr std::uint32_t u32(std::span<const Byte> slot, std::size_t at) {
  return u16(slot, at) | std::uint32_t{u16(slot, at + 2)} << 16;
}
constexpr void put_u16(std::span<Byte> slot, std::size_t at, std::uint16_t value) {
  slot[at] = static_cast<Byte>(value);
  slot[at + 1] = static_cast<Byte>(value >> 8);
}
constexpr void put_u32(std::span<Byte> slot, std::size_t at, std::uint32_t value) {
  put_u16(slot, at, static_cast<std::uint16_t>(value));
  put_u16(slot, at + 2, static_cast<std::uint16_t>(value >> 16));
}
}  // namespace detail

constexpr TransmitRequestSlot emit(const TransmitRequest& request) {
  TransmitRequestSlot slot{};
  detail::put_u32(slot, 0, request.grant);
  detail::put_u16(slot, 4, request.offset);
  detail::put_u16(slot, 6, request.flags);
  detail::put_u16(slot, 8, request.id);
  detail::put_u16(slot, 10, request.size);
  return slot;
}
constexpr TransmitRequest parse_transmit_request(const TransmitRequestSlot& slot) {
  return {detail::u32(slot, 0), detail::u16(slot, 4), detail::u16(slot, 6), detail::u16(slot, 8),
          detail::u16(slot, 10)};
}
constexpr TransmitResponseSlot emit(const TransmitResponse& response) {
  TransmitResponseSlot slot{};
  detail::put_u16(slot, 0, response.id);
  detail::put_u16(slot, 2, static_cast<std::uint16_t>(response.status));
  return slot;
}
constexpr TransmitResponse parse_transmit_response(const TransmitResponseSlot& slot) {
  return {detail::u16(slot, 0), static_cast<std::int16_t>(detail::u16(slot, 2))};
}
constexpr ReceiveRequestSlot emit(const ReceiveRequest& request) {
  ReceiveRequestSlot slot{};
  detail::put_u16(slot, 0, request.id);
  detail::put_u32(slot, 4, request.grant);
  return slot;
}
constexpr ReceiveRequest parse_receive_request(const ReceiveRequestSlot& slot) {
  return {detail::u16(slot, 0), detail::u32(slot, 4)};
}
constexpr ReceiveResponseSlot emit(const ReceiveResponse& response) {
  ReceiveResponseSlot slot{};
  detail::put_u16(slot, 0, response.id);
  detail::put_u16(slot, 2, response.offset);
  detail::put_u16(slot, 4, response.flags);
  detail::put_u16(slot, 6, static_cast<std::uint16_t>(response.status));
  return slot;
}
constexpr ReceiveResponse parse_receive_response(const ReceiveResponseSlot& slot) {
  return {detail::u16(slot, 0), detail::u16(slot, 2), detail::u16(slot, 4),
          static_cast<std::int16_t>(detail::u16(slot, 6))};
}
template <std::size_t N>
constexpr std::array<Byte, N> emit_extra(const ExtraInfo& extra) {
  std::array<Byte, N> slot{};
  slot[0] = extra.type;
  slot[1] = extra.flags;
  detail::put_u16(slot, 2, extra.gso_size);
  slot[4] = extra.gso_type;
  return slot;
}
template <std::size_t N>
constexpr ExtraInfo parse_extra(const std::array<Byte, N>& slot) {
  return {slot[0], slot[1], detail::u16(slot, 2), slot[4]};
}

}  // namespace limpid::xen_netfront::netif

// What goes over the xenstore ring (xen/io/xs_wire.h): messages of a 16-byte header and at most 4096 bytes.
#pragma once

#include <optional>

#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::xen_netfront::xenstore {

inline constexpr std::size_t header_size = 16;
inline constexpr std::size_t largest_payload = 4096;

enum class MessageType : std::uint32_t {
  none = 0,  // a place in a list where there is no request
  directory = 1,
  read = 2,
  watch = 4,
  unwatch = 5,
  transaction_start = 6,
  transaction_end = 7,
  write = 11,
  mkdir = 12,
  rm = 13,
  watch_event = 15,
  error = 16,
};
constexpr bool is_valid(MessageType type) {
  const auto number = static_cast<std::uint32_t>(type);
  return number <= 2 || (number >= 4 && number <= 7) || (number >= 11 && number <= 13) || number == 15 || number == 16;
}

// Four integers, little-endian: both sides run on the same processor.
struct MessageHeader {
  MessageType type{};
  std::uint32_t request_id = 0;
  std::uint32_t transaction_id = 0;  // 0: none
  std::uint32_t length = 0;          // of the payload
  friend bool operator==(const MessageHeader&, const MessageHeader&) = default;

  // Of exactly header_size bytes; neither type nor length is judged.
  static MessageHeader parse(Bytes header);
  void emit(Writer& out) const;
};

// How a request ended. The first are the store's own (xs_wire.h, xsd_errors).
enum class Status : std::uint8_t {
  ok,
  invalid,              // EINVAL
  no_access,            // EACCES
  exists,               // EEXIST
  is_directory,         // EISDIR
  no_entry,             // ENOENT
  store_out_of_memory,  // ENOMEM
  no_space,             // ENOSPC: the domain's quota
  input_output,         // EIO
  not_empty,            // ENOTEMPTY
  not_supported,        // ENOSYS
  read_only,            // EROFS
  busy,                 // EBUSY
  again,                // EAGAIN: a transaction met another, each time it was tried
  already_connected,    // EISCONN
  too_big,              // E2BIG
  not_permitted,        // EPERM
  unknown_error,        // a name that is none of these
  malformed_answer,     // of another type than what was asked, or not of its form
  too_many_requests,    // open at once, or longer than a message can be; nothing was sent
  out_of_memory,        // the budget refused; nothing was sent, or the answer is lost
  connection_lost,      // reset before the answer came
};
constexpr bool is_valid(Status status) { return status <= Status::connection_lost; }
// In words for a person.
std::string_view describe(Status status);
// Of the name that an error message carries.
Status status_of(std::string_view error_name);

}  // namespace limpid::xen_netfront::xenstore

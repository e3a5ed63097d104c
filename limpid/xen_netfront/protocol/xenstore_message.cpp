#include "limpid/xen_netfront/protocol/xenstore_message.hpp"

#include <utility>

namespace limpid::xen_netfront::xenstore {
namespace {

std::uint32_t little_endian(Bytes bytes) {
  return bytes[0] | std::uint32_t{bytes[1]} << 8 | std::uint32_t{bytes[2]} << 16 | std::uint32_t{bytes[3]} << 24;
}

void little_endian(Writer& out, std::uint32_t value) {
  for (int i = 0; i < 4; ++i, value >>= 8) out.u8(static_cast<std::uint8_t>(value));
}

}  // namespace

MessageHeader MessageHeader::parse(Bytes header) {
  return {static_cast<MessageType>(little_endian(header.first(4))), little_endian(header.subspan(4, 4)),
          little_endian(header.subspan(8, 4)), little_endian(header.subspan(12, 4))};
}

void MessageHeader::emit(Writer& out) const {
  little_endian(out, static_cast<std::uint32_t>(type));
  little_endian(out, request_id);
  little_endian(out, transaction_id);
  little_endian(out, length);
}

std::string_view describe(Status status) {
  switch (status) {
    case Status::ok:
      return "done";
    case Status::invalid:
      return "the request is not valid (EINVAL)";
    case Status::no_access:
      return "access is denied (EACCES)";
    case Status::exists:
      return "it exists already (EEXIST)";
    case Status::is_directory:
      return "it is a directory (EISDIR)";
    case Status::no_entry:
      return "there is no such entry (ENOENT)";
    case Status::store_out_of_memory:
      return "the store is out of memory (ENOMEM)";
    case Status::no_space:
      return "the domain's quota is used up (ENOSPC)";
    case Status::input_output:
      return "the store failed (EIO)";
    case Status::not_empty:
      return "the directory is not empty (ENOTEMPTY)";
    case Status::not_supported:
      return "the store does not know the request (ENOSYS)";
    case Status::read_only:
      return "the entry is read-only (EROFS)";
    case Status::busy:
      return "the store is busy (EBUSY)";
    case Status::again:
      return "other transactions came in between each time (EAGAIN)";
    case Status::already_connected:
      return "it is connected already (EISCONN)";
    case Status::too_big:
      return "it is too big (E2BIG)";
    case Status::not_permitted:
      return "it is not permitted (EPERM)";
    case Status::unknown_error:
      return "the store named an error that is not known";
    case Status::malformed_answer:
      return "the store's answer is malformed";
    case Status::too_many_requests:
      return "too much is asked of the store at once";
    case Status::out_of_memory:
      return "the memory budget is used up";
    case Status::connection_lost:
      return "the connection to the store was lost";
  }
  return "";
}

Status status_of(std::string_view error_name) {
  constexpr std::pair<std::string_view, Status> names[] = {
      {"EINVAL", Status::invalid},      {"EACCES", Status::no_access},
      {"EEXIST", Status::exists},       {"EISDIR", Status::is_directory},
      {"ENOENT", Status::no_entry},     {"ENOMEM", Status::store_out_of_memory},
      {"ENOSPC", Status::no_space},     {"EIO", Status::input_output},
      {"ENOTEMPTY", Status::not_empty}, {"ENOSYS", Status::not_supported},
      {"EROFS", Status::read_only},     {"EBUSY", Status::busy},
      {"EAGAIN", Status::again},        {"EISCONN", Status::already_connected},
      {"E2BIG", Status::too_big},       {"EPERM", Status::not_permitted},
  };
  for (const auto& [name, status] : names) {
    if (name == error_name) return status;
  }
  return Status::unknown_error;
}

}  // namespace limpid::xen_netfront::xenstore

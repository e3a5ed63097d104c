// The head of a response (RFC 9112, sections 4 to 6), as a client reads it.
#pragma once

#include <expected>
#include <variant>

#include "limpid/core/bytes.hpp"
#include "limpid/http/field.hpp"
#include "limpid/http/request.hpp"

namespace limpid::http {

// The content ends where the connection does.
struct UntilClose {
  friend constexpr bool operator==(UntilClose, UntilClose) = default;
  static void fields(auto&, auto&& visit) { visit(); }
};

using ResponseFraming = std::variant<std::uint64_t, ChunkedBody, UntilClose>;

// Views into the bytes that were parsed.
struct ResponseHead {
  std::uint16_t status = 0;  // 100 to 599
  int minor_version = 1;
  std::string_view reason;  // as sent: for people only, and not to be trusted in a terminal
  ResponseFraming body;     // 0 bytes where there can be none
  Fields fields;
};

enum class ResponseFault : std::uint8_t {
  malformed_status_line,
  wrong_version,  // not HTTP/1
  malformed_field,
  faulty_framing,  // Content-Length or Transfer-Encoding that contradict themselves or each other
  unknown_coding,  // a transfer coding other than chunked
};
constexpr bool is_valid(ResponseFault fault) { return fault <= ResponseFault::unknown_coding; }
std::string_view describe(ResponseFault fault);

// `head` is what a HeadScanner found complete, the answer to a request of this method.
std::expected<ResponseHead, ResponseFault> parse_response(Bytes head, Method method);

}  // namespace limpid::http

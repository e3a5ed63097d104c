// The head of a request (RFC 9112, sections 2 to 6).
#pragma once

#include <expected>
#include <optional>
#include <variant>

#include "limpid/core/bytes.hpp"
#include "limpid/http/field.hpp"
#include "limpid/http/status.hpp"

namespace limpid::http {

enum class Method : std::uint8_t {
  get,
  head,
  options,
  known,  // POST, PUT, DELETE, CONNECT, TRACE, PATCH: we know them and do not allow them
  other,
};
constexpr bool is_valid(Method method) { return method <= Method::other; }

struct ChunkedBody {
  friend constexpr bool operator==(ChunkedBody, ChunkedBody) = default;
};

// How long the content is: so many bytes (0 if there is none), or chunked.
using BodyFraming = std::variant<std::uint64_t, ChunkedBody>;

// Views into the bytes that were parsed.
struct RequestHead {
  Method method = Method::other;
  std::string_view method_name;
  std::string_view target;  // as sent
  std::string_view path;    // begins with "/"; only "*" in `OPTIONS *` and the authority of CONNECT are otherwise
  std::string_view query;   // with its "?"; empty if there is none
  std::string_view host;    // whom it is for, with the port if one was given; may be empty
  int minor_version = 1;
  bool keep_alive = true;  // what the peer wants
  bool expects_continue = false;
  BodyFraming body;
  Fields fields;
};

// What is wrong with a head: the status to answer with (the connection cannot go on after it), and why.
struct RequestFault {
  Status status;
  std::string_view reason;
};

// `head` is what a HeadScanner found complete: from the first byte to the empty line.
std::expected<RequestHead, RequestFault> parse_request(Bytes head);

}  // namespace limpid::http

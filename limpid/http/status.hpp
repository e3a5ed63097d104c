// Status codes of RFC 9110, section 15: those that the server sends, and the range of what a client may meet.
#pragma once

#include <cstdint>
#include <string_view>

namespace limpid::http {

enum class Status : std::uint16_t {
  ok = 200,
  no_content = 204,
  partial_content = 206,
  moved_permanently = 301,
  not_modified = 304,
  permanent_redirect = 308,
  bad_request = 400,
  forbidden = 403,
  not_found = 404,
  method_not_allowed = 405,
  request_timeout = 408,
  length_required = 411,
  precondition_failed = 412,
  content_too_large = 413,
  uri_too_long = 414,
  range_not_satisfiable = 416,
  expectation_failed = 417,
  request_header_fields_too_large = 431,
  internal_server_error = 500,
  not_implemented = 501,
  service_unavailable = 503,
  http_version_not_supported = 505,
};

// The reason phrase; empty for a code that is not one of ours.
std::string_view reason_phrase(Status status);
inline bool is_valid(Status status) { return !reason_phrase(status).empty(); }

}  // namespace limpid::http

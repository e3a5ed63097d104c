#include "limpid/http/response.hpp"

namespace limpid::http {
namespace {

// RFC 9112, section 6.3, in its order.
std::expected<ResponseFraming, ResponseFault> body_framing(const ResponseHead& head, Method method) {
  const int lengths = head.fields.count("content-length");
  const int codings = head.fields.count("transfer-encoding");
  if (method == Method::head || head.status < 200 || head.status == 204 || head.status == 304) return std::uint64_t{0};
  if (codings > 0) {
    // "If a message is received with both a Transfer-Encoding and a Content-Length header field ... Such a message
    // might indicate an attempt to perform request smuggling or response splitting and ought to be handled as an
    // error."
    if (lengths > 0 || codings > 1 || head.minor_version == 0) return std::unexpected(ResponseFault::faulty_framing);
    if (!equals_ignoring_case(head.fields.only("transfer-encoding").value_or(""), "chunked")) {
      return std::unexpected(ResponseFault::unknown_coding);
    }
    return ChunkedBody{};
  }
  if (lengths == 0) return UntilClose{};
  const auto length = lengths == 1 ? parse_decimal(head.fields.only("content-length").value_or("")) : std::nullopt;
  if (!length) return std::unexpected(ResponseFault::faulty_framing);
  return *length;
}

}  // namespace

std::string_view describe(ResponseFault fault) {
  switch (fault) {
    case ResponseFault::malformed_status_line:
      return "the answer does not begin with an HTTP status line";
    case ResponseFault::wrong_version:
      return "the answer is not HTTP/1";
    case ResponseFault::malformed_field:
      return "a header field of the answer is malformed";
    case ResponseFault::faulty_framing:
      return "the answer's length is given in a contradictory way";
    case ResponseFault::unknown_coding:
      return "the answer has a transfer coding other than chunked";
  }
  return "";
}

std::expected<ResponseHead, ResponseFault> parse_response(Bytes bytes, Method method) {
  std::string_view text = as_text(bytes);
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  std::string_view line = cut(text, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);

  // status-line = HTTP-version SP status-code SP [ reason-phrase ]. The last space is missing in some servers' lines
  // without a reason, which cannot be misread.
  const std::string_view version = cut(line, ' ');
  const std::string_view code = cut(line, ' ');
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7])) {
    return std::unexpected(ResponseFault::malformed_status_line);
  }
  if (version[5] != '1') return std::unexpected(ResponseFault::wrong_version);
  const auto status = code.size() == 3 ? parse_decimal(code) : std::nullopt;
  if (!status || *status < 100 || *status > 599) return std::unexpected(ResponseFault::malformed_status_line);

  ResponseHead head;
  head.minor_version = version[7] - '0';
  head.status = static_cast<std::uint16_t>(*status);
  head.reason = line;
  head.fields = Fields(text);
  if (!head.fields.well_formed()) return std::unexpected(ResponseFault::malformed_field);
  const auto body = body_framing(head, method);
  if (!body) return std::unexpected(body.error());
  head.body = *body;
  return head;
}

}  // namespace limpid::http

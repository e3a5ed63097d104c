#include "limpid/http/request.hpp"

namespace limpid::http {
namespace {

constexpr RequestFault bad(std::string_view reason) { return {Status::bad_request, reason}; }

Method method_of(std::string_view name) {
  if (name == "GET") return Method::get;
  if (name == "HEAD") return Method::head;
  if (name == "OPTIONS") return Method::options;
  for (const std::string_view known : {"POST", "PUT", "DELETE", "CONNECT", "TRACE", "PATCH"}) {
    if (name == known) return Method::known;
  }
  return Method::other;
}

// RFC 3986, section 3.2.2, loosely: enough that what passes is one host with an optional port, and no user information.
bool is_host(std::string_view text) {
  std::string_view port;
  if (text.starts_with('[')) {
    const std::size_t end = text.find(']');
    if (end == text.npos || end == 1) return false;
    for (const char c : first(from(text, 1), end - 1)) {
      if (hex_value(c) < 0 && c != ':' && c != '.') return false;
    }
    port = from(text, end + 1);
    if (!port.empty() && port.front() != ':') return false;
    if (!port.empty()) port.remove_prefix(1);
  } else {
    const std::size_t colon = text.find(':');
    if (colon != text.npos) port = from(text, colon + 1);
    for (const char c : colon == text.npos ? text : first(text, colon)) {
      if (!is_digit(c) && !is_alpha(c) && std::string_view("-._~%!$&'()*+,;=").find(c) == std::string_view::npos)
        return false;
    }
  }
  for (const char c : port) {
    if (!is_digit(c)) return false;
  }
  return port.size() <= 5;
}

// "HTTP/" DIGIT "." DIGIT (RFC 9112, section 2.3). The minor version, or what is wrong.
std::expected<int, RequestFault> minor_version(std::string_view version) {
  if (version.size() != 8 || !version.starts_with("HTTP/") || !is_digit(version[5]) || version[6] != '.' ||
      !is_digit(version[7])) {
    return std::unexpected(bad("The request line does not end in an HTTP version."));
  }
  if (version[5] != '1')
    return std::unexpected(RequestFault{Status::http_version_not_supported, "Only HTTP/1 is spoken here."});
  return version[7] - '0';
}

// Splits the target into path and query. False if it is in none of the four forms that its method allows.
bool split_target(RequestHead& head) {
  std::string_view target = head.target;
  for (const char c : target) {
    // A fragment never belongs into a request (RFC 9112, section 3.2); anything else not in RFC 3986's alphabet that
    // browsers send as it stands (as "|" in a query) does no harm.
    if (!is_vchar(c) || c == '#') return false;
  }
  if (head.method_name == "CONNECT") {
    head.path = target;
    return !target.empty() && is_host(target);
  }
  if (target == "*") {
    head.path = target;
    return head.method_name == "OPTIONS";
  }
  if (!target.starts_with('/')) {
    // RFC 9112, section 3.2.2: "a server MUST accept the absolute-form in requests".
    const std::size_t scheme_end = target.find(':');
    if (scheme_end == target.npos) return false;
    const std::string_view scheme = first(target, scheme_end);
    if (!equals_ignoring_case(scheme, "http") && !equals_ignoring_case(scheme, "https")) return false;
    target.remove_prefix(scheme_end);
    if (!target.starts_with("://")) return false;
    target.remove_prefix(3);
    std::size_t end = 0;
    while (end < target.size() && target[end] != '/' && target[end] != '?') ++end;
    head.host = first(target, end);
    if (end == 0 || !is_host(head.host)) return false;
    target.remove_prefix(end);
  }
  const std::size_t question = target.find('?');
  head.path = question == target.npos ? target : first(target, question);
  head.query = question == target.npos ? std::string_view() : from(target, question);
  if (head.path.empty()) head.path = "/";
  return true;
}

// Whether content may follow although its length was not given: up to the end of the connection, as HTTP/1.0 had it.
bool may_have_content(std::string_view method) { return method == "POST" || method == "PUT" || method == "PATCH"; }

// RFC 9112, section 6. Whatever two recipients could read differently is refused: it is how requests are smuggled.
std::expected<BodyFraming, RequestFault> body_framing(const Fields& fields, int minor, std::string_view method) {
  const int lengths = fields.count("content-length");
  const int codings = fields.count("transfer-encoding");
  if (codings > 0) {
    // Section 6.1: "a server ... MAY reject a request that contains both Content-Length and Transfer-Encoding"; and "A
    // server or client that receives an HTTP/1.0 message containing a Transfer-Encoding header field MUST treat the
    // message as if the framing is faulty".
    if (lengths > 0) return std::unexpected(bad("Content-Length and Transfer-Encoding exclude each other."));
    if (minor == 0) return std::unexpected(bad("HTTP/1.0 has no Transfer-Encoding."));
    if (codings > 1) return std::unexpected(bad("Transfer-Encoding may be given once."));
    if (!equals_ignoring_case(fields.only("transfer-encoding").value_or(""), "chunked")) {
      return std::unexpected(RequestFault{Status::not_implemented, "The only transfer coding understood is chunked."});
    }
    return ChunkedBody{};
  }
  if (lengths == 0 && minor == 0 && may_have_content(method)) {
    // RFC 1945, section 7.2.2: "a valid Content-Length header field is required on all HTTP/1.0 POST requests".
    return std::unexpected(RequestFault{Status::length_required, "The length of the content must be given."});
  }
  if (lengths == 0) return std::uint64_t{0};
  const auto length = lengths == 1 ? parse_decimal(fields.only("content-length").value_or("")) : std::nullopt;
  if (!length) return std::unexpected(bad("Content-Length must be given once, as a number."));
  return *length;
}

}  // namespace

std::expected<RequestHead, RequestFault> parse_request(Bytes bytes) {
  std::string_view text = as_text(bytes);
  // RFC 9112, section 2.2: "a server that is expecting to receive and parse a request-line SHOULD ignore at least one
  // empty line (CRLF) received prior to the request-line."
  while (text.starts_with("\r\n")) text.remove_prefix(2);
  if (text.ends_with("\r\n")) text.remove_suffix(2);
  std::string_view line = cut(text, '\n');
  if (line.ends_with('\r')) line.remove_suffix(1);

  RequestHead head;
  head.method_name = cut(line, ' ');
  head.target = cut(line, ' ');
  if (!is_token(head.method_name)) return std::unexpected(bad("The request does not begin with a method."));
  if (head.target.empty()) return std::unexpected(bad("The request line has no target."));
  const auto minor = minor_version(line);
  if (!minor) return std::unexpected(minor.error());
  head.minor_version = *minor;
  head.method = method_of(head.method_name);
  if (!split_target(head)) return std::unexpected(bad("The request target is malformed."));

  head.fields = Fields(text);
  if (!head.fields.well_formed()) return std::unexpected(bad("A header field is malformed."));

  // RFC 9112, section 3.2: "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message
  // that lacks a Host header field and to any request message that contains more than one Host header field line or a
  // Host header field with an invalid field value."
  const int hosts = head.fields.count("host");
  if (hosts > 1 || (hosts == 0 && head.minor_version > 0)) return std::unexpected(bad("There must be one Host field."));
  if (hosts == 1 && !is_host(*head.fields.only("host"))) return std::unexpected(bad("The Host field is malformed."));
  // Section 3.2.2: "When an origin server receives a request with an absolute-form of request-target, the origin server
  // MUST ignore the received Host header field (if any) and instead use the host information of the request-target."
  if (head.host.empty()) head.host = head.fields.only("host").value_or("");

  const auto body = body_framing(head.fields, head.minor_version, head.method_name);
  if (!body) return std::unexpected(body.error());
  head.body = *body;

  bool close = false, keep_alive = false;
  head.fields.each_element("connection", [&](std::string_view option) {
    close = close || equals_ignoring_case(option, "close");
    keep_alive = keep_alive || equals_ignoring_case(option, "keep-alive");
  });
  // RFC 9112, section 9.3.
  head.keep_alive = !close && (head.minor_version > 0 || keep_alive);

  if (const int expectations = head.fields.count("expect"); expectations > 0 && head.minor_version > 0) {
    if (!equals_ignoring_case(head.fields.only("expect").value_or(""), "100-continue")) {
      return std::unexpected(
          RequestFault{Status::expectation_failed, "The only expectation understood is 100-continue."});
    }
    head.expects_continue = true;
  }
  return head;
}

}  // namespace limpid::http

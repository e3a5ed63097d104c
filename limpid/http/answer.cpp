#include "limpid/http/answer.hpp"

#include "limpid/http/date.hpp"
#include "limpid/http/media_type.hpp"

namespace limpid::http {
namespace {

void emit_entity_tag(const Found& found, WindowWriter& out) {
  out.character('"');
  out.hex(found.size);
  out.character('-');
  out.hex(found.version);
  out.character('"');
}

// Takes one entity tag, or "*", from the front of a list (RFC 9110, section 8.8.3). False at the end or at what is
// neither.
bool take_entity_tag(std::string_view& list, bool& weak, std::string_view& opaque) {
  while (!list.empty() && (list.front() == ' ' || list.front() == '\t' || list.front() == ',')) list.remove_prefix(1);
  weak = list.starts_with("W/");
  if (weak) list.remove_prefix(2);
  if (list.starts_with('*')) {
    opaque = first(list, 1);
    list.remove_prefix(1);
    return !weak;
  }
  if (!list.starts_with('"')) return false;
  const std::size_t end = list.find('"', 1);
  if (end == list.npos) return false;
  opaque = first(list, end + 1);
  list.remove_prefix(end + 1);
  return true;
}

// Whether one of the tags in the fields `name` matches the file's, which is strong. RFC 9110, section 8.8.3.2: strong
// comparison never matches a weak tag.
bool any_tag_matches(const Fields& fields, std::string_view name, const Found& found, bool strong_comparison) {
  Byte storage[40];
  WindowWriter own(0, storage);
  emit_entity_tag(found, own);
  const std::string_view own_tag = as_text(Bytes(own.shown()));
  bool matches = false;
  fields.each([&](Field field) {
    if (!equals_ignoring_case(field.name, name)) return;
    std::string_view opaque;
    bool weak = false;
    for (std::string_view list = field.value; take_entity_tag(list, weak, opaque);) {
      if (opaque == "*" || (opaque == own_tag && !(weak && strong_comparison))) matches = true;
    }
  });
  return matches;
}

std::optional<UnixTime> date_field(const Fields& fields, std::string_view name, UnixTime now) {
  const auto value = fields.only(name);
  return value ? parse_date(*value, now) : std::nullopt;
}

// For a person who sees the page.
std::string_view explanation(Status status, Bytes request) {
  switch (status) {
    case Status::moved_permanently:
      return "This is a directory; its address ends in a slash.";
    case Status::forbidden:
      return "This may not be read.";
    case Status::not_found:
      return "There is nothing here under this name.";
    case Status::method_not_allowed:
      return "Only GET and HEAD are allowed.";
    case Status::request_timeout:
      return "The request did not arrive in time.";
    case Status::precondition_failed:
      return "It is not the version that was asked for.";
    case Status::content_too_large:
      return "The request carries more content than is accepted.";
    case Status::uri_too_long:
      return "The request line is too long.";
    case Status::request_header_fields_too_large:
      return "The header fields are too many or too large.";
    case Status::internal_server_error:
      return "It could not be read.";
    case Status::service_unavailable:
      return "The server has no memory left for this request; try again later.";
    default:
      break;
  }
  if (request.empty()) return "The request contains a byte that no request may contain.";
  const auto head = parse_request(request);
  if (!head) return head.error().reason;
  if (status == Status::not_implemented) return "This method is not known here.";
  return std::holds_alternative<ChunkedBody>(head->body) ? "The chunked content or the path is malformed."
                                                         : "The path of the request is malformed.";
}

void emit_page(const AnswerText& answer, WindowWriter& out) {
  const auto title = [&] {
    out.decimal(static_cast<unsigned>(answer.status));
    out.character(' ');
    out.text(reason_phrase(answer.status));
  };
  out.text("<!doctype html>\n<title>");
  title();
  out.text("</title>\n<h1>");
  title();
  out.text("</h1>\n<p>");
  out.text(explanation(answer.status, answer.request));
  out.text("</p>\n");
}

// The path as a reference that cannot be taken for anything else: one slash in front, so never another host.
void emit_location(std::string_view path, std::string_view query, WindowWriter& out) {
  out.character('/');
  for (const char c : path) {
    if (is_alpha(c) || is_digit(c) || std::string_view("-._~!$&'()*+,;=:@/").find(c) != std::string_view::npos) {
      out.character(c);
    } else {
      constexpr std::string_view digits = "0123456789ABCDEF";
      const auto byte = static_cast<Byte>(c);
      out.character('%');
      out.character(digits[byte >> 4]);
      out.character(digits[byte & 15]);
    }
  }
  out.character('/');
  out.text(query);
}

void emit_date_field(std::string_view name, UnixTime date, WindowWriter& out) {
  out.text(name);
  out.text(imf_fixdate(date).text());
  out.text("\r\n");
}

void emit_head(const AnswerText& answer, std::string_view server_name, WindowWriter& out) {
  const auto request = parse_request(answer.request);
  out.text("HTTP/1.1 ");
  out.decimal(static_cast<unsigned>(answer.status));
  out.character(' ');
  out.text(reason_phrase(answer.status));
  out.text("\r\n");
  emit_date_field("Date: ", answer.date, out);
  out.text("Server: ");
  out.text(server_name);
  out.text("\r\n");
  if (answer.status == Status::ok) {
    out.text("Content-Type: ");
    out.text(media_type(answer.path));
    out.text("\r\nContent-Length: ");
    out.decimal(answer.file ? answer.file->size : 0);
    out.text("\r\n");
  } else if (answer.status != Status::not_modified) {
    WindowWriter page(0, {});
    emit_page(answer, page);
    out.text("Content-Type: text/html; charset=utf-8\r\nContent-Length: ");
    out.decimal(page.total());
    out.text("\r\n");
  }
  // RFC 9110, section 15.4.5: a 304 carries what a 200 would have carried of Date, ETag and the like.
  if (answer.file && (answer.status == Status::ok || answer.status == Status::not_modified)) {
    // RFC 9110, section 8.8.2.1: "An origin server with a clock MUST NOT generate a Last-Modified date that is later
    // than the server's time of message origination".
    emit_date_field("Last-Modified: ", std::min(answer.file->modified, answer.date), out);
    out.text("ETag: ");
    emit_entity_tag(*answer.file, out);
    out.text("\r\n");
  }
  if (answer.status == Status::method_not_allowed) out.text("Allow: GET, HEAD\r\n");
  if (answer.status == Status::moved_permanently) {
    out.text("Location: ");
    emit_location(answer.path, request ? request->query : std::string_view(), out);
    out.text("\r\n");
  }
  if (answer.close) {
    out.text("Connection: close\r\n");
  } else if (request && request->minor_version == 0) {
    out.text("Connection: keep-alive\r\n");
  }
  out.text("\r\n");
}

}  // namespace

// RFC 9110, section 13.2.2, whose steps these are.
Status evaluate_conditions(const RequestHead& request, const Found& found, UnixTime now) {
  const Fields& fields = request.fields;
  // What the peer sees as the modification date.
  const UnixTime modified = std::min(found.modified, now);
  if (fields.count("if-match") > 0) {
    if (!any_tag_matches(fields, "if-match", found, true)) return Status::precondition_failed;
  } else if (const auto date = date_field(fields, "if-unmodified-since", now)) {
    if (modified > *date) return Status::precondition_failed;
  }
  if (fields.count("if-none-match") > 0) {
    if (any_tag_matches(fields, "if-none-match", found, false)) return Status::not_modified;
  } else if (const auto date = date_field(fields, "if-modified-since", now)) {
    if (modified <= *date) return Status::not_modified;
  }
  return Status::ok;
}

void emit_answer(const AnswerText& answer, std::string_view server_name, WindowWriter& out) {
  emit_head(answer, server_name, out);
  if (answer.status == Status::ok || answer.status == Status::not_modified) return;
  const auto request = parse_request(answer.request);
  if (request && request->method == Method::head) return;
  emit_page(answer, out);
}

std::uint64_t answer_head_size(const AnswerText& answer, std::string_view server_name) {
  WindowWriter out(0, {});
  emit_head(answer, server_name, out);
  return out.total();
}

}  // namespace limpid::http

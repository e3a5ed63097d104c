#include "limpid/http/answer.hpp"

#include "limpid/http/date.hpp"
#include "limpid/http/escape.hpp"
#include "limpid/http/media_type.hpp"

namespace limpid::http {
namespace {

void emit_date_field(std::string_view name, UnixTime date, WindowWriter& out) {
  out.text(name);
  out.text(imf_fixdate(date).text());
  out.text("\r\n");
}

}  // namespace

AnswerText::AnswerText(const AnswerFacts& facts) : facts_(facts) {
  const auto request = parse_request(facts.request);
  if (request) {
    request_ = *request;
  } else {
    fault_ = request.error().reason;
  }
  if (facts.status != Status::partial_content || !facts.file || !request_) return;
  ranges_ = requested_ranges(*request_, *facts.file);
  // Behind the last of several ranges stands the end of the multipart.
  if (ranges_.size() > 1) parts_ = static_cast<std::uint32_t>(ranges_.size()) + 1;
}

ByteRange AnswerText::content(std::uint32_t part) const {
  if (!facts_.file || !request_ || request_->method != Method::get) return {};
  if (facts_.status == Status::ok) return {0, facts_.file->size};
  return part < ranges_.size() ? ranges_[part] : ByteRange{};
}

void AnswerText::emit(std::uint32_t part, WindowWriter& out) const {
  if (part == 0) {
    emit_head(out);
    if (has_page() && (!request_ || request_->method != Method::head)) emit_page(out);
  }
  if (parts_ > 1) emit_delimiter(part, out);
}

std::uint64_t AnswerText::head_size() const {
  WindowWriter out(0, {});
  emit_head(out);
  return out.total();
}

// Whether the content is a page that says what happened.
bool AnswerText::has_page() const {
  return facts_.status != Status::ok && facts_.status != Status::partial_content &&
         facts_.status != Status::no_content && facts_.status != Status::not_modified;
}

// For a person who sees the page.
std::string_view AnswerText::explanation() const {
  switch (facts_.status) {
    case Status::moved_permanently:
    case Status::permanent_redirect:
      return facts_.https_port != 0 ? "This is served over HTTPS."
                                    : "This is a directory; its address ends in a slash.";
    case Status::forbidden:
      return "This may not be read.";
    case Status::not_found:
      return "There is nothing here under this name.";
    case Status::method_not_allowed:
      return "Only GET, HEAD and OPTIONS are allowed.";
    case Status::request_timeout:
      return "The request did not arrive in time.";
    case Status::precondition_failed:
      return "It is not the version that was asked for.";
    case Status::content_too_large:
      return "The request carries more content than is accepted.";
    case Status::uri_too_long:
      return "The request line is too long.";
    case Status::range_not_satisfiable:
      return "It does not have the bytes that were asked for.";
    case Status::request_header_fields_too_large:
      return "The header fields are too many or too large.";
    case Status::internal_server_error:
      return "It could not be read.";
    case Status::service_unavailable:
      return "The server has no memory left for this request; try again later.";
    default:
      break;
  }
  if (facts_.request.empty()) return "The request contains a byte that no request may contain.";
  if (!request_) return fault_;
  if (facts_.status == Status::not_implemented) return "This method is not known here.";
  if (facts_.https_port != 0) return "The host of the request is missing or malformed.";
  return std::holds_alternative<ChunkedBody>(request_->body) ? "The chunked content or the path is malformed."
                                                             : "The path of the request is malformed.";
}

void AnswerText::emit_page(WindowWriter& out) const {
  const auto title = [&] {
    out.decimal(static_cast<unsigned>(facts_.status));
    out.character(' ');
    out.text(reason_phrase(facts_.status));
  };
  out.text("<!doctype html>\n<title>");
  title();
  out.text("</title>\n<h1>");
  title();
  out.text("</h1>\n<p>");
  out.text(explanation());
  out.text("</p>\n");
}

std::string_view AnswerText::type() const {
  const std::string_view path = facts_.path;
  return media_type(first(path, path.size() - suffix(facts_.coding).size()));
}

// RFC 9110, section 14.6. The boundary must not occur in the parts: whoever wrote the file could not foresee its
// version and the second in which it would be asked for.
void AnswerText::emit_boundary(WindowWriter& out) const {
  out.text("limpid-");
  out.hex(facts_.file->version);
  out.character('-');
  out.hex(static_cast<std::uint64_t>(facts_.date.seconds));
}

void AnswerText::emit_delimiter(std::uint32_t part, WindowWriter& out) const {
  out.text("\r\n--");
  emit_boundary(out);
  if (part == ranges_.size()) return out.text("--\r\n");
  out.text("\r\nContent-Type: ");
  out.text(type());
  out.text("\r\n");
  emit_content_range(ranges_[part], out);
  out.text("\r\n");
}

std::uint64_t AnswerText::multipart_size() const {
  WindowWriter texts(0, {});
  std::uint64_t size = 0;
  for (std::uint32_t part = 0; part < parts_; ++part) {
    emit_delimiter(part, texts);
    if (part < ranges_.size()) size += ranges_[part].size;
  }
  return size + texts.total();
}

void AnswerText::emit_content_range(const ByteRange& range, WindowWriter& out) const {
  out.text("Content-Range: bytes ");
  out.decimal(range.offset);
  out.character('-');
  out.decimal(range.offset + range.size - 1);
  out.character('/');
  out.decimal(facts_.file->size);
  out.text("\r\n");
}

void AnswerText::emit_location(WindowWriter& out) const {
  out.text("Location: ");
  if (facts_.https_port != 0) {
    out.text("https://");
    out.text(redirectable_host(*request_));
    if (facts_.https_port != 443) {
      out.character(':');
      out.decimal(facts_.https_port);
    }
    out.text(request_->path);
  } else {
    // The path as a reference that cannot be taken for anything else: one slash in front, so never another host.
    out.character('/');
    percent_encode(facts_.path, out);
    out.character('/');
  }
  if (request_) out.text(request_->query);
  out.text("\r\n");
}

void AnswerText::emit_head(WindowWriter& out) const {
  const Status status = facts_.status;
  out.text("HTTP/1.1 ");
  out.decimal(static_cast<unsigned>(status));
  out.character(' ');
  out.text(reason_phrase(status));
  out.text("\r\n");
  emit_date_field("Date: ", facts_.date, out);
  out.text("Server: ");
  out.text(facts_.server_name);
  out.text("\r\n");
  const bool sends_file = status == Status::ok || status == Status::partial_content;
  if (sends_file) {
    out.text("Content-Type: ");
    if (parts_ > 1) {
      out.text("multipart/byteranges; boundary=");
      emit_boundary(out);
    } else {
      out.text(type());
    }
    if (facts_.coding != ContentCoding::identity) {
      out.text("\r\nContent-Encoding: ");
      out.text(name(facts_.coding));
    }
    out.text("\r\nContent-Length: ");
    const std::uint64_t whole = facts_.file ? facts_.file->size : 0;
    out.decimal(parts_ > 1 ? multipart_size() : ranges_.size() == 1 ? ranges_[0].size : whole);
    out.text("\r\n");
    if (ranges_.size() == 1) emit_content_range(ranges_[0], out);
  } else if (has_page()) {
    WindowWriter page(0, {});
    emit_page(page);
    out.text("Content-Type: text/html; charset=utf-8\r\nContent-Length: ");
    out.decimal(page.total());
    out.text("\r\n");
  }
  // RFC 9110, section 15.4.5: a 304 carries what a 200 would have carried of Date, ETag, Vary and the like.
  if (facts_.file && (sends_file || status == Status::not_modified)) {
    // RFC 9110, section 8.8.2.1: "An origin server with a clock MUST NOT generate a Last-Modified date that is later
    // than the server's time of message origination".
    emit_date_field("Last-Modified: ", std::min(facts_.file->modified, facts_.date), out);
    out.text("ETag: ");
    emit_entity_tag(*facts_.file, facts_.coding, out);
    out.text("\r\nAccept-Ranges: bytes\r\n");
    // Whether or not there is another form of it at the moment: caches must not give one to whom the other is due.
    if (is_compressible(type())) out.text("Vary: Accept-Encoding\r\n");
  }
  // Section 15.5.17: "A server that generates a 416 response to a byte-range request SHOULD generate a Content-Range
  // header field specifying the current length of the selected representation."
  if (status == Status::range_not_satisfiable && facts_.file) {
    out.text("Content-Range: bytes */");
    out.decimal(facts_.file->size);
    out.text("\r\n");
  }
  if (status == Status::method_not_allowed || status == Status::no_content) out.text("Allow: GET, HEAD, OPTIONS\r\n");
  if (status == Status::moved_permanently || status == Status::permanent_redirect) emit_location(out);
  out.text("X-Content-Type-Options: nosniff\r\n");
  if (facts_.close) {
    out.text("Connection: close\r\n");
  } else if (request_ && request_->minor_version == 0) {
    out.text("Connection: keep-alive\r\n");
  }
  out.text("\r\n");
}

std::string_view redirectable_host(const RequestHead& request) {
  std::string_view host = request.host;
  if (host.starts_with('[')) return first(host, host.find(']') + 1);
  host = cut(host, ':');
  for (const char c : host) {
    if (!is_alpha(c) && !is_digit(c) && c != '-' && c != '.' && c != '_') return {};
  }
  return host;
}

}  // namespace limpid::http

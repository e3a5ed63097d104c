// The text of the server's answers: a function of the request, what it found, and when.
#pragma once

#include "limpid/http/conditions.hpp"

namespace limpid::http {

struct AnswerFacts {
  Bytes request;          // its head; empty if it could not be read
  std::string_view path;  // the file's, as looked up
  ContentCoding coding = ContentCoding::identity;
  Status status = Status::ok;
  bool close = false;
  UnixTime date;
  std::optional<Found> file{};     // where has_file(status)
  std::string_view server_name{};  // of the Server field
  std::uint16_t https_port = 0;    // not 0: the answer is a redirect to there
};

// Whether there is a file behind such an answer, sent or not.
constexpr bool has_file(Status status) {
  return status == Status::ok || status == Status::partial_content || status == Status::not_modified ||
         status == Status::precondition_failed || status == Status::range_not_satisfiable;
}

// An answer is one or more parts, each of them text with bytes of the file behind it. The text of the first part begins
// with the head; what is no file is text altogether. Several parts are multipart/byteranges.
class AnswerText {
 public:
  // Views into `facts` stay alive.
  explicit AnswerText(const AnswerFacts& facts);

  std::uint32_t parts() const { return parts_; }
  // What follows the text of a part; of size 0 if nothing does.
  ByteRange content(std::uint32_t part) const;
  void emit(std::uint32_t part, WindowWriter& out) const;

  std::uint64_t head_size() const;
  const std::optional<RequestHead>& request() const { return request_; }

 private:
  void emit_head(WindowWriter& out) const;
  void emit_page(WindowWriter& out) const;
  void emit_boundary(WindowWriter& out) const;
  void emit_delimiter(std::uint32_t part, WindowWriter& out) const;
  void emit_content_range(const ByteRange& range, WindowWriter& out) const;
  void emit_location(WindowWriter& out) const;
  bool has_page() const;
  std::string_view explanation() const;
  std::string_view type() const;
  std::uint64_t multipart_size() const;

  const AnswerFacts& facts_;
  std::optional<RequestHead> request_;  // none if it could not be parsed
  std::string_view fault_;              // why not
  RangeSet ranges_;                     // for partial_content
  std::uint32_t parts_ = 1;
};

// The host of a request as a redirect may name it, without its port: a name or an address of the characters that those
// have. Empty if it is not such a one.
std::string_view redirectable_host(const RequestHead& request);

}  // namespace limpid::http

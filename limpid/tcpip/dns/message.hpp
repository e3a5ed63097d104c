// DNS messages (RFC 1035, section 4), as far as a stub resolver needs them: one question out, and in the answer names,
// addresses and aliases.
#pragma once

#include <expected>
#include <optional>

#include "limpid/core/inline_list.hpp"
#include "limpid/core/reader.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::tcpip::dns {

inline constexpr std::uint16_t server_port = 53;

// A domain name in wire form, not compressed: labels, each behind its length, and the root's 0. At most 255 bytes.
class Name {
 public:
  Name() = default;  // no name at all, not even the root

  // A host's name as text, with or without the final dot: letters, digits, hyphens and underscores in labels of 1 to 63
  // bytes. Nothing if it is not one.
  static std::optional<Name> from_text(std::string_view text);

  // Reads the name at `in`, which stands in `message` (RFC 1035, section 4.1.4). Work is bounded: each pointer must
  // lead to before what was read until then, and the whole to no more than 255 bytes. Otherwise `in` fails.
  static Name read(Bytes message, Reader& in);

  void emit(Writer& out) const { out.bytes(wire()); }
  // With dots between labels and none at the end; what is not printable, and a dot in a label, as '?'.
  void describe(Writer& out) const;

  Bytes wire() const { return labels_.span(); }
  bool empty() const { return labels_.empty(); }

  // RFC 4343: ASCII letters compare without case.
  friend bool operator==(const Name& a, const Name& b);

  static void fields(auto& self, auto&& visit) { visit(self.labels_); }
  bool restored(const LoadContext&) const;

 private:
  InlineBytes<255> labels_;
};

enum class RecordType : std::uint16_t { a = 1, cname = 5, aaaa = 28 };  // others are skipped
constexpr bool is_valid(RecordType type) {
  return type == RecordType::a || type == RecordType::cname || type == RecordType::aaaa;
}
inline constexpr std::uint16_t internet_class = 1;

enum class ResponseCode : std::uint8_t {
  no_error = 0,
  format_error = 1,
  server_failure = 2,
  name_error = 3,
  not_implemented = 4,
  refused = 5,
};

struct Header {
  std::uint16_t id = 0;
  bool response = false;
  std::uint8_t opcode = 0;
  bool authoritative = false, truncated = false, recursion_desired = false, recursion_available = false;
  ResponseCode code{};  // any of four bits
  std::uint16_t questions = 0, answers = 0, authorities = 0, additionals = 0;
  friend bool operator==(const Header&, const Header&) = default;

  static std::optional<Header> parse(Reader& in);
  void emit(Writer& out) const;
};

struct Question {
  Name name;
  RecordType type{};  // any of 16 bits
  std::uint16_t record_class = internet_class;
  friend bool operator==(const Question&, const Question&) = default;

  static std::optional<Question> parse(Bytes message, Reader& in);
  void emit(Writer& out) const;
};

struct Record {
  Name name;
  RecordType type{};  // any of 16 bits
  std::uint16_t record_class = internet_class;
  std::uint32_t ttl = 0;  // seconds; 0 if the highest bit was set (RFC 2181, section 8)
  Bytes data;
  std::size_t data_offset = 0;  // in the message
  friend bool operator==(const Record&, const Record&) = default;

  static std::optional<Record> parse(Bytes message, Reader& in);
};

}  // namespace limpid::tcpip::dns

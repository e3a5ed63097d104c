#include "limpid/tcpip/dns/message.hpp"

#include "limpid/core/text.hpp"

namespace limpid::tcpip::dns {
namespace {

constexpr std::size_t longest_label = 63;
// A pointer for each label, and no name has more labels: what a compressor makes needs no more jumps.
constexpr std::size_t most_jumps = 127;

constexpr Byte lower(Byte byte) { return byte >= 'A' && byte <= 'Z' ? static_cast<Byte>(byte + ('a' - 'A')) : byte; }

constexpr bool is_host_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' || c == '_';
}

}  // namespace

std::optional<Name> Name::from_text(std::string_view text) {
  if (text.ends_with('.')) text.remove_suffix(1);
  Name name;
  while (true) {
    const std::string_view label = part_of(text, 0, text.find('.'));
    if (label.empty() || label.size() > longest_label) return {};
    if (!std::all_of(label.begin(), label.end(), is_host_character)) return {};
    name.labels_.push_back(static_cast<Byte>(label.size()));
    for (const char c : label) name.labels_.push_back(static_cast<Byte>(c));
    if (label.size() == text.size()) break;
    text.remove_prefix(label.size() + 1);
  }
  // Where the text was too long, this does not fit either.
  if (!name.labels_.push_back(0)) return {};
  return name;
}

Name Name::read(Bytes message, Reader& in) {
  Name name;
  std::size_t before = in.offset();
  std::size_t jumps = 0;
  Reader elsewhere(message);
  Reader* from = &in;
  while (true) {
    const std::uint8_t length = from->u8();
    if ((length & 0xc0) == 0xc0) {
      const std::size_t target = (length & 0x3fu) << 8 | from->u8();
      // RFC 1035, section 4.1.4: "a pointer to a prior occurance of the same name".
      if (from->failed() || target >= before || ++jumps > most_jumps) break;
      before = target;
      elsewhere = Reader(message);
      elsewhere.skip(target);
      from = &elsewhere;
      continue;
    }
    // "The 10 and 01 combinations are reserved for future use."
    if (length > longest_label) break;
    const Bytes label = from->take(length);
    if (from->failed() || name.labels_.size() + 1 + length > name.labels_.capacity) break;
    name.labels_.push_back(length);
    for (const Byte byte : label) name.labels_.push_back(byte);
    if (length == 0) return name;
  }
  in.fail();
  return {};
}

void Name::describe(Writer& out) const {
  Reader in(wire());
  for (bool first = true; !in.empty(); first = false) {
    const Bytes label = in.vector8();
    if (label.empty()) break;
    if (!first) out.text(".");
    for (const Byte byte : label) out.u8(byte > 0x20 && byte < 0x7f && byte != '.' ? byte : '?');
  }
}

bool operator==(const Name& a, const Name& b) {
  // The lengths of labels are smaller than any letter, so they compare as they are.
  return std::equal(a.labels_.begin(), a.labels_.end(), b.labels_.begin(), b.labels_.end(),
                    [](Byte x, Byte y) { return lower(x) == lower(y); });
}

bool Name::restored(const LoadContext&) const {
  if (empty()) return true;
  Reader in(wire());
  while (!in.empty()) {
    const std::uint8_t length = in.u8();
    if (length == 0) return in.finished();
    if (length > longest_label) return false;
    in.skip(length);
  }
  return false;
}

std::optional<Header> Header::parse(Reader& in) {
  Header header;
  header.id = in.u16();
  const std::uint16_t flags = in.u16();
  header.response = (flags & 0x8000) != 0;
  header.opcode = flags >> 11 & 15;
  header.authoritative = (flags & 0x0400) != 0;
  header.truncated = (flags & 0x0200) != 0;
  header.recursion_desired = (flags & 0x0100) != 0;
  header.recursion_available = (flags & 0x0080) != 0;
  header.code = static_cast<ResponseCode>(flags & 15);
  header.questions = in.u16();
  header.answers = in.u16();
  header.authorities = in.u16();
  header.additionals = in.u16();
  if (in.failed()) return {};
  return header;
}

void Header::emit(Writer& out) const {
  out.u16(id);
  out.u16(static_cast<std::uint16_t>((response ? 0x8000 : 0) | (opcode & 15) << 11 | (authoritative ? 0x0400 : 0) |
                                     (truncated ? 0x0200 : 0) | (recursion_desired ? 0x0100 : 0) |
                                     (recursion_available ? 0x0080 : 0) | (static_cast<int>(code) & 15)));
  out.u16(questions);
  out.u16(answers);
  out.u16(authorities);
  out.u16(additionals);
}

std::optional<Question> Question::parse(Bytes message, Reader& in) {
  Question question;
  question.name = Name::read(message, in);
  question.type = static_cast<RecordType>(in.u16());
  question.record_class = in.u16();
  if (in.failed()) return {};
  return question;
}

void Question::emit(Writer& out) const {
  name.emit(out);
  out.u16(static_cast<std::uint16_t>(type));
  out.u16(record_class);
}

std::optional<Record> Record::parse(Bytes message, Reader& in) {
  Record record;
  record.name = Name::read(message, in);
  record.type = static_cast<RecordType>(in.u16());
  record.record_class = in.u16();
  const std::uint32_t ttl = in.u32();
  record.ttl = ttl > INT32_MAX ? 0 : ttl;
  const std::uint16_t size = in.u16();
  record.data_offset = in.offset();
  record.data = in.take(size);
  if (in.failed()) return {};
  return record;
}

}  // namespace limpid::tcpip::dns

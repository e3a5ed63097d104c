#include "limpid/x509/pem.hpp"

#include "limpid/core/constant_time.hpp"
#include "limpid/core/text.hpp"

namespace limpid::x509 {
namespace {

constexpr std::string_view begin_mark = "-----BEGIN ";
constexpr std::string_view end_mark = "-----END ";
constexpr std::string_view mark_end = "-----";

// All ones if low <= c <= high. All values are below 256.
constexpr std::uint64_t mask_in_range(std::uint64_t c, std::uint64_t low, std::uint64_t high) {
  return ~mask_from_bit((c - low) >> 63) & ~mask_from_bit((high - c) >> 63);
}

// The six bits that a character of the alphabet stands for; 0 and bit 6 for one outside of it.
constexpr std::uint64_t base64_value(Byte character) {
  const std::uint64_t c = character;
  std::uint64_t value = 0x40;
  value = select(mask_in_range(c, 'A', 'Z'), c - 'A', value);
  value = select(mask_in_range(c, 'a', 'z'), c - 'a' + 26, value);
  value = select(mask_in_range(c, '0', '9'), c - '0' + 52, value);
  value = select(mask_if_zero(c ^ '+'), 62, value);
  return select(mask_if_zero(c ^ '/'), 63, value);
}

constexpr Byte base64_character(std::uint64_t value) {
  std::uint64_t c = '/';
  c = select(mask_in_range(value, 0, 25), 'A' + value, c);
  c = select(mask_in_range(value, 26, 51), 'a' + value - 26, c);
  c = select(mask_in_range(value, 52, 61), '0' + value - 52, c);
  return static_cast<Byte>(select(mask_if_zero(value ^ 62), '+', c));
}

constexpr bool is_space(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n' || c == '\v' || c == '\f'; }

// What stands between `mark` and the closing dashes of the line, if it is such a line.
std::optional<std::string_view> label_of(std::string_view line, std::string_view mark) {
  while (!line.empty() && is_space(line.back())) line.remove_suffix(1);
  if (!line.starts_with(mark) || !line.ends_with(mark_end) || line.size() < mark.size() + mark_end.size()) {
    return std::nullopt;
  }
  line.remove_prefix(mark.size());
  line.remove_suffix(mark_end.size());
  return line;
}

std::string_view between(const char* from, const char* to) { return {from, static_cast<std::size_t>(to - from)}; }

}  // namespace

std::string_view describe(PemFault fault) {
  switch (fault) {
    case PemFault::no_end:
      return "a PEM block without its END line";
    case PemFault::wrong_end:
      return "a PEM block whose END line names another label";
    case PemFault::bad_base64:
      return "a PEM block that is not Base64";
  }
  return "";
}

bool PemBlock::decode(Writer& out) const {
  std::uint64_t bits = 0;
  std::uint64_t outside = 0;
  unsigned characters = 0;  // in the group of four
  unsigned padding = 0;
  for (const char c : base64) {
    if (is_space(c)) continue;
    if (c == '=') {
      ++padding;
      continue;
    }
    if (padding > 0) return false;
    const std::uint64_t value = base64_value(static_cast<Byte>(c));
    outside |= value;
    bits = (bits << 6 | (value & 0x3f)) & 0xff'ffff;
    if (++characters < 4) continue;
    out.u24(static_cast<std::uint32_t>(bits));
    bits = 0;
    characters = 0;
  }
  if ((outside & 0x40) != 0) return false;
  if (characters == 0) return padding == 0;
  if (characters + padding != 4 || characters == 1) return false;
  if (characters == 3) {
    out.u16(static_cast<std::uint16_t>(bits >> 2));
    return (bits & 3) == 0;
  }
  out.u8(static_cast<std::uint8_t>(bits >> 4));
  return (bits & 15) == 0;
}

std::string_view PemReader::take_line() {
  const std::size_t end = std::min(text_.find('\n'), text_.size());
  const std::string_view line = part_of(text_, 0, end);
  text_.remove_prefix(std::min(end + 1, text_.size()));
  ++line_;
  return line;
}

std::expected<std::optional<PemBlock>, PemError> PemReader::next() {
  std::optional<PemBlock> block;
  while (!block) {
    if (text_.empty()) return std::nullopt;
    if (const auto label = label_of(take_line(), begin_mark)) block = PemBlock{*label, {}, {}, line_};
  }
  const char* body = text_.data();
  while (!text_.empty()) {
    const char* const at = text_.data();
    const std::string_view line = take_line();
    if (line.starts_with(begin_mark)) break;
    if (line.find(':') != std::string_view::npos) {
      // RFC 1421's headers come before an empty line, and one may go on over several lines.
      while (!text_.empty() && text_.front() != '\r' && text_.front() != '\n' && text_.front() != '-') take_line();
      block->headers = between(body, text_.data());
      body = text_.data();
      continue;
    }
    const auto label = label_of(line, end_mark);
    if (!label) continue;
    if (*label != block->label) return std::unexpected(PemError{PemFault::wrong_end, block->line});
    block->base64 = between(body, at);
    return block;
  }
  return std::unexpected(PemError{PemFault::no_end, block->line});
}

void write_pem(Writer& out, std::string_view label, Bytes der) {
  out.text(begin_mark);
  out.text(label);
  out.text("-----\n");
  while (!der.empty()) {
    Byte line[65];
    std::size_t size = 0;
    for (; !der.empty() && size < 64; der = der.subspan(std::min<std::size_t>(der.size(), 3))) {
      std::uint64_t bits = 0;
      for (std::size_t i = 0; i < 3; ++i) bits = bits << 8 | (i < der.size() ? der[i] : 0);
      for (unsigned i = 0; i < 4; ++i) {
        line[size++] = i <= der.size() ? base64_character(bits >> (18 - 6 * i) & 0x3f) : Byte{'='};
      }
    }
    line[size++] = '\n';
    out.bytes({line, size});
    wipe(line);
  }
  out.text(end_mark);
  out.text(label);
  out.text("-----\n");
}

}  // namespace limpid::x509

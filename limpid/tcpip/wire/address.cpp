#include "limpid/tcpip/wire/address.hpp"

#include <charconv>

#include "limpid/core/text.hpp"

namespace limpid::tcpip {
namespace {

// All of `text` as a number of at most `max`, without sign and, in decimal, without leading zeros.
std::optional<unsigned> number(std::string_view text, int base, unsigned max) {
  unsigned value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (text.empty() || error != std::errc() || end != text.data() + text.size() || value > max) return std::nullopt;
  if (base == 10 && text.size() > 1 && text[0] == '0') return std::nullopt;
  return value;
}

std::optional<std::array<Byte, 4>> parse_dotted(std::string_view text) {
  std::array<Byte, 4> four{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos) return std::nullopt;
    const auto octet = number(part_of(text, 0, end), 10, 255);
    if (!octet) return std::nullopt;
    four[i] = static_cast<Byte>(*octet);
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return four;
}

// RFC 4291, section 2.2: groups of 16 bits in hexadecimal, at most one "::" for groups of zeros, and perhaps the last
// 32 bits as an IPv4 address.
std::optional<IpAddress> parse_ipv6(std::string_view text) {
  std::array<Byte, 16> front{}, back{};
  std::size_t front_size = 0, back_size = 0;
  bool gap = false;
  if (text.starts_with("::")) {
    gap = true;
    text.remove_prefix(2);
  }
  while (!text.empty()) {
    auto& part = gap ? back : front;
    auto& size = gap ? back_size : front_size;
    const std::size_t end = std::min(text.find(':'), text.size());
    const std::string_view group = part_of(text, 0, end);
    if (end == text.size() && group.find('.') != std::string_view::npos) {
      const auto four = parse_dotted(group);
      if (!four || size + 4 > 16) return std::nullopt;
      copy(Bytes(*four), MutableBytes(part).subspan(size));
      size += 4;
      break;
    }
    const auto value = group.size() <= 4 ? number(group, 16, 0xffff) : std::nullopt;
    if (!value || size + 2 > 16) return std::nullopt;
    part[size++] = static_cast<Byte>(*value >> 8);
    part[size++] = static_cast<Byte>(*value);
    if (end == text.size()) break;
    text.remove_prefix(end + 1);
    if (text.empty()) return std::nullopt;  // a single colon at the end
    if (text[0] == ':') {
      if (gap) return std::nullopt;
      gap = true;
      text.remove_prefix(1);
    }
  }
  if (gap ? front_size + back_size > 14 : front_size != 16) return std::nullopt;
  IpAddress address{front};
  copy(Bytes(back).first(back_size), MutableBytes(address.octets).last(back_size));
  return address;
}

}  // namespace

bool Cidr::contains(const IpAddress& other) const {
  if (address.is_ipv4() != other.is_ipv4()) return false;
  const unsigned bits = std::min(128u, prefix_bits + (address.is_ipv4() ? 96u : 0u));
  const std::uint64_t high = address.high() ^ other.high(), low = address.low() ^ other.low();
  if (bits <= 64) return bits == 0 || high >> (64 - bits) == 0;
  return high == 0 && low >> (128 - bits) == 0;
}

std::optional<IpAddress> Cidr::broadcast() const {
  if (!address.is_ipv4() || prefix_bits > 30) return std::nullopt;
  return IpAddress::v4(address.v4_bits() | (0xffffffffu >> prefix_bits));
}

std::optional<IpAddress> parse_ip_address(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse_ipv6(text);
  const auto four = parse_dotted(text);
  return four ? std::optional(IpAddress::v4(*four)) : std::nullopt;
}

std::optional<Cidr> parse_cidr(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return std::nullopt;
  const auto address = parse_ip_address(part_of(text, 0, slash));
  if (!address) return std::nullopt;
  text.remove_prefix(slash + 1);
  const auto bits = number(text, 10, address->is_ipv4() ? 32 : 128);
  if (!bits) return std::nullopt;
  return Cidr{*address, static_cast<std::uint8_t>(*bits)};
}

std::optional<MacAddress> parse_mac_address(std::string_view text) {
  MacAddress mac;
  if (text.size() != 17) return std::nullopt;
  for (std::size_t i = 0; i < 6; ++i) {
    const auto octet = number(part_of(text, 3 * i, 2), 16, 255);
    if (!octet || (i < 5 && text[3 * i + 2] != ':')) return std::nullopt;
    mac.octets[i] = static_cast<Byte>(*octet);
  }
  return mac;
}

void write_text(Writer& out, const IpAddress& address) {
  if (address.is_ipv4()) {
    for (std::size_t i = 12; i < 16; ++i) {
      if (i > 12) out.text(".");
      out.decimal(address.octets[i]);
    }
    return;
  }
  const auto group = [&](std::size_t i) {
    return static_cast<unsigned>(address.octets[2 * i] << 8 | address.octets[2 * i + 1]);
  };
  // RFC 5952, section 4.2: "::" stands for the longest run of zero groups, the first of equals, at least two long.
  std::size_t gap = 8, gap_size = 1;
  for (std::size_t i = 0, run = 0; i < 8; ++i) {
    run = group(i) == 0 ? run + 1 : 0;
    if (run > gap_size) gap = i + 1 - run, gap_size = run;
  }
  for (std::size_t i = 0; i < 8;) {
    if (i == gap) {
      out.text("::");
      i += gap_size;
      continue;
    }
    if (i > 0 && i != gap + gap_size) out.text(":");
    char digits[4];
    const auto end = std::to_chars(digits, digits + sizeof(digits), group(i), 16).ptr;
    out.text({digits, static_cast<std::size_t>(end - digits)});
    ++i;
  }
}

}  // namespace limpid::tcpip

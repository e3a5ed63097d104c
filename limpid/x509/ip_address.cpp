#include "limpid/x509/ip_address.hpp"

#include "limpid/core/text.hpp"

namespace limpid::x509 {
namespace {

constexpr int hex_value(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

std::optional<std::array<Byte, 4>> parse_dotted(std::string_view text) {
  std::array<Byte, 4> bytes{};
  for (std::size_t i = 0; i < 4; ++i) {
    const std::size_t end = i < 3 ? text.find('.') : text.size();
    if (end == std::string_view::npos || end == 0 || end > 3) return std::nullopt;
    if (end > 1 && text[0] == '0') return std::nullopt;  // some read 010 as octal
    unsigned value = 0;
    for (const char c : part_of(text, 0, end)) {
      if (c < '0' || c > '9') return std::nullopt;
      value = value * 10 + static_cast<unsigned>(c - '0');
    }
    if (value > 255) return std::nullopt;
    bytes[i] = static_cast<Byte>(value);
    text.remove_prefix(i < 3 ? end + 1 : end);
  }
  return bytes;
}

std::optional<IpAddress> parse_ipv6(std::string_view text) {
  IpAddress address{{}, 16};
  std::size_t size = 0;            // bytes read
  std::optional<std::size_t> gap;  // where "::" stands, in bytes
  if (text.starts_with("::")) {
    gap = 0;
    text.remove_prefix(2);
  } else if (text.starts_with(':')) {
    return std::nullopt;
  }
  while (!text.empty()) {
    const std::size_t end = std::min(text.find(':'), text.size());
    const std::string_view group = part_of(text, 0, end);
    if (group.find('.') != std::string_view::npos) {
      const auto dotted = parse_dotted(group);
      if (!dotted || end != text.size() || size > 12) return std::nullopt;
      std::copy(dotted->begin(), dotted->end(), address.storage.begin() + static_cast<std::ptrdiff_t>(size));
      size += 4;
      break;
    }
    if (group.empty() || group.size() > 4 || size > 14) return std::nullopt;
    unsigned value = 0;
    for (const char c : group) {
      if (hex_value(c) < 0) return std::nullopt;
      value = value << 4 | static_cast<unsigned>(hex_value(c));
    }
    address.storage[size++] = static_cast<Byte>(value >> 8);
    address.storage[size++] = static_cast<Byte>(value);
    text.remove_prefix(end);
    if (text.empty()) break;
    text.remove_prefix(1);
    if (text.starts_with(':')) {
      if (gap) return std::nullopt;
      gap = size;
      text.remove_prefix(1);
    } else if (text.empty()) {
      return std::nullopt;  // ends in one colon
    }
  }
  if (!gap) return size == 16 ? std::optional(address) : std::nullopt;
  if (size > 14) return std::nullopt;  // "::" stands for one group at least
  const auto begin = address.storage.begin();
  const auto from = begin + static_cast<std::ptrdiff_t>(*gap);
  const auto to = begin + static_cast<std::ptrdiff_t>(size);
  std::copy_backward(from, to, address.storage.end());
  std::fill(from, from + static_cast<std::ptrdiff_t>(16 - size), Byte{0});
  return address;
}

void write_number(Writer& out, unsigned value, unsigned base) {
  char digits[5];
  std::size_t at = sizeof(digits);
  do {
    digits[--at] = "0123456789abcdef"[value % base];
  } while (value /= base);
  out.text({digits + at, sizeof(digits) - at});
}

void write_ipv6(Writer& out, Bytes bytes) {
  const auto group = [&](std::size_t i) { return static_cast<unsigned>(bytes[2 * i] << 8 | bytes[2 * i + 1]); };
  // RFC 5952, section 4.2: the longest run of zero groups, the first of equals, at least two long.
  std::size_t run_at = 8;
  std::size_t run_size = 1;
  for (std::size_t i = 0; i < 8; ++i) {
    std::size_t size = 0;
    while (i + size < 8 && group(i + size) == 0) ++size;
    if (size > run_size) {
      run_at = i;
      run_size = size;
    }
  }
  for (std::size_t i = 0; i < 8; ++i) {
    if (i == run_at) {
      out.text("::");
      i += run_size - 1;
      continue;
    }
    if (i > 0 && i != run_at + run_size) out.text(":");
    write_number(out, group(i), 16);
  }
}

}  // namespace

std::optional<IpAddress> ip_from_bytes(Bytes bytes) {
  if (bytes.size() != 4 && bytes.size() != 16) return std::nullopt;
  IpAddress address{{}, static_cast<std::uint8_t>(bytes.size())};
  copy(bytes, address.storage);
  return address;
}

std::optional<IpAddress> parse_ip(std::string_view text) {
  if (text.find(':') != std::string_view::npos) return parse_ipv6(text);
  const auto dotted = parse_dotted(text);
  return dotted ? ip_from_bytes(*dotted) : std::nullopt;
}

void write_ip(Writer& out, Bytes bytes) {
  if (bytes.size() == 16) return write_ipv6(out, bytes);
  if (bytes.size() == 4) {
    for (std::size_t i = 0; i < 4; ++i) {
      if (i > 0) out.text(".");
      write_number(out, bytes[i], 10);
    }
    return;
  }
  for (const Byte byte : bytes) {
    const char digits[] = {"0123456789abcdef"[byte >> 4], "0123456789abcdef"[byte & 15]};
    out.text({digits, 2});
  }
}

}  // namespace limpid::x509

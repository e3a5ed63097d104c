// Characters and small text operations of RFC 9110, section 5.6. None of them can throw or allocate.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace limpid::http {

constexpr bool is_digit(char c) { return c >= '0' && c <= '9'; }
constexpr bool is_alpha(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
constexpr bool is_vchar(char c) { return c > 0x20 && c < 0x7f; }

// RFC 9110, section 5.6.2: tchar.
constexpr bool is_token_char(char c) {
  return is_digit(c) || is_alpha(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}
constexpr bool is_token(std::string_view text) {
  for (const char c : text) {
    if (!is_token_char(c)) return false;
  }
  return !text.empty();
}

constexpr int hex_value(char c) {
  if (is_digit(c)) return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

constexpr char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + ('a' - 'A')) : c; }
constexpr bool equals_ignoring_case(std::string_view a, std::string_view b) {
  if (a.size() != b.size()) return false;
  for (std::size_t i = 0; i < a.size(); ++i) {
    if (lower(a[i]) != lower(b[i])) return false;
  }
  return true;
}

// Without std::string_view::substr, whose range check drags in an exception. `at` <= size.
constexpr std::string_view from(std::string_view text, std::size_t at) {
  text.remove_prefix(at);
  return text;
}
constexpr std::string_view first(std::string_view text, std::size_t n) {
  text.remove_suffix(text.size() - n);
  return text;
}

// Without optional whitespace (SP, HTAB) at both ends.
constexpr std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

// Cuts `text` at the first `separator`: returns what is in front and leaves what is behind; all of it if there is none.
constexpr std::string_view cut(std::string_view& text, char separator) {
  const std::size_t at = text.find(separator);
  const std::string_view front = at == text.npos ? text : first(text, at);
  text = at == text.npos ? std::string_view() : from(text, at + 1);
  return front;
}

// One or more digits and nothing else. Empty if it is not that or does not fit.
constexpr std::optional<std::uint64_t> parse_decimal(std::string_view text) {
  std::uint64_t value = 0;
  for (const char c : text) {
    if (!is_digit(c) || __builtin_mul_overflow(value, 10, &value) ||
        __builtin_add_overflow(value, static_cast<std::uint64_t>(c - '0'), &value)) {
      return {};
    }
  }
  if (text.empty()) return {};
  return value;
}

}  // namespace limpid::http

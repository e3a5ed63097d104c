#include "limpid/http/path.hpp"

#include "limpid/http/syntax.hpp"

namespace limpid::http {
namespace {

// A byte of a segment as it stands or encoded. 0 on failure, which no segment contains.
std::expected<char, PathFault> take_character(std::string_view& raw) {
  char c = raw.front();
  raw.remove_prefix(1);
  if (!is_vchar(c)) return std::unexpected(PathFault::bad_character);
  if (c == '%') {
    if (raw.size() < 2 || hex_value(raw[0]) < 0 || hex_value(raw[1]) < 0) {
      return std::unexpected(PathFault::bad_encoding);
    }
    c = static_cast<char>(hex_value(raw[0]) * 16 + hex_value(raw[1]));
    raw.remove_prefix(2);
    if (c == '/') return std::unexpected(PathFault::encoded_slash);
    const auto byte = static_cast<Byte>(c);
    if (byte < 0x20 || byte == 0x7f) return std::unexpected(PathFault::bad_character);
  }
  if (c == '\\') return std::unexpected(PathFault::bad_character);
  return c;
}

}  // namespace

std::expected<std::string_view, PathFault> normalize_path(std::string_view raw, MutableBytes out) {
  if (!raw.starts_with('/')) return std::unexpected(PathFault::not_absolute);
  std::size_t size = 0;     // of the result; behind a segment that ended stands its slash
  std::size_t segment = 0;  // where the segment being read begins
  const auto end_segment = [&](bool by_slash) -> bool {
    const std::string_view text = as_text(Bytes(out.subspan(segment, size - segment)));
    if (text.empty() || text == ".") {
      size = segment;
    } else if (text == "..") {
      if (segment == 0) return false;
      // Back over the slash before this segment to the one before that.
      size = segment - 1;
      while (size > 0 && out[size - 1] != '/') --size;
    } else if (by_slash) {
      out[size++] = '/';
    }
    segment = size;
    return true;
  };
  while (!raw.empty()) {
    if (raw.front() == '/') {
      raw.remove_prefix(1);
      if (!end_segment(true)) return std::unexpected(PathFault::leaves_the_root);
      continue;
    }
    const auto c = take_character(raw);
    if (!c) return std::unexpected(c.error());
    out[size++] = static_cast<Byte>(*c);
  }
  if (!end_segment(false)) return std::unexpected(PathFault::leaves_the_root);
  return as_text(Bytes(out.first(size)));
}

bool is_hidden(std::string_view path) {
  std::string_view rest = path;
  if (cut(rest, '/') == ".well-known") path = rest;
  while (!path.empty()) {
    if (cut(path, '/').starts_with('.')) return true;
  }
  return false;
}

}  // namespace limpid::http

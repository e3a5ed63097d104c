#include "limpid/http/media_type.hpp"

#include <algorithm>

#include "limpid/http/syntax.hpp"

namespace limpid::http {

std::string_view media_type(std::string_view path) {
  struct Type {
    std::string_view extension, media_type;
  };
  static constexpr Type types[] = {
      {"html", "text/html; charset=utf-8"},
      {"htm", "text/html; charset=utf-8"},
      {"css", "text/css; charset=utf-8"},
      {"js", "text/javascript; charset=utf-8"},
      {"mjs", "text/javascript; charset=utf-8"},
      {"txt", "text/plain; charset=utf-8"},
      {"md", "text/markdown; charset=utf-8"},
      {"csv", "text/csv; charset=utf-8"},
      {"xml", "application/xml"},
      {"json", "application/json"},
      {"map", "application/json"},
      {"webmanifest", "application/manifest+json"},
      {"pdf", "application/pdf"},
      {"wasm", "application/wasm"},
      {"zip", "application/zip"},
      {"gz", "application/gzip"},
      {"tar", "application/x-tar"},
      {"svg", "image/svg+xml"},
      {"png", "image/png"},
      {"jpg", "image/jpeg"},
      {"jpeg", "image/jpeg"},
      {"gif", "image/gif"},
      {"webp", "image/webp"},
      {"avif", "image/avif"},
      {"ico", "image/x-icon"},
      {"woff", "font/woff"},
      {"woff2", "font/woff2"},
      {"ttf", "font/ttf"},
      {"otf", "font/otf"},
      {"mp3", "audio/mpeg"},
      {"ogg", "audio/ogg"},
      {"wav", "audio/wav"},
      {"mp4", "video/mp4"},
      {"webm", "video/webm"},
  };
  if (path.ends_with('/')) return types[0].media_type;
  const std::size_t slash = path.rfind('/');
  if (slash != path.npos) path = from(path, slash + 1);
  const std::size_t dot = path.rfind('.');
  if (dot != path.npos) {
    for (const Type& type : types) {
      if (equals_ignoring_case(from(path, dot + 1), type.extension)) return type.media_type;
    }
  }
  return "application/octet-stream";
}

bool is_compressible(std::string_view media_type) {
  static constexpr std::string_view compressed[] = {
      "application/zip", "application/gzip", "application/pdf", "font/woff",  "font/woff2",
      "image/png",       "image/jpeg",       "image/gif",       "image/webp", "image/avif"};
  if (std::ranges::find(compressed, media_type) != std::end(compressed)) return false;
  return !media_type.starts_with("audio/") && !media_type.starts_with("video/");
}

}  // namespace limpid::http

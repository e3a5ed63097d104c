// From the path of a request target to the name of a file below a directory.
#pragma once

#include <expected>

#include "limpid/core/bytes.hpp"

namespace limpid::http {

enum class PathFault : std::uint8_t {
  not_absolute,     // does not begin with "/"
  bad_character,    // not a visible ASCII character, or a backslash, as it stands or encoded; or an encoded control
                    // character
  bad_encoding,     // a "%" without two hexadecimal digits
  encoded_slash,    // %2F: no file name contains one
  leaves_the_root,  // more ".." than segments before them
};

// Decodes and normalizes `raw`, the path of a target without its query, into `out`, which holds at least raw.size()
// bytes and may not overlap it. The result is relative to the directory served: segments separated by single slashes,
// none of them empty, "." or "..", without a slash in front; one behind if the path names a directory ("/a/", "/a/.",
// "/a/b/.."). "/" gives an empty result. Bytes of 0x80 and above pass as they are when encoded.
//
// Dot segments are removed after decoding, so that "%2e%2e" is "..": what a file system would make of it decides.
std::expected<std::string_view, PathFault> normalize_path(std::string_view raw, MutableBytes out);

// Whether a normalized path names what is not to be seen: a segment that begins with a dot, such as .git or .htpasswd,
// unless it is ".well-known" in front (RFC 8615), which exists to be found.
bool is_hidden(std::string_view path);

}  // namespace limpid::http

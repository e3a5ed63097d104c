// What Content-Type a file name stands for.
#pragma once

#include <string_view>

namespace limpid::http {

// By the extension of the last segment of `path`, case aside; application/octet-stream if it is none we know. A path
// that ends in a slash stands for the listing of a folder, which is HTML.
std::string_view media_type(std::string_view path);

// Whether what has this type would become much smaller by being compressed: its format does not do that already.
bool is_compressible(std::string_view media_type);

}  // namespace limpid::http

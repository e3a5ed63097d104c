// What Content-Type a file name stands for.
#pragma once

#include <string_view>

namespace limpid::http {

// By the extension of the last segment of `path`, case aside; application/octet-stream if it is none we know.
std::string_view media_type(std::string_view path);

}  // namespace limpid::http

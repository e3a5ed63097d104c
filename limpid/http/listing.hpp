// The page that lists a folder, for drivers to answer a Lookup whose path ends in "/".
#pragma once

#include "limpid/core/time.hpp"
#include "limpid/core/writer.hpp"

namespace limpid::http {

struct ListedFile {
  std::string_view name;  // any bytes without a slash
  bool is_folder = false;
  std::uint64_t size = 0;
  UnixTime modified;
};

// begin, one entry for each file in the order in which they shall stand, end. `path` is the Lookup's. Whatever the
// names hold, the page is well-formed, and its references lead to what is in this folder, or above it.
void begin_listing(std::string_view path, Writer& out);
void list_entry(const ListedFile& file, Writer& out);
void end_listing(bool complete, Writer& out);

}  // namespace limpid::http

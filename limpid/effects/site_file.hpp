// What a connection has open of the directory served, and the answers to http::Lookup and http::ReadFile.
#pragma once

#include "limpid/core/vec.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/http/files.hpp"

namespace limpid::effects {

class SiteFile {
 public:
  // Opens it in place of what was open before. Yields an errno value; EISDIR for a folder. A listing is written into
  // memory that is charged to `budget`; ENOMEM if that refuses.
  std::expected<http::Found, int> look_up(const Directory& site, std::string_view path, Budget& budget);

  // Reads into `room`, which bounds what is read. A file that is not open here, since the state that asks came from
  // elsewhere, is opened again, and not read if it is not of the size and version that were promised.
  Bytes read(const Directory& site, const http::ReadFile& asked, MutableBytes room, Budget& budget);

  void close(http::FileId file);

 private:
  std::expected<http::Found, int> list(const Directory& site, std::string_view path, Budget& budget);

  std::uint32_t id_ = 0;  // names what is open to the machine
  bool open_ = false;
  OpenFile file_;
  Buffer listing_;  // instead of a file
};

// How HTTP says an errno value of look_up.
http::LookupFailure lookup_failure(int error);

}  // namespace limpid::effects

// How a server machine learns about files: it asks, and whoever drives it replies. No file, mapping or pointer is in a
// state.
#pragma once

#include <variant>

#include "limpid/core/bytes.hpp"
#include "limpid/core/machine.hpp"

namespace limpid::http {

// A file that the driver keeps open, named as the driver likes. CloseFile gives it back.
struct FileId {
  std::uint32_t value = 0;
  friend constexpr bool operator==(FileId, FileId) = default;
  static void fields(auto& self, auto&& visit) { visit(self.value); }
};

// Queries. Their views are into the state, and dead when it is stepped.

// Which file is this? Answered by Found or a LookupFailure.
struct Lookup {
  QueryId id;
  // Relative to the directory served, as normalize_path gives it. If it ends in "/", what is wanted is a page that
  // lists the folder of that name, "/" being the directory itself: http/listing.hpp writes it.
  std::string_view path;
};

// Give at most `room` bytes of this file from `offset`. Answered by a Piece.
struct ReadFile {
  QueryId id;
  FileId file;
  std::uint64_t offset = 0;
  std::uint32_t room = 0;
  // As looked up, for a driver that must open the file again because the state came from elsewhere. If it is not of
  // this size and version any more, the answer is an empty Piece.
  std::string_view path;
  std::uint64_t size = 0, version = 0;
};

// Answers.

// A regular file, open until CloseFile. `size` and `version` (say, the modification time in nanoseconds) make the
// entity tag, so a changed file must have another version.
struct Found {
  FileId file;
  std::uint64_t size = 0;
  UnixTime modified;
  std::uint64_t version = 0;
  friend constexpr bool operator==(const Found&, const Found&) = default;
  static void fields(auto& self, auto&& visit) { visit(self.file, self.size, self.modified, self.version); }
};

enum class LookupFailure : std::uint8_t {
  not_found,
  is_directory,
  forbidden,  // it is there but may not be served, or is neither file nor directory
  failed,     // an error that is not the peer's, such as too many open files
};
constexpr bool is_valid(LookupFailure failure) { return failure <= LookupFailure::failed; }

// The bytes read, at least one, lent for the step that takes them. None: the file has become shorter, or reading
// failed.
struct Piece {
  Bytes bytes;
  static void fields(auto& self, auto&& visit) { visit(self.bytes); }
};

using Answer = std::variant<Found, LookupFailure, Piece>;

// Event: the answer to the open query. A reply to an earlier one, or of another kind than was asked, is stale.
struct Reply {
  QueryId id;
  Answer answer;
  static void fields(auto& self, auto&& visit) { visit(self.id, self.answer); }
};

// Actions.

// The machine needs this file no more. Also answers a stale Found, so that no file is left open.
struct CloseFile {
  FileId file;
  static void fields(auto& self, auto&& visit) { visit(self.file); }
};

struct StaleReply {
  QueryId id;
  static void fields(auto& self, auto&& visit) { visit(self.id); }
};

}  // namespace limpid::http

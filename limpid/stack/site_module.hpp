// A site in one block of bytes: files, certificate chain, key and a seed, as `limpid image` packs it and the boot image
// serves it, in place.
//
// It begins with a head that says how long it is and holds a checksum, so that a module that was cut off or damaged on
// its way is refused. That is no protection against who writes it: whoever can, owns the key that is in it. What it
// says is checked nevertheless: nothing in it leads outside of it.
#pragma once

#include <expected>

#include "limpid/core/inline_list.hpp"
#include "limpid/core/writer.hpp"
#include "limpid/http/files.hpp"

namespace limpid::stack {

enum class SiteModuleFault : std::uint8_t {
  not_a_module,  // it does not begin like one
  other_version,
  cut_off,  // or longer than it says
  damaged,  // the checksum is another
  malformed,
};
std::string_view describe(SiteModuleFault fault);

class SiteModule {
 public:
  static constexpr std::size_t most_certificates = 8;
  static constexpr std::size_t seed_size = 32;

  struct File {
    Bytes path;  // relative, without "." and ".."; as normalize_path gives it
    UnixTime modified;
    std::uint64_t version = 0;  // http::Found
    Bytes content;
  };

  // What is to be packed. The files are sorted by path, each there once.
  struct Contents {
    std::span<const Bytes> chain;  // certificates in DER, leaf first; none: the site has no identity
    Bytes key;                     // PKCS #8 in DER; empty without a chain
    Bytes seed;                    // seed_size bytes
    std::span<const File> files;
  };
  // Fails (Writer) if a part is too large for its length.
  static void write(Writer& out, const Contents& contents);

  // A view into `module`, which must stay.
  static std::expected<SiteModule, SiteModuleFault> open(Bytes module);

  std::span<const Bytes> chain() const { return chain_.span(); }
  Bytes key() const { return key_; }
  Bytes seed() const { return seed_; }
  std::size_t files() const { return files_; }

  // The answers to an HTTP server's questions. A file stays open for ever; folders are not listed.
  http::Answer look_up(std::string_view path) const;
  http::Piece read(const http::ReadFile& asked) const;

 private:
  SiteModule() = default;

  File file(std::size_t index) const;
  // The first file whose path is not before this one.
  std::size_t lower_bound(std::string_view path) const;

  InlineList<Bytes, most_certificates> chain_;
  Bytes key_, seed_;
  std::size_t files_ = 0;
  Bytes index_, texts_;  // entries of fixed size; what they point into
};

}  // namespace limpid::stack

// PEM, the textual encoding of certificates and keys (RFC 7468).
#pragma once

#include <expected>
#include <optional>

#include "limpid/core/writer.hpp"

namespace limpid::x509 {

enum class PemFault : std::uint8_t {
  no_end,      // a BEGIN line without its END line
  wrong_end,   // END names another label than BEGIN
  bad_base64,  // a character outside the alphabet, wrong padding, or bits behind the end that are not zero
};
std::string_view describe(PemFault fault);

struct PemError {
  PemFault fault{};
  std::size_t line = 0;  // of the BEGIN line, the first line of the file being 1

  friend bool operator==(const PemError&, const PemError&) = default;
};

struct PemBlock {
  std::string_view label;    // "CERTIFICATE"
  std::string_view headers;  // RFC 1421's "Proc-Type: ..." lines, which old encrypted keys have; usually empty
  std::string_view base64;
  std::size_t line = 0;  // of the BEGIN line

  // At most this many bytes come out of decode.
  std::size_t max_size() const { return base64.size() / 4 * 3 + 3; }
  // Appends the decoded bytes. White space is ignored. False if it is not Base64; `out` may have failed besides. Table
  // look-ups are not used, so the time taken does not depend on a key's bits.
  [[nodiscard]] bool decode(Writer& out) const;
};

// Finds the blocks one after the other; text between them is ignored, as RFC 7468, section 2, wants.
class PemReader {
 public:
  explicit PemReader(Bytes text) : text_(as_text(text)) {}
  // Nothing at the end of the text.
  std::expected<std::optional<PemBlock>, PemError> next();

 private:
  std::string_view take_line();

  std::string_view text_;
  std::size_t line_ = 0;  // lines taken
};

// One block, lines of 64 characters.
void write_pem(Writer& out, std::string_view label, Bytes der);

}  // namespace limpid::x509

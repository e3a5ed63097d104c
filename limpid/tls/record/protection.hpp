// Record protection (RFC 8446, section 5.2 to 5.5): one direction, one traffic secret, its sequence number.
//
// Saved as cipher suite, traffic secret and sequence number; the keys are expanded again when loaded.
#pragma once

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/aead.hpp"
#include "limpid/tls/handshake/key_schedule.hpp"
#include "limpid/tls/record/record.hpp"

namespace limpid::tls::record {

using wire::CipherSuite;

// What a protected record adds to its content: header, inner content type, tag.
inline constexpr std::size_t overhead = header_size + 1 + crypto::aead_tag_size;

// Records that may be protected with one key. Section 5.5: "For AES-GCM, up to 2^24.5 full-size records (about 24
// million) may be encrypted on a given connection while keeping a safety margin of approximately 2^-57"; "For
// ChaCha20/Poly1305, the record sequence number would wrap before the safety limit is reached." The limit is per
// record, whatever its size, so it is on the safe side for short ones.
constexpr std::uint64_t record_limit(CipherSuite cipher_suite) {
  return crypto::aead_seal_limit(wire::aead_of(cipher_suite));
}

// A writer should send a KeyUpdate and update its keys when no more than so many records are left: a margin for the
// records that one step may emit, the KeyUpdate itself and a closing alert among them.
inline constexpr std::uint64_t update_margin = 1024;

// What both directions have.
class Protection {
 public:
  CipherSuite cipher_suite() const { return cipher_suite_; }
  const HashSecret& traffic_secret() const { return traffic_secret_; }
  // Of the next record. Never wraps: "Because the size of sequence numbers is 64-bit, they should not wrap. If a TLS
  // implementation would need to wrap a sequence number, it MUST either rekey or terminate the connection."
  std::uint64_t sequence_number() const { return sequence_number_; }
  bool has_key() const { return !traffic_secret_.empty(); }

  // Goes on to the next generation of keys (section 7.2), sequence number 0.
  void update(CpuFeatures cpu);

  static void fields(auto& self, auto&& visit) {
    visit(self.cipher_suite_, self.traffic_secret_, self.sequence_number_);
  }
  bool restored(const LoadContext& context);

 protected:
  Protection() = default;
  // `cipher_suite` must be valid and `traffic_secret` as long as its hash.
  Protection(CipherSuite cipher_suite, HashSecret traffic_secret, CpuFeatures cpu);

  void expand(CpuFeatures cpu);
  // The nonce of the next record (section 5.3).
  std::array<Byte, crypto::aead_nonce_size> nonce() const;

  CipherSuite cipher_suite_ = CipherSuite::tls_aes_128_gcm_sha256;
  HashSecret traffic_secret_;
  std::uint64_t sequence_number_ = 0;
  Secret<12> iv_;
  crypto::AeadKey key_;
};

// TLSInnerPlaintext without its padding.
struct InnerPlaintext {
  ContentType type{};      // handshake, alert or application_data
  MutableBytes content{};  // inside the record that was opened
};

class ReadProtection : public Protection {
 public:
  ReadProtection() = default;  // has no key: opens nothing
  ReadProtection(CipherSuite cipher_suite, HashSecret traffic_secret, CpuFeatures cpu)
      : Protection(cipher_suite, std::move(traffic_secret), cpu) {}

  // Decrypts a record of type application_data in place and checks what is inside (check_content included).
  // bad_record_mac leaves record and sequence number as they were, so the record may be skipped as early data.
  // Any other fault is found after decryption.
  std::expected<InnerPlaintext, Error> open(const Record& record, CpuFeatures cpu);
};

class WriteProtection : public Protection {
 public:
  WriteProtection() = default;  // has no key: seals nothing
  WriteProtection(CipherSuite cipher_suite, HashSecret traffic_secret, CpuFeatures cpu)
      : Protection(cipher_suite, std::move(traffic_secret), cpu) {}

  // How many more records this key may protect; 0 without a key.
  std::uint64_t records_left() const { return has_key() ? record_limit(cipher_suite_) - sequence_number_ : 0; }
  bool wants_update() const { return records_left() <= update_margin; }

  // Writes one record to the front of `out`: `content`, its type and `padding` zeros, sealed; returns its size, which
  // is content.size() + padding + overhead. 0, and nothing changed, if no record is left, if content and padding exceed
  // max_plaintext, or if `out` is too small. `content` does not overlap `out`.
  [[nodiscard]] std::size_t seal(ContentType type, Bytes content, std::size_t padding, MutableBytes out,
                                 CpuFeatures cpu);

  bool restored(const LoadContext& context) {
    return Protection::restored(context) && sequence_number_ <= record_limit(cipher_suite_);
  }
};

}  // namespace limpid::tls::record

// Ephemeral Diffie-Hellman over the groups that TLS names: X25519 (RFC 7748), P-256 and P-384 (SEC 1, RFC 8446
// section 4.2.8.2).
#pragma once

#include <optional>

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/generator.hpp"

namespace limpid::crypto {

// TLS code points (RFC 8446, section 4.2.7). Open: a value outside this list may be held, but has no keys.
enum class NamedGroup : std::uint16_t { secp256r1 = 0x0017, secp384r1 = 0x0018, x25519 = 0x001d };

constexpr bool is_valid(NamedGroup) { return true; }

// What a peer sends as its public value: an uncompressed point or 32 bytes; 0 for a group that is not supported.
constexpr std::size_t public_key_size(NamedGroup group) {
  switch (group) {
    case NamedGroup::secp256r1:
      return 65;
    case NamedGroup::secp384r1:
      return 97;
    case NamedGroup::x25519:
      return 32;
  }
  return 0;
}

constexpr bool is_supported(NamedGroup group) { return public_key_size(group) != 0; }

// Of private values, and of the shared secrets; 0 for a group that is not supported.
constexpr std::size_t private_key_size(NamedGroup group) {
  if (group == NamedGroup::secp384r1) return 48;
  return is_supported(group) ? 32 : 0;
}

// A key pair for one handshake. Saved as group and private value; the public one is computed again when loaded.
class EphemeralKey {
 public:
  EphemeralKey() = default;  // holds no key: only to be loaded or assigned into

  // `group` must be supported. Draws 32 or 48 bytes from the generator (for P-256 with probability 2^-32 another 32).
  static EphemeralKey generate(NamedGroup group, Generator& generator, CpuFeatures cpu);

  NamedGroup group() const { return group_; }
  // public_key_size(group()) bytes, alive as long as the key.
  Bytes public_key() const { return Bytes(public_key_).first(public_key_size(group_)); }

  // The shared secret as TLS uses it: the X coordinate, big-endian (RFC 8446, section 7.4.2), or X25519's output.
  // Nothing if the peer's value has the wrong length, is not a canonically encoded uncompressed point on the curve, or
  // if X25519's output is all zero.
  std::optional<SecretBytes<48>> agree(Bytes peer_public_key, CpuFeatures cpu) const;

  static void fields(auto& self, auto&& visit) { visit(self.group_, self.private_key_); }
  bool restored(const LoadContext& context);

 private:
  bool derive_public_key(CpuFeatures cpu);

  NamedGroup group_ = NamedGroup::x25519;
  SecretBytes<48> private_key_;  // X25519: as drawn; otherwise a scalar in [1, n-1], big-endian
  std::array<Byte, 97> public_key_{};
};

}  // namespace limpid::crypto

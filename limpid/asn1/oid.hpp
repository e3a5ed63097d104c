// The object identifiers that limpid knows: contents octets, to be compared with what DerReader gives.
#pragma once

#include <array>

#include "limpid/core/writer.hpp"

namespace limpid::asn1 {

namespace detail {

constexpr std::size_t subidentifier_size(std::uint32_t value) {
  std::size_t size = 1;
  while (value >>= 7) ++size;
  return size;
}

template <std::uint32_t... Arcs>
struct ObjectIdentifier {
  static constexpr auto encode() {
    constexpr std::uint32_t arcs[] = {Arcs...};
    constexpr std::size_t size = [&] {
      std::size_t total = subidentifier_size(arcs[0] * 40 + arcs[1]);
      for (std::size_t i = 2; i < sizeof...(Arcs); ++i) total += subidentifier_size(arcs[i]);
      return total;
    }();
    std::array<Byte, size> encoded{};
    std::size_t at = 0;
    const auto put = [&](std::uint32_t value) {
      for (std::size_t left = subidentifier_size(value); left-- > 0;) {
        encoded[at++] = static_cast<Byte>((value >> (7 * left) & 0x7f) | (left > 0 ? 0x80 : 0));
      }
    };
    put(arcs[0] * 40 + arcs[1]);
    for (std::size_t i = 2; i < sizeof...(Arcs); ++i) put(arcs[i]);
    return encoded;
  }
  static constexpr auto value = encode();
};

}  // namespace detail

// `oid<1, 2, 840>` is 1.2.840.
template <std::uint32_t... Arcs>
inline constexpr Bytes oid{detail::ObjectIdentifier<Arcs...>::value};

namespace oids {

// Public keys: RFC 5480 and RFC 8410.
inline constexpr Bytes ec_public_key = oid<1, 2, 840, 10045, 2, 1>;
inline constexpr Bytes secp256r1 = oid<1, 2, 840, 10045, 3, 1, 7>;
inline constexpr Bytes secp384r1 = oid<1, 3, 132, 0, 34>;
inline constexpr Bytes secp521r1 = oid<1, 3, 132, 0, 35>;
inline constexpr Bytes ed25519 = oid<1, 3, 101, 112>;
inline constexpr Bytes ed448 = oid<1, 3, 101, 113>;
inline constexpr Bytes rsa_encryption = oid<1, 2, 840, 113549, 1, 1, 1>;

// Signatures: RFC 3279, RFC 5758, RFC 8410, RFC 4055.
inline constexpr Bytes ecdsa_with_sha1 = oid<1, 2, 840, 10045, 4, 1>;
inline constexpr Bytes ecdsa_with_sha256 = oid<1, 2, 840, 10045, 4, 3, 2>;
inline constexpr Bytes ecdsa_with_sha384 = oid<1, 2, 840, 10045, 4, 3, 3>;
inline constexpr Bytes ecdsa_with_sha512 = oid<1, 2, 840, 10045, 4, 3, 4>;
inline constexpr Bytes dsa_with_sha1 = oid<1, 2, 840, 10040, 4, 3>;
inline constexpr Bytes md2_with_rsa = oid<1, 2, 840, 113549, 1, 1, 2>;
inline constexpr Bytes md5_with_rsa = oid<1, 2, 840, 113549, 1, 1, 4>;
inline constexpr Bytes sha1_with_rsa = oid<1, 2, 840, 113549, 1, 1, 5>;
inline constexpr Bytes sha256_with_rsa = oid<1, 2, 840, 113549, 1, 1, 11>;
inline constexpr Bytes sha384_with_rsa = oid<1, 2, 840, 113549, 1, 1, 12>;
inline constexpr Bytes sha512_with_rsa = oid<1, 2, 840, 113549, 1, 1, 13>;
inline constexpr Bytes rsassa_pss = oid<1, 2, 840, 113549, 1, 1, 10>;
inline constexpr Bytes mgf1 = oid<1, 2, 840, 113549, 1, 1, 8>;

// Hashes: RFC 4055, section 2.1.
inline constexpr Bytes sha1 = oid<1, 3, 14, 3, 2, 26>;
inline constexpr Bytes sha256 = oid<2, 16, 840, 1, 101, 3, 4, 2, 1>;
inline constexpr Bytes sha384 = oid<2, 16, 840, 1, 101, 3, 4, 2, 2>;
inline constexpr Bytes sha512 = oid<2, 16, 840, 1, 101, 3, 4, 2, 3>;

// Encrypted keys: RFC 8018, appendix A and B; RFC 7914 for scrypt.
inline constexpr Bytes pbes2 = oid<1, 2, 840, 113549, 1, 5, 13>;
inline constexpr Bytes pbkdf2 = oid<1, 2, 840, 113549, 1, 5, 12>;
inline constexpr Bytes hmac_with_sha1 = oid<1, 2, 840, 113549, 2, 7>;
inline constexpr Bytes hmac_with_sha256 = oid<1, 2, 840, 113549, 2, 9>;
inline constexpr Bytes hmac_with_sha384 = oid<1, 2, 840, 113549, 2, 10>;
inline constexpr Bytes hmac_with_sha512 = oid<1, 2, 840, 113549, 2, 11>;
inline constexpr Bytes aes_128_cbc = oid<2, 16, 840, 1, 101, 3, 4, 1, 2>;
inline constexpr Bytes aes_256_cbc = oid<2, 16, 840, 1, 101, 3, 4, 1, 42>;

// Certification requests: RFC 2986, RFC 2985.
inline constexpr Bytes extension_request = oid<1, 2, 840, 113549, 1, 9, 14>;

// Attributes of names: X.520, RFC 4519, PKCS #9.
inline constexpr Bytes common_name = oid<2, 5, 4, 3>;
inline constexpr Bytes serial_number = oid<2, 5, 4, 5>;
inline constexpr Bytes country = oid<2, 5, 4, 6>;
inline constexpr Bytes locality = oid<2, 5, 4, 7>;
inline constexpr Bytes state = oid<2, 5, 4, 8>;
inline constexpr Bytes street = oid<2, 5, 4, 9>;
inline constexpr Bytes organization = oid<2, 5, 4, 10>;
inline constexpr Bytes organizational_unit = oid<2, 5, 4, 11>;
inline constexpr Bytes domain_component = oid<0, 9, 2342, 19200300, 100, 1, 25>;
inline constexpr Bytes email_address = oid<1, 2, 840, 113549, 1, 9, 1>;

// Extensions: RFC 5280, section 4.2; RFC 6962; RFC 7633.
inline constexpr Bytes subject_directory_attributes = oid<2, 5, 29, 9>;
inline constexpr Bytes subject_key_identifier = oid<2, 5, 29, 14>;
inline constexpr Bytes key_usage = oid<2, 5, 29, 15>;
inline constexpr Bytes subject_alt_name = oid<2, 5, 29, 17>;
inline constexpr Bytes issuer_alt_name = oid<2, 5, 29, 18>;
inline constexpr Bytes basic_constraints = oid<2, 5, 29, 19>;
inline constexpr Bytes name_constraints = oid<2, 5, 29, 30>;
inline constexpr Bytes crl_distribution_points = oid<2, 5, 29, 31>;
inline constexpr Bytes certificate_policies = oid<2, 5, 29, 32>;
inline constexpr Bytes policy_mappings = oid<2, 5, 29, 33>;
inline constexpr Bytes authority_key_identifier = oid<2, 5, 29, 35>;
inline constexpr Bytes policy_constraints = oid<2, 5, 29, 36>;
inline constexpr Bytes ext_key_usage = oid<2, 5, 29, 37>;
inline constexpr Bytes freshest_crl = oid<2, 5, 29, 46>;
inline constexpr Bytes inhibit_any_policy = oid<2, 5, 29, 54>;
inline constexpr Bytes authority_info_access = oid<1, 3, 6, 1, 5, 5, 7, 1, 1>;
inline constexpr Bytes subject_info_access = oid<1, 3, 6, 1, 5, 5, 7, 1, 11>;
inline constexpr Bytes tls_feature = oid<1, 3, 6, 1, 5, 5, 7, 1, 24>;
inline constexpr Bytes signed_certificate_timestamps = oid<1, 3, 6, 1, 4, 1, 11129, 2, 4, 2>;

// Extensions of revocation lists: RFC 5280, sections 5.2 and 5.3.
inline constexpr Bytes crl_reason = oid<2, 5, 29, 21>;
inline constexpr Bytes delta_crl_indicator = oid<2, 5, 29, 27>;
inline constexpr Bytes issuing_distribution_point = oid<2, 5, 29, 28>;
inline constexpr Bytes certificate_issuer = oid<2, 5, 29, 29>;

// OCSP: RFC 6960, section 4.
inline constexpr Bytes ocsp_basic = oid<1, 3, 6, 1, 5, 5, 7, 48, 1, 1>;
inline constexpr Bytes ocsp_nonce = oid<1, 3, 6, 1, 5, 5, 7, 48, 1, 2>;

// Purposes in extKeyUsage: RFC 5280, section 4.2.1.12.
inline constexpr Bytes any_extended_key_usage = oid<2, 5, 29, 37, 0>;
inline constexpr Bytes server_auth = oid<1, 3, 6, 1, 5, 5, 7, 3, 1>;
inline constexpr Bytes client_auth = oid<1, 3, 6, 1, 5, 5, 7, 3, 2>;
inline constexpr Bytes code_signing = oid<1, 3, 6, 1, 5, 5, 7, 3, 3>;
inline constexpr Bytes email_protection = oid<1, 3, 6, 1, 5, 5, 7, 3, 4>;
inline constexpr Bytes time_stamping = oid<1, 3, 6, 1, 5, 5, 7, 3, 8>;
inline constexpr Bytes ocsp_signing = oid<1, 3, 6, 1, 5, 5, 7, 3, 9>;

}  // namespace oids

// The usual name, such as "ecdsa-with-SHA256" or "keyUsage"; empty if it is none of the above.
std::string_view oid_name(Bytes oid_contents);
// In dotted decimals. Arcs above 2^64 - 1 are written as "?".
void write_oid(Writer& out, Bytes oid_contents);

}  // namespace limpid::asn1

#include "limpid/x509/public_key.hpp"

#include "limpid/asn1/oid.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerReader;
using asn1::Tag;
namespace oids = asn1::oids;

// The curve's identifier, or empty if the parameters are not exactly one.
Bytes named_curve(Bytes parameters) {
  DerDocument document(parameters);
  DerReader in(document);
  const Bytes curve = in.object_identifier();
  in.finish();
  return document.failed() ? Bytes() : curve;
}

// 0 if the octets are not an RSAPublicKey.
std::size_t rsa_modulus_bits(Bytes key) {
  DerDocument document(key);
  DerReader in(document);
  const Bytes modulus = in.sequence().unsigned_integer();
  if (document.failed() || modulus.empty()) return 0;
  return modulus.size() * 8 - static_cast<std::size_t>(__builtin_clz(modulus[0])) + 24;
}

}  // namespace

AlgorithmIdentifier parse_algorithm_identifier(DerReader& in) {
  DerReader algorithm = in.sequence();
  AlgorithmIdentifier parsed;
  parsed.algorithm = algorithm.object_identifier();
  if (!algorithm.empty()) parsed.parameters = algorithm.any().encoding;
  algorithm.finish();
  return parsed;
}

SubjectPublicKeyInfo parse_public_key_info(DerReader& in) {
  const asn1::Element element = in.element(Tag::sequence);
  DerReader info = in.of(element.contents);
  SubjectPublicKeyInfo parsed;
  parsed.der = element.encoding;
  parsed.algorithm = parse_algorithm_identifier(info);
  parsed.key = info.octets_in_bit_string();
  info.finish();
  return parsed;
}

std::string_view describe(PublicKeyFault fault) {
  switch (fault) {
    case PublicKeyFault::unsupported_key_type:
      return "a key of a type that is not supported";
    case PublicKeyFault::unsupported_curve:
      return "an elliptic curve that is not supported";
    case PublicKeyFault::invalid_key:
      return "an invalid public key";
  }
  return "";
}

std::expected<crypto::PublicKey, PublicKeyFault> public_key(const SubjectPublicKeyInfo& info) {
  std::optional<crypto::PublicKey> key;
  if (info.algorithm.algorithm == oids::ec_public_key) {
    const Bytes curve = named_curve(info.algorithm.parameters);
    if (curve.empty()) return std::unexpected(PublicKeyFault::invalid_key);
    if (curve != oids::secp256r1) return std::unexpected(PublicKeyFault::unsupported_curve);
    key = crypto::PublicKey::from_bytes(crypto::KeyType::p256, info.key);
  } else if (info.algorithm.algorithm == oids::ed25519) {
    if (info.algorithm.parameters.empty()) key = crypto::PublicKey::from_bytes(crypto::KeyType::ed25519, info.key);
  } else {
    return std::unexpected(PublicKeyFault::unsupported_key_type);
  }
  if (!key) return std::unexpected(PublicKeyFault::invalid_key);
  return *key;
}

void write_key_type(Writer& out, const SubjectPublicKeyInfo& info) {
  Bytes id = info.algorithm.algorithm;
  if (id == oids::ec_public_key) {
    const Bytes curve = named_curve(info.algorithm.parameters);
    if (!curve.empty()) id = curve;
  }
  const std::string_view name = asn1::oid_name(id);
  if (name.empty()) {
    asn1::write_oid(out, id);
  } else {
    out.text(name);
  }
  const std::size_t bits = id == oids::rsa_encryption ? rsa_modulus_bits(info.key) : 0;
  if (bits != 0) {
    out.text(" ");
    out.decimal(bits);
  }
}

void write_public_key_info(asn1::DerWriter& out, const crypto::PublicKey& key) {
  out.sequence([&] {
    out.sequence([&] {
      if (key.type() == crypto::KeyType::p256) {
        out.object_identifier(oids::ec_public_key);
        out.object_identifier(oids::secp256r1);
      } else {
        out.object_identifier(oids::ed25519);
      }
    });
    out.bit_string(key.bytes());
  });
}

std::optional<crypto::SignatureScheme> signature_scheme(const AlgorithmIdentifier& algorithm) {
  // RFC 5758, section 3.2: "the AlgorithmIdentifier MUST omit the parameters field"; RFC 8410, section 3, likewise.
  if (!algorithm.parameters.empty()) return std::nullopt;
  if (algorithm.algorithm == oids::ecdsa_with_sha256) return crypto::SignatureScheme::ecdsa_secp256r1_sha256;
  if (algorithm.algorithm == oids::ed25519) return crypto::SignatureScheme::ed25519;
  return std::nullopt;
}

void write_signature_algorithm(asn1::DerWriter& out, crypto::KeyType type) {
  out.sequence([&] { out.object_identifier(type == crypto::KeyType::p256 ? oids::ecdsa_with_sha256 : oids::ed25519); });
}

}  // namespace limpid::x509

#include "limpid/x509/public_key.hpp"

#include "limpid/asn1/oid.hpp"

namespace limpid::x509 {
bool is_null(Bytes parameters) {
  constexpr Byte null_element[] = {0x05, 0x00};
  return parameters == Bytes(null_element);
}

namespace {

using asn1::DerDocument;
using asn1::DerReader;
using asn1::Tag;
using crypto::HashAlgorithm;
using crypto::KeyType;
using crypto::SignatureAlgorithm;
namespace oids = asn1::oids;

// The curve's identifier, or empty if the parameters are not exactly one.
Bytes named_curve(Bytes parameters) {
  DerDocument document(parameters);
  DerReader in(document);
  const Bytes curve = in.object_identifier();
  in.finish();
  return document.failed() ? Bytes() : curve;
}

std::size_t bits_of(Bytes number) {
  return number.empty() ? 0 : number.size() * 8 - static_cast<std::size_t>(__builtin_clz(number[0])) + 24;
}

//     RSAPublicKey ::= SEQUENCE { modulus INTEGER, publicExponent INTEGER }
struct RsaPublicKey {
  Bytes modulus;
  Bytes exponent;
};

std::optional<RsaPublicKey> read_rsa_public_key(Bytes key) {
  DerDocument document(key);
  DerReader in(document);
  DerReader fields = in.sequence();
  in.finish();
  RsaPublicKey read;
  read.modulus = fields.unsigned_integer();
  read.exponent = fields.unsigned_integer();
  fields.finish();
  if (document.failed() || read.modulus.empty() || read.exponent.empty()) return std::nullopt;
  return read;
}

std::expected<crypto::PublicKey, PublicKeyFault> decode_rsa_public_key(KeyType type, Bytes key) {
  const auto read = read_rsa_public_key(key);
  if (!read) return std::unexpected(PublicKeyFault::invalid_key);
  return rsa_public_key(type, read->modulus, read->exponent);
}

constexpr Byte no_unused_bits[] = {0x00};
// RFC 4055, section 2.1: "All implementations MUST accept both NULL and absent parameters as legal and equivalent
// encodings."
bool is_null_or_absent(Bytes parameters) { return parameters.empty() || is_null(parameters); }

std::expected<HashAlgorithm, SignatureFault> hash_algorithm(const AlgorithmIdentifier& algorithm) {
  if (is_null_or_absent(algorithm.parameters)) {
    if (algorithm.algorithm == oids::sha256) return HashAlgorithm::sha256;
    if (algorithm.algorithm == oids::sha384) return HashAlgorithm::sha384;
    if (algorithm.algorithm == oids::sha512) return HashAlgorithm::sha512;
    if (algorithm.algorithm == oids::sha1) return std::unexpected(SignatureFault::weak);
  }
  return std::unexpected(SignatureFault::unsupported);
}

//     RSASSA-PSS-params ::= SEQUENCE {
//       hashAlgorithm     [0] HashAlgorithm    DEFAULT sha1Identifier,
//       maskGenAlgorithm  [1] MaskGenAlgorithm DEFAULT mgf1SHA1Identifier,
//       saltLength        [2] INTEGER          DEFAULT 20,
//       trailerField      [3] INTEGER          DEFAULT 1 }
struct PssParameters {
  HashAlgorithm hash{};  // of the mask generation, too
  std::uint32_t salt_length = 0;
};

std::expected<PssParameters, SignatureFault> read_pss_parameters(Bytes parameters) {
  DerDocument document(parameters);
  DerReader in(document);
  DerReader fields = in.sequence();
  in.finish();
  std::optional<AlgorithmIdentifier> hash, mask_hash;
  if (fields.next_is(asn1::context_constructed(0))) {
    DerReader inner = fields.enter(asn1::context_constructed(0));
    hash = parse_algorithm_identifier(inner);
    inner.finish();
  }
  bool is_mgf1 = true;
  if (fields.next_is(asn1::context_constructed(1))) {
    DerReader inner = fields.enter(asn1::context_constructed(1));
    const AlgorithmIdentifier mask = parse_algorithm_identifier(inner);
    inner.finish();
    is_mgf1 = mask.algorithm == oids::mgf1;
    DerReader mask_parameters = inner.of(mask.parameters);
    mask_hash = parse_algorithm_identifier(mask_parameters);
    mask_parameters.finish();
  }
  PssParameters read;
  read.salt_length = 20;
  if (fields.next_is(asn1::context_constructed(2))) {
    DerReader inner = fields.enter(asn1::context_constructed(2));
    read.salt_length = inner.small_integer(UINT32_MAX);
    inner.finish();
  }
  fields.finish();  // the trailer field has but one value, which is the default
  if (document.failed() || !is_mgf1) return std::unexpected(SignatureFault::unsupported);
  if (!hash || !mask_hash) return std::unexpected(SignatureFault::weak);
  const auto of_message = hash_algorithm(*hash), of_mask = hash_algorithm(*mask_hash);
  if (!of_message) return std::unexpected(of_message.error());
  if (!of_mask) return std::unexpected(of_mask.error());
  if (*of_message != *of_mask) return std::unexpected(SignatureFault::unsupported);
  read.hash = *of_message;
  return read;
}

// One of three, by the hash.
Bytes by_hash(HashAlgorithm hash, Bytes with_sha256, Bytes with_sha384, Bytes with_sha512) {
  if (hash == HashAlgorithm::sha256) return with_sha256;
  return hash == HashAlgorithm::sha384 ? with_sha384 : with_sha512;
}

void write_hash(asn1::DerWriter& out, HashAlgorithm hash) {
  out.sequence([&] {
    out.object_identifier(by_hash(hash, oids::sha256, oids::sha384, oids::sha512));
    out.null();
  });
}

void write_pss_parameters(asn1::DerWriter& out, HashAlgorithm hash) {
  out.sequence([&] {
    out.element(asn1::context_constructed(0), [&] { write_hash(out, hash); });
    out.element(asn1::context_constructed(1), [&] {
      out.sequence([&] {
        out.object_identifier(oids::mgf1);
        write_hash(out, hash);
      });
    });
    out.element(asn1::context_constructed(2),
                [&] { out.integer(static_cast<std::uint32_t>(crypto::digest_size(hash))); });
  });
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
    case PublicKeyFault::unsupported_size:
      return "an RSA key that is larger than is supported";
    case PublicKeyFault::weak_key:
      return "an RSA key that is too weak";
    case PublicKeyFault::invalid_key:
      return "an invalid public key";
  }
  return "";
}

std::expected<crypto::PublicKey, PublicKeyFault> rsa_public_key(KeyType type, Bytes modulus, Bytes exponent) {
  constexpr std::size_t least_exponent_bits = 17;  // of 2^16 + 1
  const std::size_t bits = bits_of(modulus), exponent_bits = bits_of(exponent);
  if (bits < crypto::min_rsa_bits || exponent_bits < least_exponent_bits) {
    return std::unexpected(PublicKeyFault::weak_key);
  }
  if (bits > crypto::max_rsa_bits || exponent_bits > crypto::max_rsa_exponent_bits) {
    return std::unexpected(PublicKeyFault::unsupported_size);
  }
  const auto key = crypto::PublicKey::rsa(type, modulus, exponent);
  if (!key) return std::unexpected(PublicKeyFault::invalid_key);
  return *key;
}

std::expected<crypto::PublicKey, PublicKeyFault> public_key(const SubjectPublicKeyInfo& info) {
  const Bytes parameters = info.algorithm.parameters;
  std::optional<crypto::PublicKey> key;
  if (info.algorithm.algorithm == oids::ec_public_key) {
    const Bytes curve = named_curve(parameters);
    if (curve.empty()) return std::unexpected(PublicKeyFault::invalid_key);
    if (curve != oids::secp256r1 && curve != oids::secp384r1) return std::unexpected(PublicKeyFault::unsupported_curve);
    key = crypto::PublicKey::from_bytes(curve == oids::secp256r1 ? KeyType::p256 : KeyType::p384, info.key);
  } else if (info.algorithm.algorithm == oids::ed25519) {
    if (parameters.empty()) key = crypto::PublicKey::from_bytes(KeyType::ed25519, info.key);
  } else if (info.algorithm.algorithm == oids::rsa_encryption) {
    // RFC 3279, section 2.3.1: "The parameters field MUST have ASN.1 type NULL for this algorithm identifier."
    if (is_null(parameters)) return decode_rsa_public_key(KeyType::rsa, info.key);
  } else if (info.algorithm.algorithm == oids::rsassa_pss) {
    const auto decoded = decode_rsa_public_key(KeyType::rsa_pss, info.key);
    if (parameters.empty() || !decoded) return decoded;
    const auto restriction = read_pss_parameters(parameters);
    if (!restriction && restriction.error() == SignatureFault::weak) {
      return std::unexpected(PublicKeyFault::weak_key);
    }
    // RFC 4055, section 3.3: a signature's salt is not shorter than what the key's parameters say.
    if (!restriction || restriction->salt_length > crypto::digest_size(restriction->hash)) {
      return std::unexpected(PublicKeyFault::unsupported_key_type);
    }
    return decoded->restricted_to(restriction->hash);
  } else {
    return std::unexpected(PublicKeyFault::unsupported_key_type);
  }
  if (!key) return std::unexpected(PublicKeyFault::invalid_key);
  return *key;
}

std::optional<HashAlgorithm> pss_restriction(const AlgorithmIdentifier& key) {
  if (key.algorithm != oids::rsassa_pss || key.parameters.empty()) return std::nullopt;
  const auto read = read_pss_parameters(key.parameters);
  if (!read) return std::nullopt;
  return read->hash;
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
  if (id != oids::rsa_encryption && id != oids::rsassa_pss) return;
  if (const auto read = read_rsa_public_key(info.key)) {
    out.text(" ");
    out.decimal(bits_of(read->modulus));
  }
}

void write_key_algorithm(asn1::DerWriter& out, KeyType type) {
  out.sequence([&] {
    switch (type) {
      case KeyType::p256:
      case KeyType::p384:
        out.object_identifier(oids::ec_public_key);
        return out.object_identifier(type == KeyType::p256 ? oids::secp256r1 : oids::secp384r1);
      case KeyType::ed25519:
        return out.object_identifier(oids::ed25519);
      case KeyType::rsa:
        out.object_identifier(oids::rsa_encryption);
        return out.null();
      case KeyType::rsa_pss:
        return out.object_identifier(oids::rsassa_pss);
    }
  });
}

void write_public_key_info(asn1::DerWriter& out, const crypto::PublicKey& key) {
  out.sequence([&] {
    write_key_algorithm(out, key.type());
    write_public_key_bits(out, key);
  });
}

void write_public_key_bits(asn1::DerWriter& out, const crypto::PublicKey& key) {
  if (!crypto::is_rsa(key.type())) return out.bit_string(key.bytes());
  out.element(Tag::bit_string, [&] {
    out.encoded(Bytes(no_unused_bits));
    out.sequence([&] {
      out.unsigned_integer(key.modulus());
      out.unsigned_integer(key.exponent());
    });
  });
}

std::expected<SignatureAlgorithm, SignatureFault> signature_algorithm(const AlgorithmIdentifier& algorithm) {
  using Kind = SignatureAlgorithm::Kind;
  struct Known {
    Bytes id;
    SignatureAlgorithm algorithm;
  };
  static constexpr Known known[] = {
      {oids::ecdsa_with_sha256, {Kind::ecdsa, HashAlgorithm::sha256}},
      {oids::ecdsa_with_sha384, {Kind::ecdsa, HashAlgorithm::sha384}},
      {oids::ecdsa_with_sha512, {Kind::ecdsa, HashAlgorithm::sha512}},
      {oids::ed25519, {Kind::ed25519, HashAlgorithm::sha512}},
      {oids::sha256_with_rsa, {Kind::rsa_pkcs1, HashAlgorithm::sha256}},
      {oids::sha384_with_rsa, {Kind::rsa_pkcs1, HashAlgorithm::sha384}},
      {oids::sha512_with_rsa, {Kind::rsa_pkcs1, HashAlgorithm::sha512}},
  };
  for (const Known& each : known) {
    if (algorithm.algorithm != each.id) continue;
    // RFC 5758, section 3.2: "the AlgorithmIdentifier MUST omit the parameters field"; RFC 8410, section 3, likewise.
    // RFC 4055, section 5, of those with RSA: "Implementations MUST accept the parameters being absent as well as
    // present", then as NULL.
    const bool fitting =
        each.algorithm.kind == Kind::rsa_pkcs1 ? is_null_or_absent(algorithm.parameters) : algorithm.parameters.empty();
    if (!fitting) return std::unexpected(SignatureFault::unsupported);
    return each.algorithm;
  }
  static constexpr Bytes weak[] = {oids::sha1_with_rsa, oids::md5_with_rsa, oids::md2_with_rsa, oids::ecdsa_with_sha1,
                                   oids::dsa_with_sha1};
  for (const Bytes id : weak) {
    if (algorithm.algorithm == id) return std::unexpected(SignatureFault::weak);
  }
  if (algorithm.algorithm != oids::rsassa_pss) return std::unexpected(SignatureFault::unsupported);
  const auto pss = read_pss_parameters(algorithm.parameters);
  if (!pss) return std::unexpected(pss.error());
  if (pss->salt_length != crypto::digest_size(pss->hash)) return std::unexpected(SignatureFault::unsupported);
  return SignatureAlgorithm{Kind::rsa_pss, pss->hash};
}

void write_signature_algorithm(asn1::DerWriter& out, SignatureAlgorithm algorithm) {
  using Kind = SignatureAlgorithm::Kind;
  out.sequence([&] {
    switch (algorithm.kind) {
      case Kind::ecdsa:
        return out.object_identifier(
            by_hash(algorithm.hash, oids::ecdsa_with_sha256, oids::ecdsa_with_sha384, oids::ecdsa_with_sha512));
      case Kind::ed25519:
        return out.object_identifier(oids::ed25519);
      case Kind::rsa_pkcs1:
        out.object_identifier(
            by_hash(algorithm.hash, oids::sha256_with_rsa, oids::sha384_with_rsa, oids::sha512_with_rsa));
        return out.null();
      case Kind::rsa_pss:
        out.object_identifier(oids::rsassa_pss);
        return write_pss_parameters(out, algorithm.hash);
    }
  });
}

void write_signature_algorithm_name(Writer& out, const AlgorithmIdentifier& algorithm) {
  const std::string_view name = asn1::oid_name(algorithm.algorithm);
  if (name.empty()) return asn1::write_oid(out, algorithm.algorithm);
  out.text(name);
  if (algorithm.algorithm != oids::rsassa_pss) return;
  if (const auto pss = read_pss_parameters(algorithm.parameters)) {
    out.text(" with SHA-");
    out.decimal(crypto::digest_size(pss->hash) * 8);
  }
}

}  // namespace limpid::x509

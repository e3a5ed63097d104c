#include "limpid/x509/key.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/x509/encrypted_key.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerDocument;
using asn1::DerFault;
using asn1::DerReader;
using asn1::DerWriter;
using asn1::Tag;
using crypto::KeyType;
using crypto::PrivateKey;
namespace oids = asn1::oids;

using Loaded = std::expected<PrivateKey, KeyError>;

std::unexpected<KeyError> refuse(KeyFault fault) { return std::unexpected(KeyError{fault, {}, {}}); }
std::unexpected<KeyError> refuse(const DerDocument& document) {
  return std::unexpected(KeyError{KeyFault::malformed_der, {}, *document.error()});
}

// The key, if it is one and `stated_public`, where present, belongs to it.
Loaded make_key(KeyType type, Bytes secret, const std::optional<Bytes>& stated_public) {
  std::optional<PrivateKey> key = PrivateKey::from_bytes(type, secret);
  if (!key) return refuse(KeyFault::invalid_key);
  if (stated_public && *stated_public != key->public_key().bytes()) return refuse(KeyFault::mismatch);
  return std::move(*key);
}

//     ECPrivateKey ::= SEQUENCE {
//       version        INTEGER { ecPrivkeyVer1(1) } (ecPrivkeyVer1),
//       privateKey     OCTET STRING,
//       parameters [0] ECParameters {{ NamedCurve }} OPTIONAL,
//       publicKey  [1] BIT STRING OPTIONAL }
struct EcPrivateKey {
  std::uint32_t version = 0;
  Bytes secret;
  std::optional<Bytes> curve;  // empty: parameters that are not a named curve
  std::optional<Bytes> public_key;
};

EcPrivateKey read_ec_private_key(DerReader in) {
  EcPrivateKey key;
  DerReader fields = in.sequence();
  in.finish();
  key.version = fields.small_integer(UINT32_MAX);
  key.secret = fields.octet_string();
  if (fields.next_is(asn1::context_constructed(0))) {
    DerReader parameters = fields.enter(asn1::context_constructed(0));
    if (parameters.next_is(Tag::object_identifier)) {
      key.curve = parameters.object_identifier();
    } else {
      parameters.any();
      key.curve = Bytes();
    }
    parameters.finish();
  }
  if (fields.next_is(asn1::context_constructed(1))) {
    DerReader public_key = fields.enter(asn1::context_constructed(1));
    key.public_key = public_key.octets_in_bit_string();
    public_key.finish();
  }
  fields.finish();
  return key;
}

// `curve_outside` is what PKCS #8 names beside the key.
Loaded make_ec_key(const EcPrivateKey& read, std::optional<Bytes> curve_outside) {
  if (read.version != 1) return refuse(KeyFault::unsupported_version);
  // RFC 5915, section 3: "parameters [...] Though the ASN.1 indicates that the parameters field is OPTIONAL,
  // implementations that conform to this document MUST always include the parameters field." In PKCS #8 it may be
  // absent, since the curve stands outside.
  const std::optional<Bytes> curve = curve_outside ? curve_outside : read.curve;
  if (!curve || (read.curve && *read.curve != *curve)) return refuse(KeyFault::invalid_key);
  const bool p256 = *curve == oids::secp256r1;
  if (!p256 && *curve != oids::secp384r1) return refuse(KeyFault::unsupported_key_type);
  // RFC 5915, section 3: "privateKey is the private key. It is an octet string of length ceiling (log2(n)/8)". GnuTLS
  // writes it like an INTEGER instead: with a zero in front, or without its leading zeros.
  const std::size_t size = p256 ? 32 : 48;
  Bytes digits = read.secret;
  if (digits.size() == size + 1 && digits[0] == 0) digits = digits.subspan(1);
  if (digits.size() > size) return refuse(KeyFault::invalid_key);
  Secret<48> scalar;
  copy(digits, scalar.mutable_bytes().subspan(size - digits.size()));
  return make_key(p256 ? KeyType::p256 : KeyType::p384, Bytes(scalar.bytes()).first(size), read.public_key);
}

//     RSAPrivateKey ::= SEQUENCE {
//         version           Version,  -- two-prime(0), multi(1)
//         modulus           INTEGER,
//         publicExponent    INTEGER,
//         privateExponent   INTEGER,
//         prime1            INTEGER,
//         prime2            INTEGER,
//         exponent1         INTEGER,
//         exponent2         INTEGER,
//         coefficient       INTEGER,
//         otherPrimeInfos   OtherPrimeInfos OPTIONAL }
Loaded read_rsa_private_key(DerDocument& document, DerReader in, KeyType type) {
  DerReader fields = in.sequence();
  in.finish();
  const std::uint32_t version = fields.small_integer(UINT32_MAX);
  if (!document.failed() && version != 0) return refuse(KeyFault::unsupported_version);
  crypto::RsaPrivateNumbers numbers;
  for (Bytes* number :
       {&numbers.n, &numbers.e, &numbers.d, &numbers.p, &numbers.q, &numbers.dp, &numbers.dq, &numbers.qinv}) {
    *number = fields.unsigned_integer();
  }
  fields.finish();
  if (document.failed()) return refuse(document);
  const auto public_key = rsa_public_key(type, numbers.n, numbers.e);
  if (!public_key) {
    switch (public_key.error()) {
      case PublicKeyFault::weak_key:
        return refuse(KeyFault::weak_key);
      case PublicKeyFault::unsupported_size:
        return refuse(KeyFault::unsupported_key_type);
      default:
        return refuse(KeyFault::invalid_key);
    }
  }
  std::optional<PrivateKey> key = PrivateKey::rsa(type, numbers);
  if (!key) return refuse(KeyFault::invalid_key);
  return std::move(*key);
}

// What stands in PKCS #8's OCTET STRING.
Loaded read_key(DerDocument& document, const AlgorithmIdentifier& algorithm, Bytes private_key) {
  DerReader in(document, private_key);
  if (algorithm.algorithm == oids::ed25519) {
    if (!algorithm.parameters.empty()) return refuse(KeyFault::invalid_key);
    // RFC 8410, section 7: "CurvePrivateKey ::= OCTET STRING".
    const Bytes seed = in.octet_string();
    in.finish();
    if (document.failed()) return refuse(document);
    return make_key(KeyType::ed25519, seed, std::nullopt);
  }
  if (algorithm.algorithm == oids::rsa_encryption || algorithm.algorithm == oids::rsassa_pss) {
    const bool pss = algorithm.algorithm == oids::rsassa_pss;
    const bool fitting = pss ? pss_restriction(algorithm).has_value() : is_null(algorithm.parameters);
    if (!fitting && !algorithm.parameters.empty()) return refuse(KeyFault::invalid_key);
    return read_rsa_private_key(document, in, pss ? KeyType::rsa_pss : KeyType::rsa);
  }
  if (algorithm.algorithm != oids::ec_public_key) return refuse(KeyFault::unsupported_key_type);
  DerReader parameters(document, algorithm.parameters);
  const Bytes curve = parameters.object_identifier();
  parameters.finish();
  const EcPrivateKey ec_key = read_ec_private_key(in);
  if (document.failed()) return refuse(document);
  return make_ec_key(ec_key, curve);
}

bool is_private_key_label(std::string_view label) { return label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY"); }

Loaded parse_encrypted(Bytes der, std::optional<Bytes> passphrase, CpuFeatures cpu) {
  if (!passphrase) return refuse(KeyFault::encrypted);
  DerDocument document(der);
  Secret<max_key_size> room;
  const auto decrypted = decrypt_key(document, *passphrase, room.mutable_bytes(), cpu);
  if (!decrypted) {
    switch (decrypted.error()) {
      case DecryptionFault::malformed_der:
        return refuse(document);
      case DecryptionFault::unsupported_scheme:
        return refuse(KeyFault::unsupported_encryption);
      case DecryptionFault::too_many_iterations:
        return refuse(KeyFault::too_many_iterations);
      case DecryptionFault::wrong_passphrase:
        return refuse(KeyFault::wrong_passphrase);
    }
  }
  Loaded key = parse_pkcs8(*decrypted);
  if (!key && key.error().fault == KeyFault::malformed_der) return refuse(KeyFault::wrong_passphrase);
  return key;
}

// The formats are told apart by what stands first in them.
Loaded parse_der(Bytes der, std::optional<Bytes> passphrase, CpuFeatures cpu) {
  DerDocument document(der);
  DerReader fields = DerReader(document).sequence();
  if (fields.next_is(Tag::sequence)) return parse_encrypted(der, passphrase, cpu);
  fields.integer();
  if (fields.next_is(Tag::octet_string)) return parse_ec_private_key(der);
  if (fields.next_is(Tag::integer)) return parse_rsa_private_key(der);
  return parse_pkcs8(der);
}

Loaded parse_labelled(std::string_view label, Bytes der, std::optional<Bytes> passphrase, CpuFeatures cpu) {
  if (label == "PRIVATE KEY") return parse_pkcs8(der);
  if (label == "ENCRYPTED PRIVATE KEY") return parse_encrypted(der, passphrase, cpu);
  if (label == "EC PRIVATE KEY") return parse_ec_private_key(der);
  if (label == "RSA PRIVATE KEY") return parse_rsa_private_key(der);
  return refuse(KeyFault::unsupported_key_type);
}

Loaded load_pem_block(const PemBlock& block, std::optional<Bytes> passphrase, CpuFeatures cpu) {
  if (block.headers.find("ENCRYPTED") != std::string_view::npos) return refuse(KeyFault::legacy_encryption);
  Secret<max_key_size> der;
  Writer out(MutableBytes(der.mutable_bytes()));
  if (!block.decode(out)) {
    return std::unexpected(KeyError{KeyFault::malformed_pem, {PemFault::bad_base64, block.line}, {}});
  }
  if (out.failed()) return refuse(KeyFault::too_large);
  return parse_labelled(block.label, out.written(), passphrase, cpu);
}

}  // namespace

std::string_view describe(KeyFault fault) {
  switch (fault) {
    case KeyFault::no_private_key:
      return "no private key in it; a PEM file with a PRIVATE KEY block is wanted";
    case KeyFault::malformed_pem:
      return "not a private key in PEM";
    case KeyFault::malformed_der:
      return "not a private key in PKCS #8, PKCS #1 or SEC 1 form";
    case KeyFault::too_large:
      return "larger than any supported private key";
    case KeyFault::encrypted:
      return "the key is encrypted and its passphrase was not given";
    case KeyFault::legacy_encryption:
      return "the key is encrypted in PEM's old way, which is weak; encrypt it anew with: openssl pkey -in FILE "
             "-aes256 "
             "-out key.pem";
    case KeyFault::unsupported_encryption:
      return "the key is encrypted in a way that is not supported (PBES2 with PBKDF2 and AES-128 or AES-256 is); "
             "encrypt "
             "it anew with: openssl pkey -in FILE -aes256 -out key.pem";
    case KeyFault::too_many_iterations:
      static_assert(max_iterations == 10'000'000);
      return "the key's passphrase would have to be hashed more than 10000000 times; encrypt it anew with: openssl "
             "pkey "
             "-in FILE -aes256 -out key.pem";
    case KeyFault::wrong_passphrase:
      return "the passphrase is not the key's";
    case KeyFault::unsupported_key_type:
      return "a key of a type that is not supported; RSA of 2048 to 8192 bits, P-256, P-384 and Ed25519 are";
    case KeyFault::weak_key:
      return "an RSA key that is too weak; one of at least 2048 bits with the exponent 65537 is wanted";
    case KeyFault::unsupported_version:
      return "a private key format of an unknown version";
    case KeyFault::invalid_key:
      return "not a valid private key of its type";
    case KeyFault::mismatch:
      return "the public key in it belongs to another private key";
  }
  return "";
}

void write_error(Writer& out, const KeyError& error) {
  out.text(describe(error.fault));
  if (error.fault == KeyFault::malformed_der) {
    out.text(": ");
    asn1::write_error(out, error.der);
  }
  if (error.fault == KeyFault::malformed_pem) {
    out.text(": ");
    out.text(describe(error.pem.fault));
    out.text(" (line ");
    out.decimal(error.pem.line);
    out.text(")");
  }
}

//     OneAsymmetricKey ::= SEQUENCE {
//       version                   Version,
//       privateKeyAlgorithm       PrivateKeyAlgorithmIdentifier,
//       privateKey                PrivateKey,
//       attributes            [0] Attributes OPTIONAL,
//       ...,
//       [[2: publicKey        [1] PublicKey OPTIONAL ]],
//       ... }
std::expected<PrivateKey, KeyError> parse_pkcs8(Bytes der) {
  DerDocument document(der);
  DerReader in(document);
  DerReader fields = in.sequence();
  in.finish();
  const std::uint32_t version = fields.small_integer(UINT32_MAX);
  const AlgorithmIdentifier algorithm = parse_algorithm_identifier(fields);
  const Bytes private_key = fields.octet_string();
  if (fields.next_is(asn1::context_constructed(0))) fields.any();
  std::optional<Bytes> public_key;
  if (fields.next_is(asn1::context(1))) {
    const asn1::BitString bits = fields.bit_string(asn1::context(1));
    if (bits.unused_bits != 0) fields.fail(DerFault::bad_bit_string);
    public_key = bits.bytes;
  }
  fields.finish();
  if (document.failed()) return refuse(document);
  // RFC 5958, section 2: "If publicKey is present, then version is set to v2 else version is set to v1."
  if (version > 1 || (public_key && version != 1)) return refuse(KeyFault::unsupported_version);

  Loaded key = read_key(document, algorithm, private_key);
  if (!key || !public_key) return key;
  const auto stated = x509::public_key({.der = {}, .algorithm = algorithm, .key = *public_key});
  if (!stated || *stated != key->public_key()) return refuse(KeyFault::mismatch);
  return key;
}

std::expected<PrivateKey, KeyError> parse_ec_private_key(Bytes der) {
  DerDocument document(der);
  const EcPrivateKey key = read_ec_private_key(DerReader(document));
  if (document.failed()) return refuse(document);
  return make_ec_key(key, std::nullopt);
}

std::expected<PrivateKey, KeyError> parse_rsa_private_key(Bytes der) {
  DerDocument document(der);
  return read_rsa_private_key(document, DerReader(document), KeyType::rsa);
}

std::expected<PrivateKey, KeyError> load_private_key(Bytes file, std::optional<Bytes> passphrase, CpuFeatures cpu) {
  PemReader pem(file);
  bool has_pem = false;
  for (;;) {
    const auto block = pem.next();
    if (!block) return std::unexpected(KeyError{KeyFault::malformed_pem, block.error(), {}});
    if (!*block) break;
    has_pem = true;
    if (is_private_key_label((*block)->label)) return load_pem_block(**block, passphrase, cpu);
  }
  if (has_pem || file.empty() || static_cast<Tag>(file[0]) != Tag::sequence) return refuse(KeyFault::no_private_key);
  if (file.size() > max_key_size) return refuse(KeyFault::too_large);
  return parse_der(file, passphrase, cpu);
}

void write_pkcs8(Writer& out, const PrivateKey& key) {
  DerWriter der(out);
  der.sequence([&] {
    der.integer(0);
    write_key_algorithm(der, key.type());
    der.element(Tag::octet_string, [&] {
      if (key.type() == KeyType::ed25519) return der.octet_string(key.secret_bytes());
      der.sequence([&] {
        if (crypto::is_rsa(key.type())) {
          const crypto::RsaPrivateNumbers numbers = key.rsa_numbers();
          der.integer(0);
          for (const Bytes number :
               {numbers.n, numbers.e, numbers.d, numbers.p, numbers.q, numbers.dp, numbers.dq, numbers.qinv}) {
            der.unsigned_integer(number);
          }
          return;
        }
        der.integer(1);
        der.octet_string(key.secret_bytes());
        der.element(asn1::context_constructed(1), [&] { der.bit_string(key.public_key().bytes()); });
      });
    });
  });
}

void write_private_key_pem(Writer& out, const PrivateKey& key) {
  Secret<max_key_size> der;
  Writer encoded(MutableBytes(der.mutable_bytes()));
  write_pkcs8(encoded, key);
  write_pem(out, "PRIVATE KEY", encoded.written());
}

bool key_matches(const PrivateKey& key, const Certificate& certificate) {
  const auto certified = public_key(certificate.public_key_info);
  return certified && *certified == key.public_key();
}

}  // namespace limpid::x509

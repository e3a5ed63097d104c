#include "limpid/x509/key.hpp"

#include "limpid/asn1/oid.hpp"

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
  if (secret.size() != 32) return refuse(KeyFault::invalid_key);
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
  if (*curve != oids::secp256r1) return refuse(KeyFault::unsupported_key_type);
  // RFC 5915, section 3: "privateKey is the private key. It is an octet string of length ceiling (log2(n)/8)". GnuTLS
  // writes it like an INTEGER instead: with a zero in front, or without its leading zeros.
  Bytes digits = read.secret;
  if (digits.size() == 33 && digits[0] == 0) digits = digits.subspan(1);
  if (digits.size() > 32) return refuse(KeyFault::invalid_key);
  Secret<32> scalar;
  copy(digits, scalar.mutable_bytes().subspan(32 - digits.size()));
  return make_key(KeyType::p256, scalar.bytes(), read.public_key);
}

bool is_private_key_label(std::string_view label) { return label == "PRIVATE KEY" || label.ends_with(" PRIVATE KEY"); }

Loaded parse_labelled(std::string_view label, Bytes der) {
  if (label == "PRIVATE KEY") return parse_pkcs8(der);
  if (label == "EC PRIVATE KEY") return parse_ec_private_key(der);
  return refuse(KeyFault::unsupported_key_type);
}

Loaded load_pem_block(const PemBlock& block) {
  if (block.label == "ENCRYPTED PRIVATE KEY" || block.headers.find("ENCRYPTED") != std::string_view::npos) {
    return refuse(KeyFault::encrypted);
  }
  Secret<max_key_size> der;
  Writer out(MutableBytes(der.mutable_bytes()));
  if (!block.decode(out)) {
    return std::unexpected(KeyError{KeyFault::malformed_pem, {PemFault::bad_base64, block.line}, {}});
  }
  if (out.failed()) return refuse(KeyFault::too_large);
  return parse_labelled(block.label, out.written());
}

}  // namespace

std::string_view describe(KeyFault fault) {
  switch (fault) {
    case KeyFault::no_private_key:
      return "no private key in it; a PEM file with a PRIVATE KEY block is wanted";
    case KeyFault::malformed_pem:
      return "not a private key in PEM";
    case KeyFault::malformed_der:
      return "not a private key in PKCS #8 or SEC 1 form";
    case KeyFault::too_large:
      return "larger than any supported private key";
    case KeyFault::encrypted:
      return "the key is encrypted; decrypt it first, for example with: openssl pkey -in FILE -out key.pem";
    case KeyFault::unsupported_key_type:
      return "a key of a type that is not supported; P-256 and Ed25519 are";
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

  if (algorithm.algorithm == oids::ed25519) {
    if (!algorithm.parameters.empty()) return refuse(KeyFault::invalid_key);
    // RFC 8410, section 7: "CurvePrivateKey ::= OCTET STRING".
    DerReader inner = fields.of(private_key);
    const Bytes seed = inner.octet_string();
    inner.finish();
    if (document.failed()) return refuse(document);
    return make_key(KeyType::ed25519, seed, public_key);
  }
  if (algorithm.algorithm != oids::ec_public_key) return refuse(KeyFault::unsupported_key_type);
  DerReader parameters = fields.of(algorithm.parameters);
  const Bytes curve = parameters.object_identifier();
  parameters.finish();
  const EcPrivateKey ec_key = read_ec_private_key(fields.of(private_key));
  if (document.failed()) return refuse(document);
  Loaded key = make_ec_key(ec_key, curve);
  if (key && public_key && *public_key != key->public_key().bytes()) return refuse(KeyFault::mismatch);
  return key;
}

std::expected<PrivateKey, KeyError> parse_ec_private_key(Bytes der) {
  DerDocument document(der);
  const EcPrivateKey key = read_ec_private_key(DerReader(document));
  if (document.failed()) return refuse(document);
  return make_ec_key(key, std::nullopt);
}

std::expected<PrivateKey, KeyError> load_private_key(Bytes file) {
  PemReader pem(file);
  bool has_pem = false;
  for (;;) {
    const auto block = pem.next();
    if (!block) return std::unexpected(KeyError{KeyFault::malformed_pem, block.error(), {}});
    if (!*block) break;
    has_pem = true;
    if (is_private_key_label((*block)->label)) return load_pem_block(**block);
  }
  if (has_pem || file.empty() || static_cast<Tag>(file[0]) != Tag::sequence) return refuse(KeyFault::no_private_key);
  if (file.size() > max_key_size) return refuse(KeyFault::too_large);
  Loaded key = parse_pkcs8(file);
  if (key || key.error().fault != KeyFault::malformed_der) return key;
  Loaded ec_key = parse_ec_private_key(file);
  if (ec_key || ec_key.error().fault != KeyFault::malformed_der) return ec_key;
  return key;
}

void write_pkcs8(Writer& out, const PrivateKey& key) {
  DerWriter der(out);
  const bool p256 = key.type() == KeyType::p256;
  der.sequence([&] {
    der.integer(0);
    der.sequence([&] {
      der.object_identifier(p256 ? oids::ec_public_key : oids::ed25519);
      if (p256) der.object_identifier(oids::secp256r1);
    });
    der.element(Tag::octet_string, [&] {
      if (!p256) return der.octet_string(key.secret_bytes());
      der.sequence([&] {
        der.integer(1);
        der.octet_string(key.secret_bytes());
        der.element(asn1::context_constructed(1), [&] { der.bit_string(key.public_key().bytes()); });
      });
    });
  });
}

void write_private_key_pem(Writer& out, const PrivateKey& key) {
  Secret<256> der;
  Writer encoded(MutableBytes(der.mutable_bytes()));
  write_pkcs8(encoded, key);
  write_pem(out, "PRIVATE KEY", encoded.written());
}

bool key_matches(const PrivateKey& key, const Certificate& certificate) {
  const auto certified = public_key(certificate.public_key_info);
  return certified && *certified == key.public_key();
}

}  // namespace limpid::x509

#include "limpid/x509/issue.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/crypto/hash.hpp"

namespace limpid::x509 {
namespace {

using asn1::DerWriter;
using asn1::Tag;
namespace oids = asn1::oids;

constexpr std::size_t max_text = 64;  // ub-common-name and ub-organization-name of RFC 5280, appendix A.1
constexpr std::size_t key_identifier_size = 20;

std::optional<IssueFault> check(const CertificateContents& contents) {
  for (const std::string_view text : {contents.common_name, contents.organization}) {
    if (text.size() > max_text || !is_utf8(text)) return IssueFault::bad_name;
  }
  for (const std::string_view name : contents.dns_names) {
    if (!is_dns_pattern(name)) return IssueFault::bad_name;
  }
  const bool has_subject = !contents.common_name.empty() || !contents.organization.empty();
  const bool has_alt_name = !contents.dns_names.empty() || !contents.ip_addresses.empty();
  // RFC 5280, section 4.1.2.6: a CA's subject "MUST be populated with a non-empty distinguished name".
  if (!has_subject && (contents.is_ca || !has_alt_name)) return IssueFault::no_name;
  return std::nullopt;
}

bool is_writable(Validity validity) {
  if (validity.not_after < validity.not_before) return false;
  // DerWriter::time fails outside of the years 0 to 9999.
  Byte room[64];
  Writer trial{MutableBytes(room)};
  DerWriter(trial).time(validity.not_before);
  DerWriter(trial).time(validity.not_after);
  return !trial.failed();
}

// RFC 7093, section 2, method 1: the leftmost 160 bits of the SHA-256 hash of the BIT STRING's value.
std::array<Byte, key_identifier_size> key_identifier(const crypto::PublicKey& key, CpuFeatures cpu) {
  std::array<Byte, crypto::max_rsa_bits / 8 + 64> room;
  Writer out{MutableBytes(room)};
  DerWriter der(out);
  write_public_key_bits(der, key);
  asn1::DerDocument document(out.written());
  const Bytes bits = asn1::DerReader(document).octets_in_bit_string();
  std::array<Byte, key_identifier_size> identifier{};
  copy(crypto::hash(crypto::HashAlgorithm::sha256, bits, cpu).bytes().first(key_identifier_size), identifier);
  return identifier;
}

// Writes what is to be signed of a certificate or a request for one.
class ContentsWriter {
 public:
  ContentsWriter(Writer& out, const CertificateContents& contents, const crypto::PublicKey& key, CpuFeatures cpu)
      : der_(out), contents_(contents), key_(key), cpu_(cpu) {}

  // `issuer` null: self-signed.
  void write_tbs_certificate(const Certificate* issuer, crypto::SignatureAlgorithm algorithm) {
    der_.sequence([&] {
      der_.element(asn1::context_constructed(0), [&] { der_.integer(2); });  // version 3
      write_serial();
      write_signature_algorithm(der_, algorithm);
      if (issuer != nullptr) {
        der_.encoded(issuer->subject.der);
      } else {
        write_subject();
      }
      der_.sequence([&] {
        der_.time(contents_.validity.not_before);
        der_.time(contents_.validity.not_after);
      });
      write_subject();
      write_public_key_info(der_, key_);
      der_.element(asn1::context_constructed(3), [&] { der_.sequence([&] { write_extensions(issuer); }); });
    });
  }

  void write_request_info() {
    der_.sequence([&] {
      der_.integer(0);  // version 1
      write_subject();
      write_public_key_info(der_, key_);
      der_.element(asn1::context_constructed(0), [&] {
        der_.sequence([&] {
          der_.object_identifier(oids::extension_request);
          der_.element(Tag::set, [&] { der_.sequence([&] { write_extensions(nullptr); }); });
        });
      });
    });
  }

 private:
  void write_serial() {
    // RFC 5280, section 4.1.2.2: "The serial number MUST be a positive integer"; with the second bit set it has 16
    // octets.
    std::array<Byte, 16> serial = contents_.serial_entropy;
    serial[0] = static_cast<Byte>((serial[0] & 0x3f) | 0x40);
    der_.unsigned_integer(serial);
  }

  void write_subject() {
    der_.sequence([&] {
      write_attribute(oids::organization, contents_.organization);
      write_attribute(oids::common_name, contents_.common_name);
    });
  }

  void write_attribute(Bytes type, std::string_view value) {
    if (value.empty()) return;
    der_.element(Tag::set, [&] {
      der_.sequence([&] {
        der_.object_identifier(type);
        der_.primitive(Tag::utf8_string, as_bytes(value));
      });
    });
  }

  template <class Body>
  void write_extension(Bytes id, bool critical, Body&& value) {
    der_.sequence([&] {
      der_.object_identifier(id);
      if (critical) der_.boolean(true);
      der_.element(Tag::octet_string, value);
    });
  }

  void write_extensions(const Certificate* issuer) {
    KeyUsage usage;
    if (contents_.is_ca) {
      // RFC 5280, section 4.2.1.9: "Conforming CAs MUST include this extension in all CA certificates that contain
      // public keys used to validate digital signatures on certificates and MUST mark the extension as critical".
      write_extension(oids::basic_constraints, true, [&] {
        der_.sequence([&] {
          der_.boolean(true);
          if (contents_.path_length) der_.integer(*contents_.path_length);
        });
      });
      usage.set(KeyUsageBit::key_cert_sign);
      usage.set(KeyUsageBit::crl_sign);
    } else {
      usage.set(KeyUsageBit::digital_signature);
      // TLS 1.3 never does, but NSS refuses a server's RSA key without it.
      if (key_.type() == crypto::KeyType::rsa) usage.set(KeyUsageBit::key_encipherment);
    }
    write_extension(oids::key_usage, true, [&] { der_.named_bits(usage.bits); });
    if (!contents_.is_ca && (contents_.server_auth || contents_.client_auth)) {
      write_extension(oids::ext_key_usage, false, [&] {
        der_.sequence([&] {
          if (contents_.server_auth) der_.object_identifier(oids::server_auth);
          if (contents_.client_auth) der_.object_identifier(oids::client_auth);
        });
      });
    }
    write_extension(oids::subject_key_identifier, false, [&] { der_.octet_string(key_identifier(key_, cpu_)); });
    if (issuer != nullptr && issuer->subject_key_identifier) {
      write_extension(oids::authority_key_identifier, false, [&] {
        der_.sequence([&] { der_.primitive(asn1::context(0), *issuer->subject_key_identifier); });
      });
    }
    if (!contents_.dns_names.empty() || !contents_.ip_addresses.empty()) write_alt_names();
  }

  void write_alt_names() {
    // RFC 5280, section 4.2.1.6: "If the subject field contains an empty sequence, then the issuing CA MUST include a
    // subjectAltName extension that is marked as critical."
    const bool no_subject = contents_.common_name.empty() && contents_.organization.empty();
    write_extension(oids::subject_alt_name, no_subject, [&] {
      der_.sequence([&] {
        for (const std::string_view name : contents_.dns_names) der_.primitive(asn1::context(2), as_bytes(name));
        for (const IpAddress& address : contents_.ip_addresses) der_.primitive(asn1::context(7), address.bytes());
      });
    });
  }

  DerWriter der_;
  const CertificateContents& contents_;
  const crypto::PublicKey& key_;
  CpuFeatures cpu_;
};

// A SEQUENCE of what `write` writes, the algorithm, and the signature over the former.
template <class Write>
std::expected<void, IssueFault> write_signed(Buffer& out, crypto::SignatureAlgorithm algorithm,
                                             const crypto::PrivateKey& key, std::span<const Byte, 32> hedge,
                                             CpuFeatures cpu, Write&& write) {
  const std::size_t size_before = out.size();
  bool has_signature = false;
  Writer writer(out);
  DerWriter der(writer);
  der.sequence([&] {
    const std::size_t begin = writer.size();
    write(writer);
    if (writer.failed()) return;
    const crypto::Signature signature = key.sign(algorithm, writer.written().subspan(begin), hedge, cpu);
    has_signature = signature.size > 0;
    write_signature_algorithm(der, algorithm);
    der.bit_string(signature.bytes());
  });
  if (!writer.failed() && has_signature) return {};
  const bool no_room = writer.failed();
  out.truncate(size_before);
  return std::unexpected(no_room ? IssueFault::out_of_memory : IssueFault::signing_failed);
}

std::expected<void, IssueFault> issue_signed(Buffer& out, const CertificateContents& contents,
                                             const crypto::PublicKey& subject_key, const Certificate* issuer,
                                             const crypto::PrivateKey& issuer_key, std::span<const Byte, 32> hedge,
                                             CpuFeatures cpu) {
  if (const auto fault = check(contents)) return std::unexpected(*fault);
  if (!is_writable(contents.validity)) return std::unexpected(IssueFault::bad_validity);
  // A key under RSASSA-PSS may be restricted to a hash, which its certificate says.
  crypto::SignatureAlgorithm algorithm = issuing_algorithm(issuer_key.type());
  if (issuer != nullptr) algorithm.hash = pss_restriction(issuer->public_key_info.algorithm).value_or(algorithm.hash);
  return write_signed(out, algorithm, issuer_key, hedge, cpu, [&](Writer& writer) {
    ContentsWriter(writer, contents, subject_key, cpu).write_tbs_certificate(issuer, algorithm);
  });
}

}  // namespace

std::string_view describe(IssueFault fault) {
  switch (fault) {
    case IssueFault::bad_name:
      return "a name that cannot stand in a certificate: host names consist of letters, digits, hyphens and dots, "
             "other names of at most 64 bytes of UTF-8";
    case IssueFault::no_name:
      return "a certificate needs a name; give at least one";
    case IssueFault::bad_validity:
      return "the validity ends before it begins, or lies outside of the years 0 to 9999";
    case IssueFault::issuer_not_a_ca:
      return "the issuing certificate is not a CA's";
    case IssueFault::issuer_key_mismatch:
      return "the issuing key does not belong to the issuing certificate";
    case IssueFault::issuer_path_length:
      return "the issuing CA must not have another CA below it";
    case IssueFault::signing_failed:
      return "the key made no signature that verifies; it may be damaged";
    case IssueFault::out_of_memory:
      return "the memory allowed does not hold the certificate";
  }
  return "";
}

std::expected<void, IssueFault> issue_self_signed(Buffer& out, const CertificateContents& contents,
                                                  const crypto::PrivateKey& key, std::span<const Byte, 32> hedge,
                                                  CpuFeatures cpu) {
  // Without a subject the issuer's name would be empty, which RFC 5280 forbids.
  if (contents.common_name.empty() && contents.organization.empty()) return std::unexpected(IssueFault::no_name);
  return issue_signed(out, contents, key.public_key(), nullptr, key, hedge, cpu);
}

std::expected<void, IssueFault> issue(Buffer& out, const CertificateContents& contents,
                                      const crypto::PublicKey& subject_key, const Certificate& issuer,
                                      const crypto::PrivateKey& issuer_key, std::span<const Byte, 32> hedge,
                                      CpuFeatures cpu) {
  const bool may_sign = !issuer.key_usage || issuer.key_usage->has(KeyUsageBit::key_cert_sign);
  if (!issuer.is_ca() || !may_sign) return std::unexpected(IssueFault::issuer_not_a_ca);
  const auto issuer_public_key = public_key(issuer.public_key_info);
  if (!issuer_public_key || *issuer_public_key != issuer_key.public_key()) {
    return std::unexpected(IssueFault::issuer_key_mismatch);
  }
  if (contents.is_ca && issuer.basic_constraints->path_length == 0) {
    return std::unexpected(IssueFault::issuer_path_length);
  }
  return issue_signed(out, contents, subject_key, &issuer, issuer_key, hedge, cpu);
}

std::expected<void, IssueFault> request_certificate(Buffer& out, const CertificateContents& contents,
                                                    const crypto::PrivateKey& key, std::span<const Byte, 32> hedge,
                                                    CpuFeatures cpu) {
  if (const auto fault = check(contents)) return std::unexpected(*fault);
  return write_signed(out, issuing_algorithm(key.type()), key, hedge, cpu, [&](Writer& writer) {
    ContentsWriter(writer, contents, key.public_key(), cpu).write_request_info();
  });
}

}  // namespace limpid::x509

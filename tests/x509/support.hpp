// What the tests of x509 share: keys from a seed, files, and certificates with any field one likes.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <functional>
#include <iterator>
#include <string>
#include <vector>

#include "limpid/asn1/der_reader.hpp"
#include "limpid/asn1/der_writer.hpp"
#include "limpid/asn1/oid.hpp"
#include "limpid/x509/certificate.hpp"
#include "limpid/x509/issue.hpp"
#include "limpid/x509/key.hpp"
#include "tests/support/rsa_keys.hpp"

namespace limpid::x509::test {

using Octets = std::vector<Byte>;
using Writing = std::function<void(asn1::DerWriter&)>;

inline constexpr std::array<Byte, 32> hedge = {7};
inline constexpr UnixTime now{1'800'000'000};  // 2027-01-15T08:00:00Z
inline constexpr Validity good_validity{{now.seconds - 86'400}, {now.seconds + 86'400}};

// Of RSA there is only one.
inline crypto::PrivateKey key_number(Byte number, crypto::KeyType type = crypto::KeyType::p256) {
  if (crypto::is_rsa(type)) return *crypto::PrivateKey::rsa(type, limpid::test::rsa_2048());
  const std::array<Byte, 32> seed = {number};
  crypto::Generator generator(seed);
  return crypto::PrivateKey::generate(type, generator);
}

// What `write` writes, as text or octets.
template <class Write>
std::string text_of(Write&& write) {
  Budget budget(1 << 22);
  Buffer buffer(budget);
  Writer out(buffer);
  write(out);
  EXPECT_FALSE(out.failed());
  return std::string(as_text({buffer.data(), buffer.size()}));
}
inline Octets der_of(const Writing& write) {
  const std::string text = text_of([&](Writer& out) {
    asn1::DerWriter der(out);
    write(der);
  });
  return {text.begin(), text.end()};
}

inline std::string read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

struct ForgedExtension {
  Bytes id;
  bool critical = false;
  Octets value;
};

inline ForgedExtension basic_constraints(bool ca, std::optional<std::uint32_t> path_length = std::nullopt) {
  return {asn1::oids::basic_constraints, true, der_of([&](asn1::DerWriter& der) {
            der.sequence([&] {
              if (ca) der.boolean(true);
              if (path_length) der.integer(*path_length);
            });
          })};
}
inline ForgedExtension key_usage(std::initializer_list<KeyUsageBit> bits) {
  KeyUsage usage;
  for (const KeyUsageBit bit : bits) usage.set(bit);
  return {asn1::oids::key_usage, true, der_of([&](asn1::DerWriter& der) { der.named_bits(usage.bits); })};
}
inline ForgedExtension ext_key_usage(std::initializer_list<Bytes> purposes) {
  return {asn1::oids::ext_key_usage, false, der_of([&](asn1::DerWriter& der) {
            der.sequence([&] {
              for (const Bytes purpose : purposes) der.object_identifier(purpose);
            });
          })};
}

// A GeneralName by its tag: 1 email, 2 DNS, 6 URI, 7 IP.
struct ForgedName {
  unsigned tag = 2;
  std::string value;
};
inline void write_names(asn1::DerWriter& der, const std::vector<ForgedName>& names) {
  for (const ForgedName& name : names) der.primitive(asn1::context(name.tag), as_bytes(name.value));
}
inline ForgedExtension subject_alt_name(const std::vector<ForgedName>& names) {
  return {asn1::oids::subject_alt_name, false,
          der_of([&](asn1::DerWriter& der) { der.sequence([&] { write_names(der, names); }); })};
}
inline ForgedExtension subject_alt_name(std::string dns_name) {
  return subject_alt_name(std::vector<ForgedName>{{2, std::move(dns_name)}});
}
inline ForgedExtension name_constraints(const std::vector<ForgedName>& permitted,
                                        const std::vector<ForgedName>& excluded) {
  return {asn1::oids::name_constraints, true, der_of([&](asn1::DerWriter& der) {
            der.sequence([&] {
              for (const unsigned n : {0u, 1u}) {
                const auto& subtrees = n == 0 ? permitted : excluded;
                if (subtrees.empty()) continue;
                der.element(asn1::context_constructed(n), [&] {
                  for (const ForgedName& base : subtrees) der.sequence([&] { write_names(der, {base}); });
                });
              }
            });
          })};
}

// Every way to put a NULL at the end of what an element holds, at any depth: of constructed elements, and of the OCTET
// and BIT STRINGs that hold DER. A strict reader refuses them all, wherever it knows what comes next.
inline void append_everywhere(const Octets& der, const std::function<void(const Octets&)>& put_back,
                              std::vector<Octets>& results) {
  asn1::DerDocument document(der);
  asn1::DerReader in(document);
  std::vector<asn1::Element> elements;
  while (!in.empty()) elements.push_back(in.any());
  if (document.failed()) return;
  for (std::size_t i = 0; i < elements.size(); ++i) {
    // BIT STRINGs have a count of unused bits before the DER.
    const std::size_t before = elements[i].tag == asn1::Tag::bit_string ? 1 : 0;
    const bool holds_der = is_constructed(elements[i].tag) || elements[i].tag == asn1::Tag::octet_string || before == 1;
    if (!holds_der || elements[i].contents.size() < before) continue;
    const Bytes inside = elements[i].contents.subspan(before);
    const auto with_inside = [&, i, before](const Octets& changed) {
      put_back(der_of([&](asn1::DerWriter& out) {
        for (std::size_t k = 0; k < elements.size(); ++k) {
          if (k != i) {
            out.encoded(elements[k].encoding);
          } else {
            out.element(elements[k].tag, [&] {
              out.encoded(elements[k].contents.first(before));
              out.encoded(changed);
            });
          }
        }
      }));
    };
    Octets longer(inside.begin(), inside.end());
    append_everywhere(longer, with_inside, results);
    longer.insert(longer.end(), {0x05, 0x00});
    with_inside(longer);
  }
}
inline std::vector<Octets> append_everywhere(const Octets& der) {
  std::vector<Octets> results;
  append_everywhere(der, [&](const Octets& changed) { results.push_back(changed); }, results);
  return results;
}

// One attribute a name: O or CN.
inline Octets name_der(std::string_view common_name, asn1::Tag type = asn1::Tag::utf8_string) {
  return der_of([&](asn1::DerWriter& der) {
    der.sequence([&] {
      if (common_name.empty()) return;
      der.element(asn1::Tag::set, [&] {
        der.sequence([&] {
          der.object_identifier(asn1::oids::common_name);
          der.primitive(type, as_bytes(common_name));
        });
      });
    });
  });
}

// A SubjectPublicKeyInfo of RSA whose modulus has so many bits: odd, but hardly a product of two primes.
inline Octets rsa_public_key_der(std::size_t bits, std::uint32_t exponent) {
  Octets modulus((bits + 7) / 8, 0xa5);
  modulus[0] = static_cast<Byte>(1u << (bits - 1) % 8);
  return der_of([&](asn1::DerWriter& der) {
    der.sequence([&] {
      der.unsigned_integer(modulus);
      der.integer(exponent);
    });
  });
}
inline Octets rsa_key_info(std::size_t bits, std::uint32_t exponent) {
  return der_of([&](asn1::DerWriter& der) {
    der.sequence([&] {
      der.sequence([&] {
        der.object_identifier(asn1::oids::rsa_encryption);
        der.null();
      });
      der.bit_string(rsa_public_key_der(bits, exponent));
    });
  });
}

// The parameters of RSASSA-PSS, of which keys restrict and signatures choose.
inline Octets pss_parameters(Bytes hash, Bytes mask_hash, std::optional<std::uint32_t> salt, bool null = true,
                             std::optional<std::uint32_t> trailer = std::nullopt, Bytes mask = asn1::oids::mgf1) {
  return der_of([&](asn1::DerWriter& der) {
    const auto write_hash = [&](Bytes id) {
      der.sequence([&] {
        der.object_identifier(id);
        if (null) der.null();
      });
    };
    der.sequence([&] {
      if (!hash.empty()) der.element(asn1::context_constructed(0), [&] { write_hash(hash); });
      if (!mask_hash.empty()) {
        der.element(asn1::context_constructed(1), [&] {
          der.sequence([&] {
            der.object_identifier(mask);
            write_hash(mask_hash);
          });
        });
      }
      if (salt) der.element(asn1::context_constructed(2), [&] { der.integer(*salt); });
      if (trailer) der.element(asn1::context_constructed(3), [&] { der.integer(*trailer); });
    });
  });
}

// A public key under id-RSASSA-PSS that its parameters restrict to SHA-384.
inline Octets sha384_key_info(const crypto::PublicKey& key) {
  return der_of([&](asn1::DerWriter& der) {
    der.sequence([&] {
      der.sequence([&] {
        der.object_identifier(asn1::oids::rsassa_pss);
        der.encoded(pss_parameters(asn1::oids::sha384, asn1::oids::sha384, 48));
      });
      der.bit_string(der_of([&](asn1::DerWriter& numbers) {
        numbers.sequence([&] {
          numbers.unsigned_integer(key.modulus());
          numbers.unsigned_integer(key.exponent());
        });
      }));
    });
  });
}

// A certificate without any of issue.hpp's scruples.
struct Forgery {
  std::string subject = "leaf";
  std::string issuer = "root";
  Validity validity = good_validity;
  std::vector<ForgedExtension> extensions;
  std::optional<std::uint32_t> version = 2;  // as it is encoded; nothing: left out
  Octets serial = {1};
  std::optional<Octets> public_key_info;      // instead of the key's
  std::optional<Octets> signature_algorithm;  // instead of the signing key's
  bool algorithms_differ = false;
  bool break_signature = false;
  Writing between_key_and_extensions = [](asn1::DerWriter&) {};

  Octets sign(const crypto::PublicKey& key, const crypto::PrivateKey& issuer_key) const {
    const Octets algorithm = signature_algorithm.value_or(
        der_of([&](asn1::DerWriter& der) { write_signature_algorithm(der, issuing_algorithm(issuer_key.type())); }));
    const Octets tbs = der_of([&](asn1::DerWriter& der) {
      der.sequence([&] {
        if (version) der.element(asn1::context_constructed(0), [&] { der.integer(*version); });
        der.primitive(asn1::Tag::integer, serial);
        der.encoded(algorithm);
        der.encoded(name_der(issuer));
        der.sequence([&] {
          der.time(validity.not_before);
          der.time(validity.not_after);
        });
        der.encoded(name_der(subject));
        if (public_key_info) {
          der.encoded(*public_key_info);
        } else {
          write_public_key_info(der, key);
        }
        between_key_and_extensions(der);
        if (extensions.empty()) return;
        der.element(asn1::context_constructed(3), [&] {
          der.sequence([&] {
            for (const ForgedExtension& extension : extensions) {
              der.sequence([&] {
                der.object_identifier(extension.id);
                if (extension.critical) der.boolean(true);
                der.octet_string(extension.value);
              });
            }
          });
        });
      });
    });
    crypto::Signature signature = issuer_key.sign(issuing_algorithm(issuer_key.type()), tbs, hedge, portable_cpu);
    if (break_signature) signature.storage[signature.size / 2] ^= 1;
    return der_of([&](asn1::DerWriter& der) {
      der.sequence([&] {
        der.encoded(tbs);
        if (algorithms_differ) {
          der.sequence([&] { der.object_identifier(asn1::oids::ecdsa_with_sha384); });
        } else {
          der.encoded(algorithm);
        }
        der.bit_string(signature.bytes());
      });
    });
  }
};

}  // namespace limpid::x509::test

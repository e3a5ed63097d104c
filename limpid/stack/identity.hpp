// Who a TLS server is: certificate chains with their private keys, and the ready-made answers to tls::SelectCertificate
// and tls::Sign.
#pragma once

#include "limpid/tls/query.hpp"
#include "limpid/x509/certificate_list.hpp"
#include "limpid/x509/key.hpp"

namespace limpid::stack {

enum class IdentityFault : std::uint8_t {
  no_certificate,   // the chain is empty
  key_mismatch,     // the private key is not the leaf's
  chain_too_large,  // more than a Certificate message holds
  out_of_memory,
};
std::string_view describe(IdentityFault fault);

// An OCSP response about a leaf, for clients that ask for one.
struct Staple {
  Bytes response;  // DER; copied
  UnixTime until;  // x509::OcspAnswer::until
};

// One chain and its key.
class Identity {
 public:
  // `chain` begins with the leaf and is sent as it is; it is not validated, nor is the staple.
  static std::expected<Identity, IdentityFault> make(x509::CertificateList chain, crypto::PrivateKey key,
                                                     Budget& budget, std::optional<Staple> staple = {});

  const x509::Certificate& leaf() const { return chain_[0]; }
  const crypto::PrivateKey& key() const { return key_; }
  // As tls::CertificateSelected wants it; with the staple, if there is one that still holds, or without.
  Bytes certificate_list(bool stapled, UnixTime at) const {
    // RFC 6960, section 4.2.2.1: "Responses whose nextUpdate value is earlier than the local system time value SHOULD
    // be considered unreliable."
    const Buffer& list = stapled && !stapled_list_.empty() && at <= staple_until_ ? stapled_list_ : certificate_list_;
    return {list.data(), list.size()};
  }
  // Whether the leaf is about this host name (RFC 9525).
  bool is_for(std::string_view name) const;

 private:
  Identity(x509::CertificateList chain, crypto::PrivateKey key, Buffer certificate_list, Buffer stapled_list,
           UnixTime staple_until)
      : chain_(std::move(chain)),
        key_(std::move(key)),
        certificate_list_(std::move(certificate_list)),
        stapled_list_(std::move(stapled_list)),
        staple_until_(staple_until) {}

  x509::CertificateList chain_;
  crypto::PrivateKey key_;
  Buffer certificate_list_, stapled_list_;
  UnixTime staple_until_;
};

// Several of them, chosen by SNI.
class Identities {
 public:
  // `generation` tells this set from those before it, after certificates were exchanged: a signature by the key of an
  // earlier set's certificate is declined rather than made with another key.
  explicit Identities(Budget& budget, std::uint16_t generation = 0) : identities_(budget), generation_(generation) {}

  // False if memory is refused or there are 65536.
  [[nodiscard]] bool add(Identity identity);
  std::span<const Identity> all() const { return {identities_.begin(), identities_.size()}; }

  // The answer to a server's question; its views are into this set. SelectCertificate: the first identity for the name
  // asked for whose key the peer can verify; if there is none, the first whose key it can verify at all, so that a
  // client that sends no name, or one that we do not know, sees who we are. VerifyPeer is declined.
  tls::Answer answer(const tls::Query& query, UnixTime at, CpuFeatures cpu);

 private:
  tls::Answer select(const tls::SelectCertificate& query, UnixTime at) const;
  tls::Answer sign(const tls::Sign& query, CpuFeatures cpu);

  Vec<Identity> identities_;
  std::uint16_t generation_;
  crypto::Signature signature_;  // the last one, lent to its answer
};

}  // namespace limpid::stack

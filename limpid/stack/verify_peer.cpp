#include "limpid/stack/verify_peer.hpp"

namespace limpid::stack {
namespace {

// More than verification would look at.
constexpr std::size_t most_certificates = x509::VerifyLimits{}.certificates + 1;

struct Chain {
  std::array<Bytes, most_certificates> certificates;
  std::size_t size = 0;
  std::span<const Bytes> span() const { return std::span(certificates).first(size); }
};

// Of CertificateEntry after CertificateEntry (RFC 8446, section 4.4.2), which tls checked.
Chain split(Bytes certificate_list) {
  Chain chain;
  Reader in(certificate_list);
  while (!in.empty() && chain.size < chain.certificates.size()) {
    chain.certificates[chain.size++] = in.vector24();
    in.vector16();
  }
  return chain;
}

PeerVerdict declined(const x509::Invalid& invalid) { return {tls::Declined{fault_of(invalid.reason)}, invalid}; }

}  // namespace

tls::Fault fault_of(x509::InvalidReason reason) {
  using Reason = x509::InvalidReason;
  switch (reason) {
    case Reason::malformed_certificate:
    case Reason::bad_signature:
    case Reason::invalid_key:
    case Reason::name_mismatch:
    case Reason::not_a_ca:
    case Reason::cannot_sign:
    case Reason::path_length_exceeded:
    case Reason::name_not_permitted:
      return tls::Fault::bad_certificate;
    case Reason::unsupported_signature_algorithm:
    case Reason::weak_signature_algorithm:
    case Reason::unsupported_key_type:
    case Reason::weak_key:
    case Reason::wrong_purpose:
    case Reason::wrong_key_usage:
    case Reason::unprocessed_critical_extension:
    case Reason::unsupported_name_constraint:
      return tls::Fault::unsupported_certificate;
    case Reason::expired:
    case Reason::not_yet_valid:
      return tls::Fault::certificate_expired;
    case Reason::revoked:
      return tls::Fault::certificate_revoked;
    case Reason::status_unsatisfactory:
      return tls::Fault::bad_certificate_status;
    case Reason::chain_too_large:
    case Reason::too_many_signatures:
    case Reason::too_many_names:
      return tls::Fault::certificate_unknown;
    case Reason::unknown_issuer:
    case Reason::self_signed:
    case Reason::path_too_long:
      return tls::Fault::unknown_ca;
    case Reason::no_certificate:
    case Reason::invalid_name:
    case Reason::out_of_memory:
      return tls::Fault::verification_failed;
  }
  return tls::Fault::verification_failed;
}

PeerVerdict verify_peer(const tls::VerifyPeer& query, std::span<const x509::Certificate> anchors, UnixTime at,
                        Budget& budget, CpuFeatures cpu) {
  const Chain chain = split(query.certificate_list);
  x509::VerifyOptions options;
  options.at = at;
  options.name = x509::peer_name(as_text(query.server_name));
  options.ocsp_response = query.ocsp_response;
  const auto valid = x509::verify_chain(chain.span(), anchors, options, budget, cpu);
  if (!valid) return declined(valid.error());
  if (!valid->leaf_key) return declined({x509::InvalidReason::unsupported_key_type, {}, {}});
  return {tls::PeerAccepted{*valid->leaf_key}, {}, *valid};
}

PeerVerdict accept_any_peer(const tls::VerifyPeer& query) {
  const Chain chain = split(query.certificate_list);
  const auto leaf = x509::parse_certificate(chain.certificates[0]);
  if (!leaf) return declined({x509::InvalidReason::malformed_certificate, {}, leaf.error()});
  const auto key = x509::public_key(leaf->public_key_info);
  if (!key) return declined({x509::InvalidReason::unsupported_key_type, {}, {}});
  return {tls::PeerAccepted{*key}};
}

}  // namespace limpid::stack

#include "limpid/stack/identity.hpp"

#include "limpid/tls/wire/handshake.hpp"

namespace limpid::stack {

std::string_view describe(IdentityFault fault) {
  switch (fault) {
    case IdentityFault::no_certificate:
      return "the certificate chain is empty";
    case IdentityFault::key_mismatch:
      return "the private key does not belong to the first certificate";
    case IdentityFault::chain_too_large:
      return "the certificate chain is larger than a TLS message holds";
    case IdentityFault::out_of_memory:
      return "there is no memory for the certificate chain";
  }
  return "";
}

namespace {

std::expected<Buffer, IdentityFault> encode(const x509::CertificateList& chain, Budget& budget, Bytes staple) {
  Buffer list(budget);
  Writer out(list);
  for (const x509::Certificate& certificate : chain.certificates()) {
    tls::append_certificate(out, certificate.der, std::exchange(staple, Bytes{}));
  }
  if (out.failed()) return std::unexpected(IdentityFault::out_of_memory);
  // A Certificate message: the empty context, the list's length, the list.
  if (4 + list.size() > tls::wire::max_body_size(tls::wire::HandshakeType::certificate)) {
    return std::unexpected(IdentityFault::chain_too_large);
  }
  return list;
}

}  // namespace

std::expected<Identity, IdentityFault> Identity::make(x509::CertificateList chain, crypto::PrivateKey key,
                                                      Budget& budget, std::optional<Staple> staple) {
  if (chain.empty()) return std::unexpected(IdentityFault::no_certificate);
  if (!x509::key_matches(key, chain[0])) return std::unexpected(IdentityFault::key_mismatch);
  auto list = encode(chain, budget, {});
  if (!list) return std::unexpected(list.error());
  std::expected<Buffer, IdentityFault> stapled;
  if (staple) stapled = encode(chain, budget, staple->response);
  if (!stapled) return std::unexpected(stapled.error());
  return Identity(std::move(chain), std::move(key), std::move(*list), std::move(*stapled),
                  staple ? staple->until : UnixTime{});
}

bool Identity::is_for(std::string_view name) const {
  if (!leaf().subject_alt_name) return false;
  for (const x509::GeneralName& alternative : *leaf().subject_alt_name) {
    if (alternative.type == x509::GeneralNameType::dns_name &&
        x509::dns_name_matches(as_text(alternative.value), name)) {
      return true;
    }
  }
  return false;
}

bool Identities::add(Identity identity) {
  return identities_.size() < 65536 && identities_.push_back(std::move(identity));
}

tls::Answer Identities::answer(const tls::Query& query, UnixTime at, CpuFeatures cpu) {
  if (const auto* question = std::get_if<tls::SelectCertificate>(&query)) return select(*question, at);
  if (const auto* question = std::get_if<tls::Sign>(&query)) return sign(*question, cpu);
  return tls::Declined{tls::Fault::verification_failed};
}

namespace {

// The best scheme that the key of this identity can sign with and the peer can verify.
std::optional<crypto::SignatureScheme> scheme_for(const Identity& identity, const tls::SelectCertificate& query) {
  const auto possible = crypto::schemes_of(identity.key().type());
  // RFC 4055, section 1.2: a key under id-RSASSA-PSS may be for one hash only.
  const auto only_hash = x509::pss_restriction(identity.leaf().public_key_info.algorithm);
  for (const crypto::SignatureScheme scheme : query.signature_schemes) {
    if (std::find(possible.begin(), possible.end(), scheme) == possible.end()) continue;
    if (!only_hash || crypto::algorithm_of(scheme)->hash == *only_hash) return scheme;
  }
  return std::nullopt;
}

}  // namespace

tls::Answer Identities::select(const tls::SelectCertificate& query, UnixTime at) const {
  const Identity* chosen = nullptr;
  for (const Identity& identity : all()) {
    if (!scheme_for(identity, query)) continue;
    if (identity.is_for(as_text(query.server_name))) {
      chosen = &identity;
      break;
    }
    if (chosen == nullptr) chosen = &identity;
  }
  if (chosen == nullptr) {
    return tls::Declined{identities_.empty() ? tls::Fault::no_certificate : tls::Fault::no_common_signature_scheme};
  }
  const auto index = static_cast<std::uint32_t>(chosen - all().data());
  return tls::CertificateSelected{chosen->certificate_list(query.staple_requested, at), *scheme_for(*chosen, query),
                                  std::uint32_t{generation_} << 16 | index};
}

tls::Answer Identities::sign(const tls::Sign& query, CpuFeatures cpu) {
  const std::size_t index = query.key & 0xffff;
  if (query.key >> 16 != generation_ || index >= identities_.size()) return tls::Declined{tls::Fault::signing_failed};
  signature_ = identities_[index].key().sign(query.scheme, query.content.bytes(), query.hedge, cpu);
  if (signature_.size == 0) return tls::Declined{tls::Fault::signing_failed};
  return tls::Signed{signature_.bytes()};
}

}  // namespace limpid::stack

#include "limpid/x509/verify.hpp"

#include "limpid/asn1/oid.hpp"
#include "limpid/core/text.hpp"
#include "limpid/x509/name_constraints.hpp"
#include "limpid/x509/ocsp.hpp"

namespace limpid::x509 {
namespace {

namespace oids = asn1::oids;
using Reason = InvalidReason;

struct Words {
  std::string_view name;
  std::string_view text;
};

Words words(Reason reason) {
  switch (reason) {
    case Reason::no_certificate:
      return {"no_certificate", "no certificate was presented"};
    case Reason::malformed_certificate:
      return {"malformed_certificate", "a malformed certificate"};
    case Reason::expired:
      return {"expired", "the certificate has expired"};
    case Reason::not_yet_valid:
      return {"not_yet_valid", "the certificate is not valid yet"};
    case Reason::name_mismatch:
      return {"name_mismatch", "the certificate is for another name"};
    case Reason::invalid_name:
      return {"invalid_name", "the name asked for is no host name"};
    case Reason::wrong_purpose:
      return {"wrong_purpose", "the certificate is not for this purpose (extKeyUsage)"};
    case Reason::wrong_key_usage:
      return {"wrong_key_usage", "the certificate's key is not for signing (keyUsage)"};
    case Reason::unknown_issuer:
      return {"unknown_issuer", "the certificate's issuer is not known"};
    case Reason::self_signed:
      return {"self_signed", "the certificate is self-signed and not trusted"};
    case Reason::not_a_ca:
      return {"not_a_ca", "the issuing certificate is not a CA's (basicConstraints)"};
    case Reason::cannot_sign:
      return {"cannot_sign", "the issuing certificate must not sign certificates (keyUsage)"};
    case Reason::path_length_exceeded:
      return {"path_length_exceeded", "more certificates below this CA than it allows"};
    case Reason::path_too_long:
      return {"path_too_long", "the chain is longer than is allowed"};
    case Reason::bad_signature:
      return {"bad_signature", "the certificate's signature is wrong"};
    case Reason::unsupported_signature_algorithm:
      return {"unsupported_signature_algorithm", "the certificate is signed with an unsupported algorithm"};
    case Reason::unsupported_key_type:
      return {"unsupported_key_type", "the certificate's key is of an unsupported type"};
    case Reason::weak_signature_algorithm:
      return {"weak_signature_algorithm", "the certificate is signed with SHA-1 or MD5, which can be forged"};
    case Reason::weak_key:
      return {"weak_key", "the certificate's RSA key is too weak (less than 2048 bits, or a tiny exponent)"};
    case Reason::invalid_key:
      return {"invalid_key", "the certificate's public key is invalid"};
    case Reason::unprocessed_critical_extension:
      return {"unprocessed_critical_extension", "the certificate has a critical extension that is not supported"};
    case Reason::name_not_permitted:
      return {"name_not_permitted", "the certificate has a name that its issuer may not certify (nameConstraints)"};
    case Reason::unsupported_name_constraint:
      return {"unsupported_name_constraint", "the issuer constrains names of a type that is not supported"};
    case Reason::revoked:
      return {"revoked", "the certificate was revoked"};
    case Reason::status_unsatisfactory:
      return {"status_unsatisfactory", "the OCSP response that came with the certificate does not say that it is good"};
    case Reason::chain_too_large:
      return {"chain_too_large", "more certificates, or larger ones, than are allowed"};
    case Reason::too_many_signatures:
      return {"too_many_signatures", "no path within the number of signatures that may be verified"};
    case Reason::too_many_names:
      return {"too_many_names", "more names and constraints on them than may be compared"};
    case Reason::out_of_memory:
      return {"out_of_memory", "the memory allowed does not hold the chain"};
  }
  return {};
}

// A missing issuer says less than any other reason.
bool is_weak(Reason reason) { return reason == Reason::unknown_issuer || reason == Reason::self_signed; }

Reason reason_of(PublicKeyFault fault) {
  switch (fault) {
    case PublicKeyFault::weak_key:
      return Reason::weak_key;
    case PublicKeyFault::invalid_key:
      return Reason::invalid_key;
    case PublicKeyFault::unsupported_key_type:
    case PublicKeyFault::unsupported_curve:
    case PublicKeyFault::unsupported_size:
      break;
  }
  return Reason::unsupported_key_type;
}

bool allows(const std::optional<KeyPurposes>& purposes, Purpose wanted) {
  if (!purposes || wanted == Purpose::any) return true;
  const Bytes id = wanted == Purpose::server ? oids::server_auth : oids::client_auth;
  for (const KeyPurpose& purpose : *purposes) {
    if (purpose.id == id || purpose.id == oids::any_extended_key_usage) return true;
  }
  return false;
}

bool has_name(const Certificate& leaf, const PeerName& wanted) {
  for (const GeneralName& name : leaf.subject_alt_name.value_or(GeneralNames())) {
    if (const auto* host = std::get_if<std::string_view>(&wanted)) {
      if (name.type == GeneralNameType::dns_name && dns_name_matches(as_text(name.value), *host)) return true;
    } else if (const auto* address = std::get_if<IpAddress>(&wanted)) {
      if (name.type == GeneralNameType::ip_address && name.value == address->bytes()) return true;
    }
  }
  return false;
}

// The identifiers contradict each other: unlikely to be the issuer, but RFC 5280 gives them no say in validity.
bool key_identifiers_differ(const Certificate& certificate, const Certificate& issuer) {
  const auto& authority = certificate.authority_key_identifier;
  return authority && authority->key_identifier && issuer.subject_key_identifier &&
         *authority->key_identifier != *issuer.subject_key_identifier;
}

class PathBuilder {
 public:
  PathBuilder(const Certificate& leaf, std::span<const Certificate> intermediates, std::span<const Certificate> anchors,
              const VerifyOptions& options, CpuFeatures cpu)
      : intermediates_(intermediates),
        anchors_(anchors),
        options_(options),
        cpu_(cpu),
        longest_(std::min(options.limits.path_certificates, max_path)),
        signatures_left_(options.limits.signatures),
        comparisons_left_(options.limits.name_comparisons) {
    path_[0] = {&leaf, {CertificateIndex::In::presented, 0}};
  }

  std::expected<ValidChain, Invalid> run() {
    size_ = 1;
    if (!is_within_size_limits() || !check_leaf()) return std::unexpected(*failure_);
    if (!is_anchor(leaf()) && !extend()) return std::unexpected(*failure_);
    if (!check_status()) return std::unexpected(*failure_);
    ValidChain chain;
    for (std::size_t i = 0; i < size_; ++i) chain.path[i] = path_[i].index;
    chain.size = size_;
    chain.leaf_key = leaf_key_;
    return chain;
  }

 private:
  struct Link {
    const Certificate* certificate = nullptr;
    CertificateIndex index;
  };

  const Certificate& leaf() const { return *path_[0].certificate; }

  // Always false. Keeps the first reason that says something; a bound that was hit ends the search.
  bool fail(Reason reason, const Link& about) {
    if (!failure_ || (is_weak(failure_->reason) && !is_weak(reason))) failure_ = Invalid{reason, about.index, {}};
    return false;
  }
  bool give_up(Reason reason, const Link& about) {
    failure_ = Invalid{reason, about.index, {}};
    gave_up_ = true;
    return false;
  }

  bool is_within_size_limits() {
    std::size_t bytes = leaf().der.size();
    for (const Certificate& certificate : intermediates_) bytes += certificate.der.size();
    if (bytes <= options_.limits.chain_bytes && intermediates_.size() < options_.limits.certificates) return true;
    return fail(Reason::chain_too_large, path_[0]);
  }

  bool is_anchor(const Certificate& certificate) const {
    return std::ranges::any_of(anchors_, [&](const Certificate& anchor) { return anchor.der == certificate.der; });
  }

  // The same CA again, if perhaps by another certificate: cross-signatures may form circles.
  bool is_in_path(const Certificate& certificate) const {
    return std::any_of(path_.begin(), path_.begin() + size_, [&](const Link& link) {
      return link.certificate->public_key_info.der == certificate.public_key_info.der &&
             names_match(link.certificate->subject, certificate.subject);
    });
  }

  // What holds for leaf, intermediates and anchor alike.
  bool check_any(const Link& link) {
    const Certificate& certificate = *link.certificate;
    if (options_.at < certificate.validity.not_before) return fail(Reason::not_yet_valid, link);
    if (options_.at > certificate.validity.not_after) return fail(Reason::expired, link);
    if (!certificate.unprocessed_critical.empty()) return fail(Reason::unprocessed_critical_extension, link);
    if (!allows(certificate.ext_key_usage, options_.purpose)) return fail(Reason::wrong_purpose, link);
    return true;
  }

  bool check_leaf() {
    const Link& link = path_[0];
    if (!check_any(link)) return false;
    // RFC 8446, section 4.4.2.2: "the digitalSignature bit MUST be set if the Key Usage extension is present" (likewise
    // for clients, 4.4.2.3).
    const bool signs = !leaf().key_usage || leaf().key_usage->has(KeyUsageBit::digital_signature);
    if (options_.purpose != Purpose::any && !signs) return fail(Reason::wrong_key_usage, link);
    if (!check_name()) return false;
    const auto key = public_key(leaf().public_key_info);
    if (key) {
      leaf_key_ = *key;
      return true;
    }
    const Reason reason = reason_of(key.error());
    return (reason == Reason::unsupported_key_type && options_.purpose == Purpose::any) || fail(reason, link);
  }

  // RFC 6066, section 8: "Clients requesting an OCSP response and receiving an OCSP response in a "CertificateStatus"
  // message MUST check the OCSP response and abort the handshake if the response is not satisfactory".
  bool check_status() {
    if (options_.ocsp_response.empty()) return true;
    const auto answer = size_ > 1 ? status_by(*path_[1].certificate) : status_by_name();
    if (answer && answer->status == OcspStatus::good) return true;
    const bool revoked = answer && answer->status == OcspStatus::revoked;
    failure_ = Invalid{revoked ? Reason::revoked : Reason::status_unsatisfactory, path_[0].index, {}};
    return false;
  }

  std::optional<OcspAnswer> status_by(const Certificate& issuer) const {
    const auto answer = check_ocsp(options_.ocsp_response, leaf(), issuer, options_.at, cpu_);
    return answer ? std::optional(*answer) : std::nullopt;
  }

  // Where the leaf is an anchor itself, no issuer was looked for: it is anyone of that name whom the response is by.
  std::optional<OcspAnswer> status_by_name() {
    for (const auto candidates : {std::span(path_[0].certificate, 1), intermediates_, anchors_}) {
      for (const Certificate& candidate : candidates) {
        if (!names_match(leaf().issuer, candidate.subject)) continue;
        if (signatures_left_-- == 0) return std::nullopt;
        if (const auto answer = status_by(candidate)) return answer;
      }
    }
    return std::nullopt;
  }

  bool check_name() {
    if (std::holds_alternative<std::monostate>(options_.name)) return true;
    const auto* host = std::get_if<std::string_view>(&options_.name);
    if (host != nullptr && !is_dns_name(*host)) return fail(Reason::invalid_name, path_[0]);
    return has_name(leaf(), options_.name) || fail(Reason::name_mismatch, path_[0]);
  }

  // Depth first. Every step down costs a signature, of which there is a limited number, so the search ends; recursion
  // is as deep as the path is long.
  bool extend() {
    bool found = false;
    for (const bool contradicting : {false, true}) {
      for (const CertificateIndex::In in : {CertificateIndex::In::anchors, CertificateIndex::In::presented}) {
        if (extend_from(in, contradicting, found)) return true;
        if (gave_up_) return false;
      }
    }
    if (found) return false;
    const Link& last = path_[size_ - 1];
    return fail(last.certificate->is_self_issued() ? Reason::self_signed : Reason::unknown_issuer, last);
  }

  bool extend_from(CertificateIndex::In in, bool contradicting, bool& found) {
    const Certificate& last = *path_[size_ - 1].certificate;
    const bool anchors = in == CertificateIndex::In::anchors;
    const std::span<const Certificate> candidates = anchors ? anchors_ : intermediates_;
    for (std::size_t i = 0; i < candidates.size(); ++i) {
      const Certificate& candidate = candidates[i];
      if (key_identifiers_differ(last, candidate) != contradicting) continue;
      if (!names_match(last.issuer, candidate.subject) || is_in_path(candidate)) continue;
      const Link link{&candidate, {in, anchors ? i : i + 1}};
      if (size_ == longest_) {
        found = true;
        return fail(Reason::path_too_long, link);
      }
      if (!check_issuer(link, contradicting, found)) {
        if (gave_up_) return false;
        continue;
      }
      found = true;
      path_[size_++] = link;
      if (anchors || extend()) return true;
      --size_;
      if (gave_up_) return false;
    }
    return false;
  }

  bool check_issuer(const Link& link, bool contradicting, bool& found) {
    const Certificate& issuer = *link.certificate;
    const auto refuse = [&](Reason reason, const Link& about) {
      found = true;
      return fail(reason, about);
    };
    if (signatures_left_ == 0) return give_up(Reason::too_many_signatures, link);
    --signatures_left_;
    // The signature first: what is not the issuer has nothing to say about why the path fails.
    const Link& last = path_[size_ - 1];
    const auto key = public_key(issuer.public_key_info);
    if (!key) return refuse(reason_of(key.error()), link);
    const auto algorithm = signature_algorithm(last.certificate->signature_algorithm);
    if (!algorithm) {
      const bool weak = algorithm.error() == SignatureFault::weak;
      return refuse(weak ? Reason::weak_signature_algorithm : Reason::unsupported_signature_algorithm, last);
    }
    if (!crypto::verify(*key, *algorithm, last.certificate->tbs, last.certificate->signature, cpu_)) {
      return contradicting ? false : refuse(Reason::bad_signature, last);
    }
    found = true;
    if (!check_any(link)) return false;
    if (!issuer.is_ca()) return fail(Reason::not_a_ca, link);
    if (issuer.key_usage && !issuer.key_usage->has(KeyUsageBit::key_cert_sign)) return fail(Reason::cannot_sign, link);
    return check_path_length(link) && check_name_constraints(link);
  }

  // RFC 5280, section 4.2.1.9: pathLenConstraint "gives the maximum number of non-self-issued intermediate certificates
  // that may follow this certificate in a valid certification path".
  bool check_path_length(const Link& link) {
    const auto allowed = link.certificate->basic_constraints->path_length;
    if (!allowed) return true;
    const auto below = std::count_if(path_.begin() + 1, path_.begin() + size_,
                                     [](const Link& l) { return !l.certificate->is_self_issued(); });
    return static_cast<std::uint64_t>(below) <= *allowed || fail(Reason::path_length_exceeded, link);
  }

  bool check_name_constraints(const Link& link) {
    if (!link.certificate->name_constraints) return true;
    for (std::size_t i = 0; i < size_; ++i) {
      // RFC 5280, section 4.2.1.10: "Name constraints are not applied to self-issued certificates (unless the
      // certificate is the final certificate in the path)."
      if (i > 0 && path_[i].certificate->is_self_issued()) continue;
      switch (check_names(*path_[i].certificate, *link.certificate->name_constraints, comparisons_left_)) {
        case NameVerdict::permitted:
          break;
        case NameVerdict::not_permitted:
          return fail(Reason::name_not_permitted, path_[i]);
        case NameVerdict::unsupported:
          return fail(Reason::unsupported_name_constraint, link);
        case NameVerdict::too_many:
          return give_up(Reason::too_many_names, link);
      }
    }
    return true;
  }

  std::span<const Certificate> intermediates_;
  std::span<const Certificate> anchors_;
  const VerifyOptions& options_;
  CpuFeatures cpu_;
  std::size_t longest_;
  std::size_t signatures_left_;
  std::size_t comparisons_left_;

  std::array<Link, max_path> path_{};
  std::size_t size_ = 0;
  std::optional<crypto::PublicKey> leaf_key_;
  std::optional<Invalid> failure_;
  bool gave_up_ = false;
};

}  // namespace

PeerName peer_name(std::string_view text) {
  std::string_view literal = text;
  if (literal.starts_with('[') && literal.ends_with(']')) literal = part_of(literal, 1, literal.size() - 2);
  if (const auto address = parse_ip(literal)) return *address;
  return text;
}

std::string_view describe(InvalidReason reason) { return words(reason).text; }
std::string_view reason_name(InvalidReason reason) { return words(reason).name; }

void write_invalid(Writer& out, const Invalid& invalid) {
  out.text(describe(invalid.reason));
  const bool presented = invalid.certificate.in == CertificateIndex::In::presented;
  if (!presented) {
    out.text(" (trust anchor ");
    out.decimal(invalid.certificate.index + 1);
    out.text(")");
  } else if (invalid.certificate.index > 0) {
    out.text(" (certificate ");
    out.decimal(invalid.certificate.index + 1);
    out.text(" of the chain)");
  }
  if (invalid.reason != Reason::malformed_certificate) return;
  out.text(": ");
  write_error(out, invalid.error);
}

std::expected<ValidChain, Invalid> verify(const Certificate& leaf, std::span<const Certificate> intermediates,
                                          std::span<const Certificate> anchors, const VerifyOptions& options,
                                          CpuFeatures cpu) {
  return PathBuilder(leaf, intermediates, anchors, options, cpu).run();
}

std::expected<ValidChain, Invalid> verify_chain(std::span<const Bytes> chain, std::span<const Certificate> anchors,
                                                const VerifyOptions& options, Budget& budget, CpuFeatures cpu) {
  if (chain.empty()) return std::unexpected(Invalid{Reason::no_certificate, {}, {}});
  std::size_t bytes = 0;
  for (const Bytes der : chain) bytes += der.size();
  if (chain.size() > options.limits.certificates || bytes > options.limits.chain_bytes) {
    return std::unexpected(Invalid{Reason::chain_too_large, {}, {}});
  }
  Vec<Certificate> parsed(budget);
  Vec<std::size_t> positions(budget);  // in `chain`
  if (!parsed.reserve(chain.size()) || !positions.reserve(chain.size())) {
    return std::unexpected(Invalid{Reason::out_of_memory, {}, {}});
  }
  std::optional<Invalid> malformed;
  for (std::size_t i = 0; i < chain.size(); ++i) {
    const auto certificate = parse_certificate(chain[i]);
    if (!certificate) {
      if (!malformed) {
        malformed = Invalid{Reason::malformed_certificate, {CertificateIndex::In::presented, i}, certificate.error()};
      }
      if (i == 0) return std::unexpected(*malformed);
      continue;
    }
    if (!parsed.push_back(*certificate) || !positions.push_back(i)) {
      return std::unexpected(Invalid{Reason::out_of_memory, {}, {}});
    }
  }
  const auto to_position = [&](CertificateIndex& index) {
    if (index.in == CertificateIndex::In::presented) index.index = positions[index.index];
  };
  const std::span<const Certificate> certificates(parsed.data(), parsed.size());
  auto result = verify(certificates[0], certificates.subspan(1), anchors, options, cpu);
  if (result) {
    for (std::size_t i = 0; i < result->size; ++i) to_position(result->path[i]);
    return result;
  }
  if (malformed && is_weak(result.error().reason)) return std::unexpected(*malformed);
  to_position(result.error().certificate);
  return result;
}

}  // namespace limpid::x509

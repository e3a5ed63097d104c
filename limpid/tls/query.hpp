// What a handshake asks of whoever steps it, and the answers. tls/ knows neither keys nor certificates: a chain is
// bytes to it. So a key may live in another process, and a fuzzer may answer.
#pragma once

#include <optional>
#include <span>
#include <variant>

#include "limpid/core/machine.hpp"
#include "limpid/core/snapshot.hpp"
#include "limpid/tls/fault.hpp"
#include "limpid/tls/wire/code_points.hpp"

namespace limpid::tls {

using crypto::SignatureScheme;

// The content covered by a CertificateVerify (RFC 8446, section 4.4.3): 64 spaces, the context string, a zero byte and
// the transcript's hash.
class SignedContent {
 public:
  SignedContent() = default;
  SignedContent(bool by_server, Bytes transcript_hash);
  Bytes bytes() const { return Bytes(storage_).first(size_); }

 private:
  std::array<Byte, 64 + 34 + 64> storage_{};
  std::uint8_t size_ = 0;
};

// Questions. Views point into the state and are dead when it is next stepped.

// Server: which certificate answers this ClientHello? Answered by CertificateSelected or Declined.
struct SelectCertificate {
  Bytes server_name{};                                 // the host_name in SNI, as it came; empty if there was none
  std::span<const SignatureScheme> signature_schemes;  // those that both sides know, best first; at least one
  Bytes application_protocol{};                        // what ALPN will select; empty if nothing
  bool staple_requested = false;                       // the client takes an OCSP response with the certificate
};

// Server: signs `content`. Answered by Signed or Declined.
struct Sign {
  std::uint32_t key = 0;  // what CertificateSelected said
  SignatureScheme scheme{};
  SignedContent content;
  std::span<const Byte, 32> hedge;  // fresh secret bytes for crypto::PrivateKey::sign; only for this signature
};

// Client: is this chain good for this name? Answered by PeerAccepted or Declined. The handshake itself checks that
// the peer owns the leaf's key.
struct VerifyPeer {
  Bytes certificate_list{};  // at least one entry; encoded as in CertificateSelected
  Bytes server_name{};       // what the client was configured to reach
  Bytes ocsp_response{};     // that came with the leaf, if it was asked for; DER; empty: none
};

using Query = std::variant<SelectCertificate, Sign, VerifyPeer>;
enum class QueryKind : std::uint8_t { select_certificate, sign, verify_peer };  // in the order of Query
constexpr bool is_valid(QueryKind kind) { return kind <= QueryKind::verify_peer; }

// Answers.

struct CertificateSelected {
  // The chain, leaf first, as CertificateEntry after CertificateEntry (RFC 8446, section 4.4.2): append_certificate
  // writes one. Lent: the machine copies what it sends.
  Bytes certificate_list{};
  SignatureScheme scheme{};  // one of the query's
  std::uint32_t key = 0;     // comes back in Sign; means nothing here
  static void fields(auto& self, auto&& visit) { visit(self.certificate_list, self.scheme, self.key); }
};

struct Signed {
  Bytes signature{};
  static void fields(auto& self, auto&& visit) { visit(self.signature); }
};

struct PeerAccepted {
  crypto::PublicKey key;  // the leaf's
  static void fields(auto& self, auto&& visit) { visit(self.key); }
};

// The handshake fails with this fault and its alert: Fault::unknown_server_name, no_certificate, signing_failed,
// unknown_ca, certificate_expired, ...
struct Declined {
  Fault fault = Fault::verification_failed;
  static void fields(auto& self, auto&& visit) { visit(self.fault); }
};

using Answer = std::variant<Declined, CertificateSelected, Signed, PeerAccepted>;

// Writes one CertificateEntry, with an OCSP response if it is not empty: only where the query says so (for the leaf, or
// for any), since a client does not take what it has not asked for.
void append_certificate(Writer& list, Bytes der, Bytes ocsp_response = {});

}  // namespace limpid::tls

// The key schedule (RFC 8446, section 7.1 to 7.3).
//
// Its three stages are three types, and each is consumed to make the next, so that no secret outlives its use:
//
//     EarlySecret  --(EC)DHE-->  HandshakeSecret  -->  MasterSecret
//
// A transcript hash argument is the hash of the messages that section 7.1 names beside the secret; that it is the right
// one is for the caller to see to. All sizes are those of the suite's hash.
#pragma once

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/hkdf.hpp"
#include "limpid/tls/wire/cipher_suite.hpp"

namespace limpid::tls {

using crypto::Digest;
using crypto::HashAlgorithm;
using crypto::HashSecret;

// HKDF-Expand-Label(Secret, Label, Context, out.size()). The label comes without its "tls13 " and has at most 249
// bytes, the context at most 255, `out` at most 255 digests.
void hkdf_expand_label(HashAlgorithm algorithm, Bytes secret, std::string_view label, Bytes context, MutableBytes out,
                       CpuFeatures cpu);

// Derive-Secret(Secret, Label, Messages), given Transcript-Hash(Messages).
HashSecret derive_secret(HashAlgorithm algorithm, Bytes secret, std::string_view label, Bytes transcript_hash,
                         CpuFeatures cpu);

class MasterSecret {
 public:
  MasterSecret() = default;  // only to be loaded or assigned into

  HashAlgorithm algorithm() const { return algorithm_; }
  Bytes bytes() const { return secret_.bytes(); }

  // Hashed: ClientHello...server Finished.
  HashSecret client_application_traffic_secret_0(const Digest& transcript_hash, CpuFeatures cpu) const;
  HashSecret server_application_traffic_secret_0(const Digest& transcript_hash, CpuFeatures cpu) const;
  HashSecret exporter_master_secret(const Digest& transcript_hash, CpuFeatures cpu) const;
  // Hashed: ClientHello...client Finished.
  HashSecret resumption_master_secret(const Digest& transcript_hash, CpuFeatures cpu) const;

  static void fields(auto& self, auto&& visit) { visit(self.algorithm_, self.secret_); }
  bool restored(const LoadContext&) const;

 private:
  friend class HandshakeSecret;
  MasterSecret(HashAlgorithm algorithm, HashSecret secret) : algorithm_(algorithm), secret_(std::move(secret)) {}

  HashAlgorithm algorithm_ = HashAlgorithm::sha256;
  HashSecret secret_;
};

class HandshakeSecret {
 public:
  HandshakeSecret() = default;  // only to be loaded or assigned into

  HashAlgorithm algorithm() const { return algorithm_; }
  Bytes bytes() const { return secret_.bytes(); }

  // Hashed: ClientHello...ServerHello.
  HashSecret client_handshake_traffic_secret(const Digest& transcript_hash, CpuFeatures cpu) const;
  HashSecret server_handshake_traffic_secret(const Digest& transcript_hash, CpuFeatures cpu) const;

  // Leaves nothing behind here.
  MasterSecret into_master_secret(CpuFeatures cpu) &&;

  static void fields(auto& self, auto&& visit) { visit(self.algorithm_, self.secret_); }
  bool restored(const LoadContext&) const;

 private:
  friend class EarlySecret;
  HandshakeSecret(HashAlgorithm algorithm, HashSecret secret) : algorithm_(algorithm), secret_(std::move(secret)) {}

  HashAlgorithm algorithm_ = HashAlgorithm::sha256;
  HashSecret secret_;
};

class EarlySecret {
 public:
  EarlySecret() = default;  // only to be loaded or assigned into

  // `psk` is empty where none is used: then "the 0-value is used", a digest of zeros.
  EarlySecret(HashAlgorithm algorithm, Bytes psk, CpuFeatures cpu);

  HashAlgorithm algorithm() const { return algorithm_; }
  Bytes bytes() const { return secret_.bytes(); }

  // "res binder": of a PSK that came with a ticket; "ext binder": of one established outside TLS.
  HashSecret resumption_binder_key(CpuFeatures cpu) const;
  HashSecret external_binder_key(CpuFeatures cpu) const;
  // Hashed: ClientHello.
  HashSecret client_early_traffic_secret(const Digest& transcript_hash, CpuFeatures cpu) const;
  HashSecret early_exporter_master_secret(const Digest& transcript_hash, CpuFeatures cpu) const;

  // Leaves nothing behind here. `shared_secret` is the (EC)DHE output.
  HandshakeSecret into_handshake_secret(Bytes shared_secret, CpuFeatures cpu) &&;

  static void fields(auto& self, auto&& visit) { visit(self.algorithm_, self.secret_); }
  bool restored(const LoadContext&) const;

 private:
  HashAlgorithm algorithm_ = HashAlgorithm::sha256;
  HashSecret secret_;
};

// TLS-Exporter(label, context_value, out.size()) (section 7.5), given exporter_master_secret. The label has at most 249
// bytes and `out` at most 255 digests; "no context" and an empty one are the same.
void export_keying_material(HashAlgorithm algorithm, const HashSecret& exporter_master_secret, std::string_view label,
                            Bytes context, MutableBytes out, CpuFeatures cpu);

// application_traffic_secret_N+1 (section 7.2).
HashSecret next_traffic_secret(HashAlgorithm algorithm, const HashSecret& traffic_secret, CpuFeatures cpu);

// Section 7.3. `cipher_suite` must be valid.
struct TrafficKeys {
  SecretBytes<32> key;
  Secret<12> iv;
};
TrafficKeys traffic_keys(wire::CipherSuite cipher_suite, const HashSecret& traffic_secret, CpuFeatures cpu);

// Section 4.4.4. The base key is the sender's handshake traffic secret; for a PSK's binder, the binder key.
HashSecret finished_key(HashAlgorithm algorithm, const HashSecret& base_key, CpuFeatures cpu);

// What a Finished message carries: HMAC(finished_key, Transcript-Hash(...)). Compare it in constant time (its == does).
HashSecret finished_verify_data(HashAlgorithm algorithm, const HashSecret& base_key, const Digest& transcript_hash,
                                CpuFeatures cpu);

// The PSK of a ticket (section 4.6.1).
HashSecret resumption_psk(HashAlgorithm algorithm, const HashSecret& resumption_master_secret, Bytes ticket_nonce,
                          CpuFeatures cpu);

}  // namespace limpid::tls

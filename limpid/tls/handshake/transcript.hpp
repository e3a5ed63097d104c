// The transcript hash (RFC 8446, section 4.4.1).
#pragma once

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/hash.hpp"

namespace limpid::tls {

using crypto::Digest;
using crypto::HashAlgorithm;

// Messages, each with its header, hashed as they come. A copy goes on from the same prefix.
class Transcript {
 public:
  Transcript() = default;  // SHA-256
  explicit Transcript(HashAlgorithm algorithm) : hash_(algorithm) {}

  // The transcript in which ClientHello1 was replaced: "when the server responds to a ClientHello with a
  // HelloRetryRequest, the value of ClientHello1 is replaced with a special synthetic handshake message of handshake
  // type "message_hash" containing Hash(ClientHello1)". The HelloRetryRequest is to be added next.
  static Transcript after_retry(HashAlgorithm algorithm, const Digest& client_hello_1, CpuFeatures cpu);
  // The same from a transcript that holds ClientHello1 alone.
  Transcript after_retry(CpuFeatures cpu) const { return after_retry(algorithm(), hash(cpu), cpu); }

  HashAlgorithm algorithm() const { return hash_.algorithm(); }
  void add(Bytes message, CpuFeatures cpu) { hash_.update(message, cpu); }
  // Transcript-Hash of what was added so far.
  Digest hash(CpuFeatures cpu) const { return hash_.finish(cpu); }

  static void fields(auto& self, auto&& visit) { visit(self.hash_); }

 private:
  friend class UndecidedTranscript;
  explicit Transcript(const crypto::Hash& hash) : hash_(hash) {}

  crypto::Hash hash_;
};

// A client's transcript until the server has selected a cipher suite: both hashes run, so no message need be kept.
class UndecidedTranscript {
 public:
  void add(Bytes message, CpuFeatures cpu) {
    sha256_.update(message, cpu);
    sha384_.update(message, cpu);
  }
  // `algorithm` is SHA-256 or SHA-384.
  Transcript decide(HashAlgorithm algorithm) const {
    return Transcript(algorithm == HashAlgorithm::sha384 ? sha384_ : sha256_);
  }

  static void fields(auto& self, auto&& visit) { visit(self.sha256_, self.sha384_); }
  // The two have seen the same messages, but which length that is does not show here; the algorithms do.
  bool restored(const LoadContext&) const {
    return sha256_.algorithm() == HashAlgorithm::sha256 && sha384_.algorithm() == HashAlgorithm::sha384;
  }

 private:
  crypto::Hash sha256_{HashAlgorithm::sha256};
  crypto::Hash sha384_{HashAlgorithm::sha384};
};

}  // namespace limpid::tls

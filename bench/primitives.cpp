// The cryptographic operations that a handshake and its records consist of, beside OpenSSL's EVP with contexts reused.
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>

#include <cstdlib>
#include <memory>

#include "bench/openssl.hpp"
#include "bench/pair.hpp"
#include "bench/stopwatch.hpp"
#include "limpid/crypto/hash.hpp"
#include "limpid/crypto/key_agreement.hpp"
#include "limpid/effects/cpu.hpp"

namespace limpid::bench {
namespace {

using Key = std::shared_ptr<EVP_PKEY>;
using Context = std::unique_ptr<EVP_MD_CTX, Releases<EVP_MD_CTX_free>>;

template <class Work>
Job timed(Work work) {
  return [work](std::size_t count) mutable {
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < count; ++i) work();
    return stopwatch.elapsed();
  };
}

void require(bool good) {
  if (!good) std::abort();
}

Key read_key(const std::string& pem) {
  std::unique_ptr<BIO, Releases<BIO_free_all>> bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  return Key(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr), EVP_PKEY_free);
}

void add_signatures(const std::string& name, crypto::KeyType type, crypto::SignatureScheme scheme,
                    const EVP_MD* digest) {
  const auto credentials = std::make_shared<Credentials>(type);
  const CpuFeatures cpu = effects::cpu_features();
  const auto message = std::make_shared<std::vector<Byte>>(130, 'm');
  const Key key = read_key(credentials->key_pem);
  const auto ours = std::make_shared<crypto::Signature>();
  const auto sign = [=] {
    static constexpr std::array<Byte, 32> hedge{};
    *ours = credentials->identities.all()[0].key().sign(scheme, *message, hedge, cpu);
  };
  sign();
  const auto set_padding = [type](EVP_PKEY_CTX* options) {
    if (!crypto::is_rsa(type)) return;
    require(EVP_PKEY_CTX_set_rsa_padding(options, RSA_PKCS1_PSS_PADDING) == 1 &&
            EVP_PKEY_CTX_set_rsa_pss_saltlen(options, RSA_PSS_SALTLEN_DIGEST) == 1);
  };
  const auto theirs_sign = [=] {
    Context context(EVP_MD_CTX_new());
    Byte signature[256];
    std::size_t size = sizeof signature;
    EVP_PKEY_CTX* options = nullptr;
    require(EVP_DigestSignInit(context.get(), &options, digest, nullptr, key.get()) == 1);
    set_padding(options);
    require(EVP_DigestSign(context.get(), signature, &size, message->data(), message->size()) == 1);
  };
  add_rate("sign/" + name, "signatures", openssl_name, 20, timed(sign), timed(theirs_sign));

  const auto public_key = credentials->identities.all()[0].key().public_key();
  add_rate("verify/" + name, "signatures", openssl_name, 20,
           timed([=] { require(crypto::verify(public_key, scheme, *message, ours->bytes(), cpu)); }), timed([=] {
             Context context(EVP_MD_CTX_new());
             EVP_PKEY_CTX* options = nullptr;
             require(EVP_DigestVerifyInit(context.get(), &options, digest, nullptr, key.get()) == 1);
             set_padding(options);
             require(EVP_DigestVerify(context.get(), ours->bytes().data(), ours->bytes().size(), message->data(),
                                      message->size()) == 1);
           }));
}

void add_agreement(const std::string& name, crypto::NamedGroup group, const char* openssl_group) {
  const CpuFeatures cpu = effects::cpu_features();
  const auto generator = std::make_shared<crypto::Generator>(std::array<Byte, 32>{7});
  const auto peer = std::make_shared<crypto::EphemeralKey>(crypto::EphemeralKey::generate(group, *generator, cpu));
  const Key their_peer(
      EVP_PKEY_Q_keygen(nullptr, nullptr, group == crypto::NamedGroup::x25519 ? "X25519" : "EC", openssl_group),
      EVP_PKEY_free);
  add_rate("agree/" + name, "key pairs and secrets", openssl_name, 20, timed([=] {
             const auto own = crypto::EphemeralKey::generate(group, *generator, cpu);
             require(own.agree(peer->public_key(), cpu).has_value());
           }),
           timed([=] {
             const Key own(EVP_PKEY_Q_keygen(nullptr, nullptr, group == crypto::NamedGroup::x25519 ? "X25519" : "EC",
                                             openssl_group),
                           EVP_PKEY_free);
             std::unique_ptr<EVP_PKEY_CTX, Releases<EVP_PKEY_CTX_free>> context(EVP_PKEY_CTX_new(own.get(), nullptr));
             Byte secret[48];
             std::size_t size = sizeof secret;
             require(EVP_PKEY_derive_init(context.get()) == 1 &&
                     EVP_PKEY_derive_set_peer(context.get(), their_peer.get()) == 1 &&
                     EVP_PKEY_derive(context.get(), secret, &size) == 1);
           }));
}

void add_hash(const std::string& name, crypto::HashAlgorithm algorithm, const EVP_MD* digest, std::size_t size,
              CpuFeatures cpu = effects::cpu_features()) {
  const auto message = std::make_shared<std::vector<Byte>>(size, 'm');
  const auto context = std::make_shared<Context>(EVP_MD_CTX_new());
  add_rate("hash/" + name + "/" + std::to_string(size) + (cpu == portable_cpu ? "/portable" : ""), "messages",
           openssl_name, 64, timed([=] { benchmark::DoNotOptimize(crypto::hash(algorithm, *message, cpu)); }),
           timed([=] {
             Byte out[64];
             require(EVP_DigestInit_ex(context->get(), digest, nullptr) == 1 &&
                     EVP_DigestUpdate(context->get(), message->data(), message->size()) == 1 &&
                     EVP_DigestFinal_ex(context->get(), out, nullptr) == 1);
           }));
}

}  // namespace

void add_primitives() {
  add_signatures("p256", crypto::KeyType::p256, crypto::SignatureScheme::ecdsa_secp256r1_sha256, EVP_sha256());
  add_signatures("ed25519", crypto::KeyType::ed25519, crypto::SignatureScheme::ed25519, nullptr);
  add_signatures("p384", crypto::KeyType::p384, crypto::SignatureScheme::ecdsa_secp384r1_sha384, EVP_sha384());
  add_signatures("rsa2048", crypto::KeyType::rsa, crypto::SignatureScheme::rsa_pss_rsae_sha256, EVP_sha256());
  add_agreement("x25519", crypto::NamedGroup::x25519, nullptr);
  add_agreement("p256", crypto::NamedGroup::secp256r1, "P-256");
  add_agreement("p384", crypto::NamedGroup::secp384r1, "P-384");
  add_hash("sha256", crypto::HashAlgorithm::sha256, EVP_sha256(), 16384);
  add_hash("sha256", crypto::HashAlgorithm::sha256, EVP_sha256(), 64);
  if (effects::cpu_features().sha) add_hash("sha256", crypto::HashAlgorithm::sha256, EVP_sha256(), 16384, portable_cpu);
  add_hash("sha384", crypto::HashAlgorithm::sha384, EVP_sha384(), 16384);
}

}  // namespace limpid::bench

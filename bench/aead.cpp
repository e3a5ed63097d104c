// Records' primitives on each of this CPU's paths, beside OpenSSL's EVP with its contexts reused: batches of messages,
// each with its own nonce and TLS's five bytes of additional data, opened in place.
#include <openssl/evp.h>

#include <cstdlib>
#include <memory>

#include "bench/openssl.hpp"
#include "bench/pair.hpp"
#include "bench/stopwatch.hpp"
#include "limpid/crypto/aead.hpp"
#include "limpid/effects/cpu.hpp"

namespace limpid::bench {
namespace {

using crypto::AeadAlgorithm;
using Context = std::unique_ptr<EVP_CIPHER_CTX, Releases<EVP_CIPHER_CTX_free>>;

constexpr std::size_t batch = 64;
constexpr std::array<Byte, 5> additional_data{23, 3, 3, 0, 0};

void require(bool good) {
  if (!good) std::abort();
}

struct Nonce {
  std::array<Byte, crypto::aead_nonce_size> bytes{};
  void set(std::size_t i) { bytes[11] = static_cast<Byte>(i); }
};

// The plaintext, and room for a batch of sealed messages.
struct Messages {
  explicit Messages(std::size_t size) : plaintext(size, 'x'), sealed(batch * (size + crypto::aead_tag_size)) {}
  MutableBytes at(std::size_t i) {
    const std::size_t size = plaintext.size() + crypto::aead_tag_size;
    return MutableBytes(sealed).subspan(i * size, size);
  }
  std::vector<Byte> plaintext, sealed;
};

// Both ways seal a batch, then open it; the half that is asked for is timed.
template <class Seal, class Open>
Job timed_half(bool sealing, Seal seal, Open open) {
  return [=](std::size_t count) mutable {
    const Stopwatch stopwatch;
    for (std::size_t i = 0; i < count; ++i) seal(i);
    const double sealed = stopwatch.elapsed();
    for (std::size_t i = 0; i < count; ++i) open(i);
    return sealing ? sealed : stopwatch.elapsed() - sealed;
  };
}

Job ours(AeadAlgorithm algorithm, std::size_t size, bool sealing, CpuFeatures cpu) {
  const auto messages = std::make_shared<Messages>(size);
  const auto key = std::make_shared<crypto::AeadKey>();
  return timed_half(
      sealing,
      [=, nonce = Nonce()](std::size_t i) mutable {
        if (key->seals_left() == 0) {
          const std::vector<Byte> bytes(crypto::aead_key_size(algorithm), 7);
          *key = crypto::AeadKey(algorithm, bytes, cpu);
        }
        nonce.set(i);
        require(key->seal(nonce.bytes, additional_data, messages->plaintext, messages->at(i), cpu));
      },
      [=, nonce = Nonce()](std::size_t i) mutable {
        nonce.set(i);
        require(key->open(nonce.bytes, additional_data, messages->at(i), cpu));
      });
}

Job theirs(const EVP_CIPHER* cipher, std::size_t size, bool sealing) {
  const auto messages = std::make_shared<Messages>(size);
  const auto sealer = std::make_shared<Context>(EVP_CIPHER_CTX_new());
  const auto opener = std::make_shared<Context>(EVP_CIPHER_CTX_new());
  const std::vector<Byte> key(32, 7);
  require(EVP_EncryptInit_ex(sealer->get(), cipher, nullptr, key.data(), nullptr) == 1 &&
          EVP_DecryptInit_ex(opener->get(), cipher, nullptr, key.data(), nullptr) == 1);
  const int length = static_cast<int>(size);
  return timed_half(
      sealing,
      [=, nonce = Nonce()](std::size_t i) mutable {
        EVP_CIPHER_CTX* const context = sealer->get();
        Byte* const out = messages->at(i).data();
        int written = 0;
        nonce.set(i);
        require(EVP_EncryptInit_ex(context, nullptr, nullptr, nullptr, nonce.bytes.data()) == 1 &&
                EVP_EncryptUpdate(context, nullptr, &written, additional_data.data(), additional_data.size()) == 1 &&
                EVP_EncryptUpdate(context, out, &written, messages->plaintext.data(), length) == 1 &&
                EVP_EncryptFinal_ex(context, out + size, &written) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_GET_TAG, crypto::aead_tag_size, out + size) == 1);
      },
      [=, nonce = Nonce()](std::size_t i) mutable {
        EVP_CIPHER_CTX* const context = opener->get();
        Byte* const text = messages->at(i).data();
        int written = 0;
        nonce.set(i);
        require(EVP_DecryptInit_ex(context, nullptr, nullptr, nullptr, nonce.bytes.data()) == 1 &&
                EVP_DecryptUpdate(context, nullptr, &written, additional_data.data(), additional_data.size()) == 1 &&
                EVP_DecryptUpdate(context, text, &written, text, length) == 1 &&
                EVP_CIPHER_CTX_ctrl(context, EVP_CTRL_AEAD_SET_TAG, crypto::aead_tag_size, text + size) == 1 &&
                EVP_DecryptFinal_ex(context, text + size, &written) == 1);
      });
}

struct Path {
  const char* name;
  CpuFeatures cpu;
  bool available;
};

void add(const std::string& name, AeadAlgorithm algorithm, const EVP_CIPHER* cipher,
         std::initializer_list<Path> paths) {
  for (const bool sealing : {true, false}) {
    for (const std::size_t size : {16384u, 64u}) {
      for (const Path& path : paths) {
        if (!path.available) continue;
        add_rate(
            std::string("aead/") + (sealing ? "seal/" : "open/") + name + "/" + std::to_string(size) + "/" + path.name,
            "messages", openssl_name, batch, ours(algorithm, size, sealing, path.cpu), theirs(cipher, size, sealing));
      }
    }
  }
}

}  // namespace

void add_aead() {
  const CpuFeatures here = effects::cpu_features();
  const Path portable{"portable", portable_cpu, true};
  const Path aes_pclmul{"aes_pclmul", {.aes_pclmul = true}, here.aes_pclmul};
  const Path vaes{"vaes_avx512", {.aes_pclmul = true, .vaes_avx512 = true}, here.vaes_avx512};
  const Path ifma{"avx512_ifma", {.avx512_ifma = true}, here.avx512_ifma};
  add("aes128gcm", AeadAlgorithm::aes_128_gcm, EVP_aes_128_gcm(), {vaes, aes_pclmul, portable});
  add("aes256gcm", AeadAlgorithm::aes_256_gcm, EVP_aes_256_gcm(), {vaes, aes_pclmul, portable});
  add("chacha20poly1305", AeadAlgorithm::chacha20_poly1305, EVP_chacha20_poly1305(), {ifma, portable});
}

}  // namespace limpid::bench

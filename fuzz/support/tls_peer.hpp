// The hostile peer of the TLS targets: an honest connection of the other role, whose sending the script may replace,
// alter, reorder or add to, under the honest peer's own keys.
#pragma once

#include <vector>

#include "fuzz/support/input.hpp"
#include "limpid/tls/connection/connection.hpp"
#include "tests/support/cpu.hpp"

namespace limpid::fuzz {

// The server's key and what stands for its chain. The bytes are the fuzzers' own.
struct Identity {
  explicit Identity(crypto::KeyType type) : key(*crypto::PrivateKey::from_bytes(type, scalar)) {
    Budget budget(1 << 16);
    Buffer list(budget);
    Writer out(list);
    tls::append_certificate(out, as_bytes("a leaf that nobody reads"));
    tls::append_certificate(out, as_bytes("its issuer"));
    chain.assign(list.begin(), list.end());
  }
  static const Identity& of(crypto::KeyType type) {
    static const Identity p256(crypto::KeyType::p256), ed25519(crypto::KeyType::ed25519);
    return type == crypto::KeyType::p256 ? p256 : ed25519;
  }

  static constexpr std::array<Byte, 32> scalar{1, 2, 3, 4, 5, 6, 7, 8};
  crypto::PrivateKey key;
  std::vector<Byte> chain;
};

// Memory for the signature that an answer shows.
struct HonestAnswer {
  crypto::Signature signature;

  tls::Answer to(const tls::Query& query, const Identity& identity) {
    return std::visit(
        Overloaded{[&](const tls::SelectCertificate&) -> tls::Answer {
                     return tls::CertificateSelected{identity.chain, crypto::scheme_of(identity.key.type()), 7};
                   },
                   [&](const tls::Sign& sign) -> tls::Answer {
                     signature = identity.key.sign(sign.scheme, sign.content.bytes(), sign.hedge, {});
                     return tls::Signed{signature.bytes()};
                   },
                   [&](const tls::VerifyPeer&) -> tls::Answer { return tls::PeerAccepted{identity.key.public_key()}; }},
        query);
  }
};

class TlsPeer {
 public:
  using ContentType = tls::wire::ContentType;

  TlsPeer(const tls::Config& config, const Identity& identity) : config_(config), identity_(identity) {}

  std::vector<Byte> inbox;      // sent to it and not yet consumed
  std::vector<Byte> outbox;     // sent by it and not yet delivered: the script's to spoil
  std::vector<Byte> plaintext;  // application data that it sealed, all of it
  std::size_t room = 1 << 16;   // less than a record's least keeps a flight inside, where tamper() reaches it

  // Steps it until nothing changes.
  void pump() {
    for (int steps = 0; steps < 256; ++steps) {
      const auto progress = step(stream::Received{inbox});
      const std::size_t consumed = progress.consumed;
      inbox.erase(inbox.begin(), inbox.begin() + static_cast<std::ptrdiff_t>(consumed));
      if (const auto query = state_.pending(); query && progress.wants == Wants::reply) {
        HonestAnswer answer;
        step(tls::Reply{state_.query_id(), answer.to(*query, identity_)});
      } else if (consumed == 0 && !progress.more) {
        return;
      }
    }
  }
  void tell(const tls::Connection::Event& event) { step(event); }
  void write(Bytes bytes) {
    const std::size_t consumed = state_.may_write() ? step(tls::Write{bytes}).consumed : 0;
    plaintext.insert(plaintext.end(), bytes.begin(), bytes.begin() + static_cast<std::ptrdiff_t>(consumed));
  }

  // The rest reaches into the connection by what it shows to snapshots.

  // Adds one record of the peer's own, protected if it has keys, and keeps the two ends in step: the honest records
  // behind it still decrypt.
  void seal(ContentType type, Bytes content, std::size_t padding) {
    content = content.first(std::min(content.size(), tls::record::max_plaintext));
    padding = std::min(padding, tls::record::max_plaintext - content.size());
    tls::Connection::fields(state_, [&](auto&, auto&, auto& keys, auto&, const auto& write_level, auto&...) {
      if (!keys || !keys->write.has_key()) return put_plain(static_cast<Byte>(type), content);
      const std::size_t before = outbox.size();
      outbox.resize(before + content.size() + padding + tls::record::overhead);
      const std::size_t size = keys->write.seal(type, content, padding, MutableBytes(outbox).subspan(before), cpu_);
      outbox.resize(before + size);
      if (size == 0 || write_level != tls::handshake::Level::application) return;
      // "the receiving implementation scans the field from the end toward the beginning until it finds a non-zero
      // octet. This non-zero octet is the content type of the message." (RFC 8446, section 5.4)
      Bytes inner = content;
      auto real_type = static_cast<Byte>(type);
      while (real_type == 0 && !inner.empty()) {
        real_type = inner.back();
        inner = inner.first(inner.size() - 1);
      }
      if (real_type == static_cast<Byte>(ContentType::application_data)) {
        plaintext.insert(plaintext.end(), inner.begin(), inner.end());
      }
    });
  }
  // Goes on to the next keys without a word.
  void change_keys() {
    tls::Connection::fields(state_, [&](auto&, auto&, auto& keys, auto&...) {
      if (keys && keys->write.has_key()) keys->write.update(cpu_);
    });
  }
  void put_plain(Byte type, Bytes content) {
    const Byte header[] = {type, 3, 3, static_cast<Byte>(content.size() >> 8), static_cast<Byte>(content.size())};
    outbox.insert(outbox.end(), std::begin(header), std::end(header));
    outbox.insert(outbox.end(), content.begin(), content.end());
  }
  // Alters handshake messages that the peer made and has not sealed yet.
  void tamper(std::size_t offset, Byte mask) {
    tls::Connection::fields(state_, [&](auto&, auto& phase, auto&...) {
      std::visit(
          [&]<class Phase>(Phase& held) {
            if constexpr (requires { held->flight; }) {
              tls::handshake::Flight::fields(held->flight, [&](Buffer& bytes, auto&, std::uint32_t sent, auto&...) {
                if (sent < bytes.size()) bytes[sent + offset % (bytes.size() - sent)] ^= mask;
              });
            }
          },
          phase);
    });
  }
  // It sent its Finished, and has the keys that follow.
  bool finished_handshake() {
    bool finished = false;
    tls::Connection::fields(state_, [&](auto&, auto&, auto&, auto&, const auto& write_level, auto&...) {
      finished = write_level == tls::handshake::Level::application;
    });
    return finished;
  }

 private:
  Progress<tls::Connection::Action> step(const tls::Connection::Event& event) {
    room_.resize(room);
    auto progress = tls::Connection::advance(config_, state_, {}, event, {room_, slots_, budget_, cpu_});
    for (const auto& action : progress.actions) {
      if (const auto* send = std::get_if<stream::Send>(&action)) {
        outbox.insert(outbox.end(), send->bytes.begin(), send->bytes.end());
      }
    }
    return progress;
  }

  const tls::Config& config_;
  const Identity& identity_;
  const CpuFeatures cpu_ = test::best_cpu();
  Budget budget_{1 << 21};
  tls::Connection state_;
  std::vector<Byte> room_;
  std::array<tls::Connection::Action, 16> slots_;
};

}  // namespace limpid::fuzz

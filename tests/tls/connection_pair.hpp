// A connection at work in a test: steps the machine as a driver would, in rooms as small as asked, answers its
// questions, and notes what it says. Two of them make a pair.
#pragma once

#include <gtest/gtest.h>

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "limpid/sim/trace.hpp"
#include "limpid/tls/connection/connection.hpp"
#include "tests/support/rsa_keys.hpp"

namespace limpid::tls::test {

using Log = std::vector<std::string>;

inline std::array<Byte, 32> seed(Byte value) {
  std::array<Byte, 32> bytes;
  bytes.fill(value);
  return bytes;
}

inline crypto::PrivateKey private_key(crypto::KeyType type) {
  if (crypto::is_rsa(type)) return std::move(*crypto::PrivateKey::rsa(type, limpid::test::rsa_2048()));
  const std::string scalar(type == crypto::KeyType::p384 ? 48 : 32, 'B');
  return std::move(*crypto::PrivateKey::from_bytes(type, as_bytes(scalar)));
}

// What stands for a chain: tls/ does not look inside.
inline std::string chain_text(std::size_t size = 300) {
  Budget budget(1 << 20);
  Buffer list(budget);
  Writer out(list);
  append_certificate(out, as_bytes(std::string(size, 'L')));
  append_certificate(out, as_bytes(std::string(200, 'I')));
  return std::string(as_text(Bytes(list.data(), list.size())));
}

inline std::string_view group_name(NamedGroup group) {
  return group == NamedGroup::x25519 ? "x25519" : group == NamedGroup::secp256r1 ? "secp256r1" : "secp384r1";
}
inline std::string_view scheme_name(SignatureScheme scheme) {
  const auto algorithm = crypto::algorithm_of(scheme);
  switch (algorithm ? algorithm->kind : crypto::SignatureAlgorithm::Kind::rsa_pkcs1) {
    case crypto::SignatureAlgorithm::Kind::ecdsa:
      return "ecdsa";
    case crypto::SignatureAlgorithm::Kind::ed25519:
      return "ed25519";
    case crypto::SignatureAlgorithm::Kind::rsa_pss:
      return "rsa_pss";
    case crypto::SignatureAlgorithm::Kind::rsa_pkcs1:
      break;
  }
  return "unknown";
}

inline std::string describe(const Connection::Action& action) {
  const auto text = [](std::string_view view) { return std::string(view); };
  return std::visit(
      Overloaded{
          [](const stream::Send&) { return std::string("Send"); },
          [](const Deliver&) { return std::string("Deliver"); },
          [](const Ask& ask) {
            static constexpr const char* kinds[] = {"SelectCertificate", "Sign", "VerifyPeer"};
            return std::string("Ask ") + kinds[static_cast<int>(ask.kind)] + " " + std::to_string(ask.query.value);
          },
          [&](const HandshakeDone& done) {
            return "HandshakeDone " + text(wire::name(done.cipher_suite)) + " " + text(group_name(done.group)) + " " +
                   text(scheme_name(done.signature_scheme)) + (done.retried ? " retried" : "") +
                   " alpn=" + text(as_text(done.application_protocol)) + " name=" + text(as_text(done.server_name));
          },
          [](const PeerClosed&) { return std::string("PeerClosed"); },
          [](const Truncated&) { return std::string("Truncated"); },
          [&](const Failed& failed) {
            return "Failed " + text(name(failed.error.fault)) + " " + text(name(failed.alert));
          },
          [](const Refused& refused) {
            static constexpr const char* names[] = {"write_after_close", "not_connected", "answer_unfit"};
            return std::string("Refused ") + names[static_cast<int>(refused.misuse)];
          },
          [](const Noted& noted) {
            static constexpr const char* names[] = {
                "stale_reply",        "session_ticket_ignored", "client_certificate_requested",
                "early_data_skipped", "keys_updated_by_peer",   "keys_updated",
                "warning_ignored"};
            return std::string("Noted ") + names[static_cast<int>(noted.note)];
          },
          [&](const KeyLog& log) { return "KeyLog " + text(as_text(log.lines)); },
      },
      action);
}

inline Config make_config(const Config::Options& options) {
  auto config = Config::make(options);
  EXPECT_TRUE(config.has_value());
  return *config;
}

// Options with a longer life than the arrays that they point to would have in a braced list.
inline Config client_config(Config::Options options = {}) {
  options.role = Role::client;
  if (options.server_name.empty()) options.server_name = "example.com";
  return make_config(options);
}
inline Config server_config(Config::Options options = {}) {
  options.role = Role::server;
  return make_config(options);
}

// Every fault that any end of this program failed with.
inline std::set<Fault>& met_faults() {
  static std::set<Fault> faults;
  return faults;
}

class End {
 public:
  using Answerer = std::function<std::optional<Answer>(const Query&)>;

  explicit End(Config configuration, crypto::KeyType key_type = crypto::KeyType::p256)
      : config(std::move(configuration)), key(private_key(key_type)), chain(chain_text()) {}

  // Begins with entropy that differs by role.
  void start() { event(Entropy{seed(config.role() == Role::client ? 1 : 2)}); }
  void receive(std::string_view bytes) {
    std::vector<Byte> copied(bytes.begin(), bytes.end());
    record(stream::Received{{copied.data(), copied.size()}});
    inbox += bytes;
    pump();
  }
  void finish() {
    record(stream::PeerFinished{});
    fin = true;
    pump();
  }
  void write(std::string_view bytes) {
    record(Write{as_bytes(bytes)});
    outbox += bytes;
    pump();
  }
  // Any event that is consumed whole or not at all; stepped until it is, or until the machine waits for something else.
  bool event(const Connection::Event& event) {
    record(event);
    for (int i = 0; i < 10000; ++i) {
      const auto progress = step(event);
      if (progress.consumed == 1) {
        pump();
        return true;
      }
      if (!progress.more && progress.wants != Wants::room) return false;
    }
    ADD_FAILURE() << "an event is never consumed";
    return false;
  }

  // Offers what waits until nothing changes: received bytes, writes, the end of the stream.
  void pump() {
    if (pumping_) return;
    pumping_ = true;
    for (bool changed = true; changed;) {
      changed = false;
      for (bool again = true; again && !paused;) {
        std::vector<Byte> bytes(inbox.begin(), inbox.end());
        const auto progress = step(stream::Received{{bytes.data(), bytes.size()}});
        const std::string rest(bytes.begin() + static_cast<std::ptrdiff_t>(progress.consumed), bytes.end());
        EXPECT_EQ(rest, inbox.substr(progress.consumed)) << "altered what it did not consume";
        inbox = rest;
        changed = changed || progress.consumed > 0;
        const bool moved = progress.consumed > 0 || !progress.actions.empty();
        again = progress.more || (progress.wants == Wants::room && moved) || answer();
        if (state.ended()) break;
      }
      while (!outbox.empty() && state.may_write() && !state.ended()) {
        const auto progress = step(Write{as_bytes(outbox)});
        outbox.erase(0, progress.consumed);
        changed = changed || progress.consumed > 0;
        if (progress.consumed == 0 && progress.actions.empty() && !progress.more) break;
      }
      if (fin && !fin_taken) {
        const auto progress = step(stream::PeerFinished{});
        fin_taken = progress.consumed == 1;
        changed = changed || fin_taken;
      }
      if (answer()) changed = true;
    }
    pumping_ = false;
  }

  // Answers the open question, once, if it is to be answered.
  bool answer() {
    const auto query = state.pending();
    if (!query || !auto_answer || answered_ == state.query_id()) return false;
    const auto reply = answer_to(*query);
    if (!reply) return false;
    answered_ = state.query_id();
    record(Reply{state.query_id(), *reply});
    const auto progress = step(Reply{state.query_id(), *reply});
    return progress.consumed == 1;
  }

  std::optional<Answer> answer_to(const Query& query) {
    if (answerer) return answerer(query);
    return default_answer(query);
  }
  std::optional<Answer> default_answer(const Query& query) {
    if (std::holds_alternative<SelectCertificate>(query)) {
      return CertificateSelected{as_bytes(chain), crypto::scheme_of(key.type()), 7};
    }
    if (const auto* sign = std::get_if<Sign>(&query)) {
      EXPECT_EQ(sign->key, 7u);
      signature = key.sign(sign->scheme, sign->content.bytes(), sign->hedge, {});
      return Signed{signature.bytes()};
    }
    return PeerAccepted{key.public_key()};
  }

  Progress<Connection::Action> step(const Connection::Event& event) {
    if (reload) save_and_load();
    room_.assign(room_bytes, 0xEE);
    slots_.assign(room_actions, Connection::Action{});
    auto progress = Connection::advance(config, state, {}, event, {room_, slots_, budget, cpu});
    if (budget.used() > Connection::max_footprint) ADD_FAILURE() << "owns more than its footprint: " << budget.used();
    for (const auto& action : progress.actions) {
      if (const auto* send = std::get_if<stream::Send>(&action)) {
        sent += as_text(send->bytes);
        total_sent += send->bytes.size();
      } else if (const auto* deliver = std::get_if<Deliver>(&action)) {
        delivered += as_text(deliver->bytes);
      } else {
        if (const auto* failed = std::get_if<Failed>(&action)) met_faults().insert(failed->error.fault);
        log.push_back(describe(action));
      }
    }
    ++steps;
    last_wants = progress.wants;
    return progress;
  }

  std::string saved() {
    Budget scratch(1 << 24);
    const auto bytes = save(state, Instant{}, scratch);
    EXPECT_TRUE(bytes.has_value());
    return std::string(as_text(Bytes(bytes->data(), bytes->size())));
  }
  void save_and_load() {
    const std::string before = saved();
    auto loaded = load<Connection>(as_bytes(before), {Instant{}, budget, cpu});
    ASSERT_TRUE(loaded.has_value());
    EXPECT_EQ(loaded->pending().has_value(), state.pending().has_value());
    state = std::move(*loaded);
    EXPECT_EQ(saved(), before);
  }

  // What this end was told, for those who judge the machine by it.
  void record(const Connection::Event& event) { EXPECT_TRUE(sim::append_event<Connection>(trace, Time{}, event)); }

  std::string take_sent() { return std::exchange(sent, {}); }
  bool has(std::string_view entry) const { return std::find(log.begin(), log.end(), entry) != log.end(); }
  std::string last() const { return log.empty() ? "" : log.back(); }

  Config config;
  crypto::PrivateKey key;
  std::string chain;
  Budget budget{1 << 22};
  Budget trace_budget{1 << 26};
  Buffer trace{trace_budget};
  Connection state;
  CpuFeatures cpu{};
  Answerer answerer;
  bool auto_answer = true;
  bool reload = false;
  bool paused = false;
  std::size_t room_bytes = 1 << 18;
  std::size_t room_actions = 64;

  Log log;                // every action but Send and Deliver
  std::string sent;       // and not yet taken
  std::string delivered;  // plaintext
  std::string inbox;      // not yet consumed
  std::string outbox;     // not yet taken
  bool fin = false, fin_taken = false;
  std::size_t total_sent = 0;
  std::size_t steps = 0;
  Wants last_wants = Wants::event;
  crypto::Signature signature;

 private:
  std::vector<Byte> room_;
  std::vector<Connection::Action> slots_;
  bool pumping_ = false;
  std::optional<QueryId> answered_;
};

class Pair {
 public:
  explicit Pair(Config client_configuration = client_config(), Config server_configuration = server_config(),
                crypto::KeyType key_type = crypto::KeyType::p256)
      : client(std::move(client_configuration), key_type), server(std::move(server_configuration), key_type) {}

  void start() {
    server.start();
    client.start();
  }
  // Carries bytes both ways until both are quiet; `cut` says how many bytes to carry at once.
  void run(const std::function<std::size_t()>& cut = [] { return std::size_t{1} << 20; }) {
    for (bool changed = true; changed;) {
      changed = carry(client, server, cut);
      changed = carry(server, client, cut) || changed;
    }
  }
  static bool carry(End& from, End& to, const std::function<std::size_t()>& cut) {
    const bool any = !from.sent.empty();
    for (std::string bytes = from.take_sent(); !bytes.empty();) {
      const std::size_t n = std::min(bytes.size(), cut());
      to.receive(std::string_view(bytes).substr(0, n));
      bytes.erase(0, n);
    }
    return any;
  }
  void connect() {
    start();
    run();
  }

  End client;
  End server;
};

}  // namespace limpid::tls::test

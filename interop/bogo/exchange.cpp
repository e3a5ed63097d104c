#include "interop/bogo/exchange.hpp"

#include <memory>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/effects/sockets.hpp"
#include "limpid/stack/identity.hpp"
#include "limpid/stack/verify_peer.hpp"
#include "limpid/tls/connection/connection.hpp"

namespace limpid::bogo {
namespace {

using tls::Connection;

// A chain with its key, and the schemes that the runner lets it sign with.
struct Credential {
  int number;  // -1: the default one
  stack::Identities identities;
  std::vector<tls::SignatureScheme> preferences;
  std::vector<tls::SignatureScheme> usable;  // of those, what the peer can verify
};

class Exchange {
 public:
  explicit Exchange(const Options& options) : options_(options) {}

  std::optional<std::string> run() {
    if (!configure() || !dial()) return failure_;
    step(tls::Entropy{effects::entropy()});
    while (!over()) {
      if (!answer_question() && !write()) receive();
    }
    finish();
    return failure_;
  }

 private:
  // Getting ready.

  bool fail(std::string why) {
    if (!failure_) failure_ = std::move(why);
    return false;
  }

  bool load(const CredentialOptions& from, int number) {
    if (from.certificate_file.empty()) return true;
    auto chain = effects::load_certificates(from.certificate_file);
    if (!chain) return fail(chain.error().text);
    auto key = effects::load_private_key(from.key_file);
    if (!key) return fail(key.error().text);
    // What the runner gives to be stapled is no real response: it never grows old.
    std::optional<stack::Staple> staple;
    if (!from.ocsp_response.empty()) staple = stack::Staple{from.ocsp_response, UnixTime{INT64_MAX}};
    auto identity = stack::Identity::make(std::move(*chain), std::move(*key), memory_, staple);
    if (!identity) return fail(std::string(stack::describe(identity.error())));
    // The generation of a set comes back with the question for a signature.
    const auto place = static_cast<std::uint16_t>(credentials_.size());
    Credential credential{number, stack::Identities(memory_, place), {}, {}};
    for (const std::uint16_t scheme : from.signing_preferences) {
      credential.preferences.push_back(static_cast<tls::SignatureScheme>(scheme));
    }
    if (!credential.identities.add(std::move(*identity))) return fail("no memory for a certificate");
    credentials_.push_back(std::move(credential));
    return true;
  }

  bool configure() {
    for (std::size_t i = 0; i < options_.credentials.size(); ++i) {
      if (!load(options_.credentials[i], static_cast<int>(i))) return false;
    }
    if (!load(options_.default_credential, -1)) return false;

    tls::Config::Options config;
    config.role = options_.server ? tls::Role::server : tls::Role::client;
    config.server_name = options_.host_name;
    config.grease = options_.grease;
    config.request_staple = options_.request_staple;
    std::vector<tls::NamedGroup> groups;
    for (const std::uint16_t group : options_.groups) groups.push_back(static_cast<tls::NamedGroup>(group));
    if (!groups.empty()) config.groups = groups;
    std::vector<tls::SignatureScheme> schemes;
    for (const std::uint16_t scheme : options_.verify_preferences) {
      schemes.push_back(static_cast<tls::SignatureScheme>(scheme));
    }
    if (!schemes.empty()) config.signature_schemes = schemes;
    const std::vector<std::string_view> protocols = application_protocols();
    config.application_protocols = protocols;
    const auto made = tls::Config::make(config);
    if (!made) return fail(std::string(tls::describe(made.error())));
    config_ = *made;
    return true;
  }

  std::vector<std::string_view> application_protocols() const {
    if (options_.reject_protocols) return {"a protocol that no test offers"};
    if (options_.select_protocol) return {*options_.select_protocol};
    std::vector<std::string_view> protocols;
    for (Reader in(as_bytes(options_.advertised_protocols)); !in.empty();) protocols.push_back(as_text(in.vector8()));
    return protocols;
  }

  bool dial() {
    auto tcp = effects::Tcp::connect(options_.ipv6 ? "::1" : "127.0.0.1", options_.port);
    if (!tcp) return fail(tcp.error().text);
    tcp_.emplace(std::move(*tcp));
    std::array<Byte, 8> id;
    for (std::size_t i = 0; i < id.size(); ++i) id[i] = static_cast<Byte>(options_.shim_id >> (8 * i));
    if (const auto sent = tcp_->send(id); !sent) return fail(sent.error().text);
    return true;
  }

  // Stepping.

  bool over() const { return failure_ || peer_gone_ || state_.ended() || (closing_ && !options_.check_close_notify); }

  Progress<Connection::Action> step(const Connection::Event& event) {
    // Least room and small steps make no difference to the peer, which is what the runner's -async is about.
    const std::size_t room = options_.one_byte_at_a_time ? Connection::least_room.bytes : room_.size();
    const std::size_t slots = options_.one_byte_at_a_time ? Connection::least_room.actions : slots_.size();
    const auto progress =
        Connection::advance(*config_, state_, effects::now(), event,
                            {MutableBytes(room_).first(room), std::span(slots_).first(slots), memory_, cpu_});
    for (const auto& action : progress.actions) std::visit([this](const auto& held) { take(held); }, action);
    again_ = progress.more || progress.wants == Wants::room || progress.wants == Wants::reply;
    return progress;
  }

  void take(const stream::Send& send) {
    // Where the peer does not listen any more, what it said before tells why.
    if (tcp_) static_cast<void>(tcp_->send(send.bytes));
  }
  void take(const tls::Ask&) {}
  void take(const tls::HandshakeDone& done) {
    connected_ = true;
    check(done);
    if (options_.export_size > 0) export_material(options_.export_size);
    if (options_.write_different_sizes) {
      for (const std::size_t size : {0, 1, 255, 256, 257, 16383, 16384, 16385, 32767, 32768, 32769}) {
        outgoing_.insert(outgoing_.end(), size, Byte{0x42});
      }
    } else if (options_.write_first) {
      const Bytes hello = as_bytes("hello");
      outgoing_.insert(outgoing_.end(), hello.begin(), hello.end());
    }
    update_due_ = options_.update_keys_before_read;
    close_due_ = options_.shut_down_at_once;
  }
  void take(const tls::Deliver& deliver) {
    if (close_due_ || closing_) return;
    if (options_.export_between_reads) export_material(32);
    update_due_ = update_due_ || options_.update_keys || options_.update_keys_before_read;
    for (const Byte byte : deliver.bytes) outgoing_.push_back(byte ^ 0xff);
  }
  void take(const tls::PeerClosed&) { close_due_ = true; }
  void take(const tls::Truncated&) {
    peer_gone_ = true;
    if (options_.check_close_notify) fail("the peer's stream ended without close_notify");
  }
  void take(const tls::Failed& failed) {
    std::string why = ":" + std::string(tls::name(failed.error.fault)) + ":";
    if (failed.error.fault == tls::Fault::alert_received) why += " " + std::string(tls::name(failed.alert));
    fail(why);
  }
  void take(const tls::Refused&) { fail("limpid refused an event"); }
  void take(const tls::Noted&) {}
  void take(const tls::KeyLog&) {}

  // True if there was something to answer.
  bool answer_question() {
    const auto question = state_.pending();
    if (!question) return false;
    step(tls::Reply{state_.query_id(), answer(*question)});
    again_ = again_ || !unread_.empty();  // what stood behind the question
    return true;
  }

  tls::Answer answer(const tls::Query& question) {
    if (const auto* verify = std::get_if<tls::VerifyPeer>(&question)) {
      check_peer_certificates(verify->certificate_list);
      if (!options_.expect_ocsp_response.empty() && verify->ocsp_response != Bytes(options_.expect_ocsp_response)) {
        fail("wrong OCSP response");
      }
      if (options_.verify_peer && options_.refuse_certificate) return tls::Declined{tls::Fault::certificate_unknown};
      return stack::accept_any_peer(*verify).answer;
    }
    if (const auto* sign = std::get_if<tls::Sign>(&question)) {
      return credentials_[sign->key >> 16].identities.answer(question, effects::now().wall, cpu_);
    }
    tls::Answer declined = tls::Declined{tls::Fault::no_certificate};
    for (Credential& credential : credentials_) {
      tls::SelectCertificate select = std::get<tls::SelectCertificate>(question);
      if (!credential.preferences.empty()) {
        credential.usable.clear();
        for (const tls::SignatureScheme scheme : credential.preferences) {
          if (std::ranges::find(select.signature_schemes, scheme) != select.signature_schemes.end()) {
            credential.usable.push_back(scheme);
          }
        }
        select.signature_schemes = credential.usable;
      }
      tls::Answer selected = credential.identities.answer(select, effects::now().wall, cpu_);
      if (std::holds_alternative<tls::CertificateSelected>(selected)) {
        selected_credential_ = credential.number;
        return selected;
      }
      declined = selected;
    }
    return declined;
  }

  void export_material(std::size_t size) {
    std::vector<Byte> material(size);
    if (!state_.export_keying_material(options_.export_label, as_bytes(options_.export_context), material, cpu_)) {
      fail("keying material was not exported");
    }
    if (!options_.export_between_reads) outgoing_.insert(outgoing_.end(), material.begin(), material.end());
  }

  // True if there was something to write, and some of it was.
  bool write() {
    if (!state_.may_write()) return false;
    if (update_due_) {
      update_due_ = step(tls::UpdateKeys{}).consumed == 0;
      return true;
    }
    if (!outgoing_.empty()) {
      const auto progress = step(tls::Write{outgoing_});
      outgoing_.erase(outgoing_.begin(), outgoing_.begin() + static_cast<std::ptrdiff_t>(progress.consumed));
      return true;
    }
    if (close_due_ && !closing_) {
      closing_ = true;
      // Whoever does not check for close_notify does not send one either.
      if (options_.check_close_notify) step(tls::Close{});
      return true;
    }
    return false;
  }

  // Takes what the peer sends, or steps again with what is there already.
  void receive() {
    if (!again_ && arrived_.empty() && !finished_) {
      std::array<Byte, 4096> piece;
      const auto received = tcp_->receive(piece, std::nullopt);
      const std::size_t size = received && *received ? **received : 0;
      finished_ = size == 0;
      arrived_.assign(piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(size));
    }
    if (arrived_.empty() && finished_ && !again_) {
      peer_gone_ = step(stream::PeerFinished{}).consumed == 1;
      return;
    }
    if (!again_) {
      const std::size_t size = options_.one_byte_at_a_time ? 1 : arrived_.size();
      const auto end = arrived_.begin() + static_cast<std::ptrdiff_t>(size);
      unread_.insert(unread_.end(), arrived_.begin(), end);
      arrived_.erase(arrived_.begin(), end);
    }
    const auto progress = step(stream::Received{unread_});
    unread_.erase(unread_.begin(), unread_.begin() + static_cast<std::ptrdiff_t>(progress.consumed));
  }

  // Closes so that the runner sees all that was sent.
  void finish() {
    if (!connected_) fail("the handshake did not complete");
    tcp_->finish();
    std::array<Byte, 4096> rest;
    for (;;) {
      const auto received = tcp_->receive(rest, effects::now().monotonic + seconds(1));
      if (!received || !*received || **received == 0) break;
    }
  }

  // What the runner told us to expect.

  void check(const tls::HandshakeDone& done) {
    const auto expect = [this](bool holds, const char* what) { return holds || fail(std::string("wrong ") + what); };
    const auto is_or_free = [](std::uint16_t expected, auto found) {
      return expected == 0 || expected == static_cast<std::uint16_t>(found);
    };
    expect(is_or_free(options_.expect_group, done.group), "group");
    expect(is_or_free(options_.expect_signature_scheme, done.signature_scheme), "signature scheme");
    expect(is_or_free(options_.expect_cipher_suite, done.cipher_suite), "cipher suite");
    expect(!options_.expect_retry || *options_.expect_retry == done.retried, "HelloRetryRequest");
    expect(!options_.expect_credential || *options_.expect_credential == selected_credential_, "credential");
    const std::string protocol = options_.server ? options_.select_protocol.value_or("") : options_.expect_protocol;
    expect(as_text(done.application_protocol) == protocol, "application protocol");
    if (!options_.expect_server_name.empty()) {
      expect(as_text(done.server_name) == options_.expect_server_name, "server name");
    }
    if (options_.expect_no_server_name) expect(done.server_name.empty(), "server name");
  }

  void check_peer_certificates(Bytes certificate_list) {
    if (options_.expect_peer_certificate_file.empty()) return;
    const auto expected = effects::load_certificates(options_.expect_peer_certificate_file);
    if (!expected) return static_cast<void>(fail(expected.error().text));
    Reader in(certificate_list);
    bool same = true;
    for (const x509::Certificate& certificate : expected->certificates()) {
      same = same && in.vector24() == certificate.der;
      in.vector16();
    }
    if (!same || in.failed() || !in.empty()) fail("wrong certificates");
  }

  const Options& options_;
  Budget memory_{std::size_t{1} << 24};
  const CpuFeatures cpu_ = effects::cpu_features();
  std::vector<Credential> credentials_;
  int selected_credential_ = -1;
  std::optional<tls::Config> config_;
  Connection state_;
  std::optional<effects::Tcp> tcp_;
  std::array<Byte, 65536> room_;
  std::array<Connection::Action, 32> slots_;
  std::vector<Byte> arrived_, unread_, outgoing_;  // not yet offered, not yet consumed, not yet written
  bool again_ = false;                             // there is more to do with what is unread
  bool finished_ = false;                          // nothing more will arrive
  bool connected_ = false, peer_gone_ = false;
  bool update_due_ = false, close_due_ = false, closing_ = false;
  std::optional<std::string> failure_;
};

}  // namespace

std::optional<std::string> exchange(const Options& options) { return std::make_unique<Exchange>(options)->run(); }

}  // namespace limpid::bogo

// Runs one input of the TLS targets: a script for the connection under test, of either role, and for its hostile peer.
//
// The input: two bytes that choose both configurations, then operations, each a byte (see Op) and its operands.
// fuzz/seeds/make_seeds.py writes such scripts.
#pragma once

#include "fuzz/support/action_reader.hpp"
#include "fuzz/support/machine.hpp"
#include "fuzz/support/tls_peer.hpp"

namespace limpid::fuzz {

class TlsExchange {
 public:
  using Connection = tls::Connection;

  TlsExchange(tls::Role role, Bytes input)
      : input_(input),
        script_(input),
        choices_(script_.u16()),
        identity_(Identity::of(chosen(4) ? crypto::KeyType::p256 : crypto::KeyType::ed25519)),
        config_(configure(role)),
        peer_config_(configure(role == tls::Role::client ? tls::Role::server : tls::Role::client)),
        peer_(peer_config_, identity_),
        recorder_(config_, budget_, harness_) {}

  void run() {
    peer_.tell(tls::Entropy{seed(2)});
    if (!chosen(12)) tell(tls::Entropy{seed(1)});
    for (int steps = 0; lawful_ && steps < 64 && !script_.empty(); ++steps) perform(script_.u8());
    check_trace<Connection>(recorder_, config_, input_, {.cpu = test::best_cpu(), .budget = budget_size}, harness_);
  }

 private:
  // What an operation does; its operands behind it in the input. Numbers are big-endian; a `bytes` is a length byte and
  // so many bytes.
  enum class Op : std::uint8_t {
    relay,           // everything to the peer and to the machine until both are quiet
    to_peer,         // everything that the machine sent
    to_machine,      // u16: at most so many bytes of what the peer sent; 0: all
    raw,             // bytes: to the machine, past whatever the peer sent
    plain_record,    // u8 type, bytes: behind what the peer sent
    sealed_record,   // u8 type, u8 padding, bytes
    sealed_message,  // u8 type, u8 how many records, bytes: a handshake message of that body
    sealed_bulk,     // u8 type, u16 size: a record as large as that
    flip,            // u16 offset, u8 mask: alters what the peer sent
    cut,             // u16 offset, u8 size: removes some of it
    repeat,          // u16 offset, u8 size: puts some of it behind it once more
    peer_room,       // u8: how much room the peer has from now on, in units of 32 bytes; 0: plenty
    tamper,          // u16 offset, u8 mask: alters what the peer has not sealed yet
    peer_write,      // u16
    peer_update,     // u8: whether the machine is asked for new keys, too
    peer_close,      //
    peer_finished,   // the peer's stream ends here
    write,           // u16
    close,           //
    update_keys,     // u8: whether the peer is asked
    tick,            // u16 milliseconds
    entropy,         // u8
    answers,         // u8: how questions are answered from now on (see reply())
    reply,           // u8 how many ids too old, u8 kind: a reply, whether asked for or not
    count
  };

  bool chosen(int bit) const { return (choices_ >> bit & 1) != 0; }
  static std::array<Byte, 32> seed(Byte value) {
    std::array<Byte, 32> bytes;
    bytes.fill(value);
    return bytes;
  }

  tls::Config configure(tls::Role role) const {
    static constexpr tls::CipherSuite suites[][1] = {{tls::CipherSuite::tls_chacha20_poly1305_sha256},
                                                     {tls::CipherSuite::tls_aes_128_gcm_sha256},
                                                     {tls::CipherSuite::tls_aes_256_gcm_sha384}};
    static constexpr tls::NamedGroup only_p256[] = {tls::NamedGroup::secp256r1};
    const std::string_view protocols[] = {"h2", "http/1.1"};
    const bool server = role == tls::Role::server;
    tls::Config::Options options{.role = role, .server_name = server ? "" : "example.com"};
    if (choices_ % 4 < 3) options.cipher_suites = suites[choices_ % 4];
    if (chosen(server ? 2 : 3)) options.groups = only_p256;
    if (chosen(5)) options.application_protocols = std::span(protocols).subspan(0, chosen(6) && server ? 1 : 2);
    if (chosen(6) && !server) options.application_protocols = std::span(protocols).last(1);
    if (chosen(7)) options.pad_to = 64;
    options.grease = chosen(8) && !server;
    options.compatibility_mode = !chosen(9);
    options.retry_with_cookie = !chosen(10);
    if (chosen(11)) options.limits = {64, 1, 2, 2, 2, 1, 0};
    const auto config = tls::Config::make(options);
    require(config.has_value(), "a chosen configuration is good");
    return *config;
  }

  void perform(std::uint8_t code) {
    switch (static_cast<Op>(code % static_cast<std::uint8_t>(Op::count))) {
      case Op::relay:
        for (int turns = 0; lawful_ && turns < 8; ++turns) {
          const bool quiet = to_peer_.empty();
          carry_to_peer();
          if (peer_.outbox.empty() && quiet) break;
          deliver(peer_.outbox.size());
        }
        break;
      case Op::to_peer:
        carry_to_peer();
        break;
      case Op::to_machine: {
        const std::size_t size = script_.u16();
        deliver(size == 0 ? peer_.outbox.size() : size);
        break;
      }
      case Op::raw:
        receive(script_.vector8());
        break;
      case Op::plain_record: {
        const std::uint8_t type = script_.u8();
        peer_.put_plain(type, script_.vector8());
        break;
      }
      case Op::sealed_record: {
        const auto type = static_cast<TlsPeer::ContentType>(script_.u8());
        const std::uint8_t padding = script_.u8();
        peer_.seal(type, script_.vector8(), padding);
        break;
      }
      case Op::sealed_message:
        seal_message();
        break;
      case Op::sealed_bulk: {
        const auto type = static_cast<TlsPeer::ContentType>(script_.u8());
        peer_.seal(type, pattern(script_.u16(), is_thorough(input_) ? 512 : 1 << 14), 0);
        break;
      }
      case Op::flip: {
        const std::size_t offset = script_.u16();
        const Byte mask = script_.u8();
        if (!peer_.outbox.empty()) peer_.outbox[offset % peer_.outbox.size()] ^= mask;
        break;
      }
      case Op::cut: {
        const auto [from, to] = part_of_outbox();
        peer_.outbox.erase(from, to);
        break;
      }
      case Op::repeat: {
        const auto [from, to] = part_of_outbox();
        const std::vector<Byte> part(from, to);
        peer_.outbox.insert(peer_.outbox.end(), part.begin(), part.end());
        break;
      }
      case Op::peer_room: {
        const std::size_t units = script_.u8();
        peer_.room = units == 0 ? 1 << 16 : units * 32;
        break;
      }
      case Op::tamper: {
        const std::size_t offset = script_.u16();
        peer_.tamper(offset, script_.u8());
        break;
      }
      case Op::peer_write:
        peer_.write(pattern(script_.u16(), is_thorough(input_) ? 512 : 4096));
        break;
      case Op::peer_update:
        peer_.tell(tls::UpdateKeys{script_.u8() % 2 != 0});
        break;
      case Op::peer_close:
        peer_.tell(tls::Close{});
        break;
      case Op::peer_finished:
        tell(stream::PeerFinished{});
        break;
      case Op::write:
        tell(tls::Write{pattern(script_.u16(), 4096)});
        break;
      case Op::close:
        tell(tls::Close{});
        break;
      case Op::update_keys:
        tell(tls::UpdateKeys{script_.u8() % 2 != 0});
        break;
      case Op::tick:
        now_.monotonic = now_.monotonic + milliseconds(script_.u16());
        tell(Tick{});
        break;
      case Op::entropy:
        tell(tls::Entropy{seed(script_.u8())});
        break;
      case Op::answers:
        answers_ = script_.u8();
        answer_questions();
        break;
      case Op::reply: {
        const std::uint8_t too_old = script_.u8();
        reply(QueryId{recorder_.state().query_id().value - too_old}, script_.u8());
        break;
      }
      case Op::count:
        break;
    }
  }

  // A handshake message in as many records as asked. A KeyUpdate is followed by the change of keys that it announces.
  void seal_message() {
    const auto type = static_cast<tls::wire::HandshakeType>(script_.u8());
    const std::size_t records = std::max<std::size_t>(1, script_.u8());
    const Bytes body = script_.vector8();
    std::vector<Byte> message{static_cast<Byte>(type), 0, 0, static_cast<Byte>(body.size())};
    message.insert(message.end(), body.begin(), body.end());
    Bytes rest = message;
    for (std::size_t left = std::min(records, message.size()); left > 0; --left) {
      const std::size_t size = rest.size() / left;
      peer_.seal(TlsPeer::ContentType::handshake, rest.first(size), 0);
      rest = rest.subspan(size);
    }
    if (type == tls::wire::HandshakeType::key_update && body.size() == 1 && body[0] <= 1) peer_.change_keys();
  }

  std::pair<std::vector<Byte>::iterator, std::vector<Byte>::iterator> part_of_outbox() {
    std::vector<Byte>& all = peer_.outbox;
    const std::size_t offset = script_.u16();
    const std::size_t size = script_.u8();
    const auto from = all.begin() + static_cast<std::ptrdiff_t>(all.empty() ? 0 : offset % all.size());
    return {from, from + std::min<std::ptrdiff_t>(static_cast<std::ptrdiff_t>(size), all.end() - from)};
  }
  static Bytes pattern(std::size_t size, std::size_t most) {
    static constexpr auto bytes = [] {
      std::array<Byte, 1 << 14> values{};
      for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<Byte>(i * 31 >> 3);
      return values;
    }();
    return Bytes(bytes).first(std::min(size, most));
  }

  void carry_to_peer() {
    peer_.inbox.insert(peer_.inbox.end(), to_peer_.begin(), to_peer_.end());
    to_peer_.clear();
    peer_.pump();
  }
  void deliver(std::size_t size) {
    size = std::min(size, peer_.outbox.size());
    const std::vector<Byte> bytes(peer_.outbox.begin(), peer_.outbox.begin() + static_cast<std::ptrdiff_t>(size));
    peer_.outbox.erase(peer_.outbox.begin(), peer_.outbox.begin() + static_cast<std::ptrdiff_t>(size));
    receive(bytes);
  }
  void receive(Bytes bytes) {
    const Exact exact(bytes);
    tell(stream::Received{exact.bytes()});
  }

  void tell(Connection::Event event) {
    tell_only(std::move(event));
    answer_questions();
  }
  void tell_only(Connection::Event event) {
    if (!lawful_) return;
    lawful_ = recorder_.tell(now_, std::move(event));
    actions_.read(recorder_.log(), [&](std::uint8_t kind, Bytes content) {
      static constexpr const Connection::Action* action = nullptr;
      if (kind == kind_of<stream::Send>(action)) to_peer_.insert(to_peer_.end(), content.begin(), content.end());
      if (kind == kind_of<tls::HandshakeDone>(action)) {
        require(peer_.finished_handshake(), "no handshake is done that its peer did not finish");
      }
      if (kind == kind_of<tls::Deliver>(action)) {
        require(content.size() <= peer_.plaintext.size() - delivered_ &&
                    content == Bytes(peer_.plaintext).subspan(delivered_, content.size()),
                "what is delivered was sealed by the peer, in this order");
        delivered_ += content.size();
      }
    });
  }
  void answer_questions() {
    for (int questions = 0; lawful_ && answers_ != 1 && questions < 4 && recorder_.state().pending(); ++questions) {
      reply(recorder_.state().query_id(), answers_);
    }
  }

  // Answers as the script wants it: 0 honestly; 1 not at all; others in ways that do not fit.
  void reply(QueryId id, std::uint8_t kind) {
    const auto query = recorder_.state().pending();
    HonestAnswer honest;
    tls::Answer answer = query ? honest.to(*query, identity_) : tls::Answer{};
    const Identity& other = Identity::of(chosen(4) ? crypto::KeyType::ed25519 : crypto::KeyType::p256);
    switch (kind % 8) {
      case 2:
        answer = tls::Declined{kind / 8 % 2 == 0 ? tls::Fault::unknown_ca : tls::Fault::unknown_server_name};
        break;
      case 3:
        answer = tls::CertificateSelected{pattern(kind / 8 * 128, 4096), crypto::scheme_of(identity_.key.type()), 1};
        break;
      case 4:
        answer = tls::CertificateSelected{other.chain, crypto::scheme_of(other.key.type()), 2};
        break;
      case 5:
        answer = tls::Signed{pattern(kind / 8 * 4, 128)};
        break;
      case 6:
        answer = tls::PeerAccepted{other.key.public_key()};
        break;
      default:
        break;
    }
    tell_only(tls::Reply{id, answer});
  }

  static constexpr std::size_t budget_size = 1 << 21;

  Bytes input_;
  Reader script_;
  std::uint16_t choices_;
  const Identity& identity_;
  const tls::Config config_, peer_config_;
  TlsPeer peer_;
  Budget budget_{budget_size}, harness_{std::size_t{1} << 30};
  sim::Recorder<Connection> recorder_;
  ActionReader actions_;
  std::vector<Byte> to_peer_;
  std::size_t delivered_ = 0;
  std::uint8_t answers_ = 0;
  Time now_{Instant{1'000'000}, UnixTime{1'800'000'000}};
  bool lawful_ = true;
};

}  // namespace limpid::fuzz

#include "exchange.hpp"

#include <vector>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/stack/verify_peer.hpp"
#include "limpid/x509/describe.hpp"

namespace limpid::apps {
namespace {

using Machine = stack::Client;
using effects::text_of;

std::string_view name(tls::NamedGroup group) {
  switch (group) {
    case tls::NamedGroup::x25519:
      return "X25519";
    case tls::NamedGroup::secp256r1:
      return "P-256";
    case tls::NamedGroup::secp384r1:
      return "P-384";
  }
  return "?";
}

// As the registry of RFC 8446, section 4.2.3 has them.
std::string_view name(tls::SignatureScheme scheme) {
  switch (scheme) {
    case tls::SignatureScheme::rsa_pkcs1_sha256:
      return "rsa_pkcs1_sha256";
    case tls::SignatureScheme::rsa_pkcs1_sha384:
      return "rsa_pkcs1_sha384";
    case tls::SignatureScheme::rsa_pkcs1_sha512:
      return "rsa_pkcs1_sha512";
    case tls::SignatureScheme::ecdsa_secp256r1_sha256:
      return "ecdsa_secp256r1_sha256";
    case tls::SignatureScheme::ecdsa_secp384r1_sha384:
      return "ecdsa_secp384r1_sha384";
    case tls::SignatureScheme::rsa_pss_rsae_sha256:
      return "rsa_pss_rsae_sha256";
    case tls::SignatureScheme::rsa_pss_rsae_sha384:
      return "rsa_pss_rsae_sha384";
    case tls::SignatureScheme::rsa_pss_rsae_sha512:
      return "rsa_pss_rsae_sha512";
    case tls::SignatureScheme::ed25519:
      return "ed25519";
    case tls::SignatureScheme::rsa_pss_pss_sha256:
      return "rsa_pss_pss_sha256";
    case tls::SignatureScheme::rsa_pss_pss_sha384:
      return "rsa_pss_pss_sha384";
    case tls::SignatureScheme::rsa_pss_pss_sha512:
      return "rsa_pss_pss_sha512";
  }
  return "?";
}

// What whoever asked can do about a certificate that does not hold.
std::string_view remedy(x509::InvalidReason reason) {
  switch (reason) {
    case x509::InvalidReason::unknown_issuer:
    case x509::InvalidReason::self_signed:
      return "name its CA with --ca, or ask all the same with -k";
    case x509::InvalidReason::name_mismatch:
      return "ask for a name that it is for, or all the same with -k";
    case x509::InvalidReason::not_yet_valid:
      return "check this host's clock, or ask all the same with -k";
    default:
      return "tell who runs that server, or ask all the same with -k";
  }
}

class Exchange {
 public:
  Exchange(effects::Stream& tcp, const Url& url, const Request& request, const Trust& trust, const Listener& listener,
           effects::Recorder* recorder)
      : tcp_(tcp),
        url_(url),
        request_(request),
        trust_(trust),
        listener_(listener),
        recorder_(recorder),
        peer_(url.where.host + ":" + std::to_string(url.where.port)),
        host_field_(url.host_field()) {}

  Result<void> run() {
    if (url_.secure) {
      std::string_view server_name = url_.where.host;
      if (server_name.ends_with('.')) server_name.remove_suffix(1);
      constexpr std::string_view protocols[] = {"http/1.1"};
      tls::Config::Options policy;
      policy.role = tls::Role::client;
      policy.server_name = server_name;
      policy.application_protocols = protocols;
      policy.request_staple = true;
      policy.log_secrets = static_cast<bool>(listener_.keys);
      const auto made = tls::Config::make(policy);
      if (!made)
        return effects::fail("cannot reach '" + url_.where.host + "': " + std::string(tls::describe(made.error())));
      config_.tls = *made;
    }
    tape_.emplace(recorder_, config_, effects::now());
    step(stream::Opened{tcp_.local(), tcp_.peer(), effects::entropy()});
    bool asked = false;
    while (!failure_ && wants_ != Wants::nothing) {
      if (more_) {
        step(Tick{});
      } else if (wants_ == Wants::reply) {
        answer();
      } else if (!asked) {
        asked = step(http::Fetch{request_.method, as_bytes(url_.target), as_bytes(host_field_),
                                 as_bytes(request_.header_lines)}) != 0;
      } else if (wants_ == Wants::room) {
        step(Tick{});
      } else {
        receive();
      }
    }
    if (failure_) return std::unexpected(*failure_);
    if (!complete_) return effects::fail("the answer of " + peer_ + " did not come to its end; try again");
    return {};
  }

 private:
  void receive() {
    if (filled_ > offered_) {
      const std::size_t consumed = step(stream::Received{MutableBytes(input_).first(filled_)});
      std::copy(input_.begin() + static_cast<std::ptrdiff_t>(consumed),
                input_.begin() + static_cast<std::ptrdiff_t>(filled_), input_.begin());
      filled_ -= consumed;
      offered_ = wants_ == Wants::event && !more_ ? filled_ : 0;
      return;
    }
    const auto n = tcp_.receive(MutableBytes(input_).subspan(filled_), deadline_);
    if (!n) return fail(unsent_ ? unsent_->text : n.error().text);
    if (!*n) {
      step(Tick{});
    } else if (**n == 0) {
      step(stream::PeerFinished{});
      if (!failure_ && wants_ == Wants::event) fail("the connection to " + peer_ + " ended too early; try again");
    } else {
      filled_ += **n;
    }
  }

  void answer() {
    const auto query = machine_.pending();
    const auto& asked = std::get<stack::TlsQuery>(*query);
    const auto* verify = std::get_if<tls::VerifyPeer>(&asked.question);
    if (verify == nullptr) {
      step(tls::Reply{asked.id, tls::Declined{}});
      return;
    }
    describe_chain(*verify);
    const auto verdict = trust_.anybody ? stack::accept_any_peer(*verify)
                                        : stack::verify_peer(*verify, trust_.anchors, effects::now().wall,
                                                             effects::startup_budget(), cpu_);
    if (verdict.invalid) {
      distrust_ = text_of([&](Writer& out) {
        x509::write_invalid(out, *verdict.invalid);
        out.text("; ");
        out.text(remedy(verdict.invalid->reason));
      });
    } else if (!verdict.valid) {
      say("the certificate was not verified (-k)");
    } else {
      say("valid for " + url_.where.host + ": " + path_of(*verify, *verdict.valid) + ", which " + trust_.anchors_name +
          " says to trust");
    }
    step(tls::Reply{asked.id, verdict.answer});
  }

  // "leaf <- intermediate <- root".
  std::string path_of(const tls::VerifyPeer& verify, const x509::ValidChain& chain) {
    std::vector<Bytes> presented;
    for (Reader in(verify.certificate_list); !in.empty(); in.vector16()) presented.push_back(in.vector24());
    std::string path;
    for (const x509::CertificateIndex& each : chain.certificates()) {
      const bool is_anchor = each.in == x509::CertificateIndex::In::anchors;
      const auto certificate =
          x509::parse_certificate(is_anchor ? trust_.anchors[each.index].der : presented[each.index]);
      if (!certificate) continue;
      if (!path.empty()) path += " <- ";
      path += text_of([&](Writer& out) { x509::write_name(out, certificate->subject); });
    }
    return path;
  }

  void describe_chain(const tls::VerifyPeer& verify) {
    Reader in(verify.certificate_list);
    for (int i = 0; !in.empty(); ++i) {
      const Bytes der = in.vector24();
      in.vector16();
      const auto certificate = x509::parse_certificate(der);
      if (!certificate) continue;
      say(text_of([&](Writer& out) {
        out.text(i == 0 ? "certificate: " : "  then: ");
        x509::write_name(out, certificate->subject);
        out.text(", issued by ");
        x509::write_name(out, certificate->issuer);
        out.text(", ");
        x509::write_key_type(out, certificate->public_key_info);
        out.text(", valid until ");
        x509::write_time(out, certificate->validity.not_after);
      }));
    }
  }

  std::size_t step(const Machine::Event& event) {
    const Room<Machine::Action> room{
        .bytes = output_, .actions = actions_, .budget = effects::startup_budget(), .cpu = cpu_};
    const auto progress = tape_->advance(config_, machine_, event, room);
    wants_ = progress.wants;
    more_ = progress.more;
    deadline_ = progress.deadline;
    for (const Machine::Action& action : progress.actions) {
      std::visit([&](const auto& each) { on(each); }, action);
    }
    return progress.consumed;
  }

  void on(const stream::Send& send) {
    // A peer that takes no more may have said why before: that is still to be read.
    if (unsent_) return;
    if (auto sent = tcp_.send(send.bytes); !sent) unsent_ = sent.error();
  }
  void on(const stream::Finish&) { tcp_.finish(); }
  void on(const stream::Abort&) { fail("the connection to " + peer_ + " had to be given up; try again"); }
  void on(const http::HeadReceived&) { take(listener_.head(machine_.head())); }
  void on(const http::BodyReceived& received) { take(listener_.body(received.bytes)); }
  void on(const http::Done&) { complete_ = true; }
  void on(const http::FetchFailed& failed) {
    if (failed.fault == http::FetchFault::malformed_request) {
      return fail("cannot ask " + peer_ + ": " + std::string(http::describe(failed.fault)) +
                  "; check the URL and what -H adds");
    }
    fail("cannot use the answer of " + peer_ + ": " +
         std::string(failed.fault == http::FetchFault::malformed_head ? http::describe(failed.response)
                                                                      : http::describe(failed.fault)) +
         "; try again or ask who runs that server");
  }
  void on(const stack::TimedOut& timed_out) {
    fail(
        peer_ + " was silent for too long " +
        (timed_out.awaited == stack::Awaited::handshake ? "during the TLS handshake" : "while its answer was awaited") +
        "; try again later");
  }
  void on(const tls::HandshakeDone& done) {
    std::string line = "TLS 1.3, " + std::string(tls::wire::name(done.cipher_suite)) + ", " +
                       std::string(name(done.group)) + ", " + std::string(name(done.signature_scheme));
    if (!done.application_protocol.empty()) line += ", ALPN " + std::string(as_text(done.application_protocol));
    if (done.retried) line += ", after a HelloRetryRequest";
    line += ", handshake took " + milliseconds_since(begun_);
    say(line);
  }
  void on(const tls::Failed& failed) {
    const auto words = tls::describe(failed.error.fault);
    if (!distrust_.empty()) {
      return fail("cannot trust " + peer_ + ": " + distrust_);
    }
    if (failed.error.fault == tls::Fault::alert_received) {
      if (failed.alert == tls::Alert::protocol_version) {
        return fail(peer_ + " does not speak TLS 1.3; ask who runs that server to enable it");
      }
      return fail(peer_ + " refused the TLS connection (" + std::string(tls::name(failed.alert)) +
                  "); it may want what limpid does not offer");
    }
    fail("TLS with " + peer_ + " failed: " + std::string(words.sentence) + " (" + std::string(words.name) +
         "); check that this port speaks TLS 1.3");
  }
  void on(const tls::Truncated&) { say("the connection ended without close_notify"); }
  void on(const tls::Noted&) {}
  void on(const tls::KeyLog& log) {
    if (const auto written = listener_.keys(log.lines); !written) fail(written.error().text);
  }

  void say(const std::string& line) { listener_.say(line); }
  void take(Result<void> outcome) {
    if (!outcome) fail(outcome.error().text);
  }
  void fail(std::string text) {
    if (!failure_) failure_ = Failure{std::move(text)};
  }

  const Instant begun_ = effects::now().monotonic;
  effects::Stream& tcp_;
  const Url& url_;
  const Request& request_;
  const Trust& trust_;
  const Listener& listener_;
  effects::Recorder* const recorder_;
  const std::string peer_;
  const std::string host_field_;
  const CpuFeatures cpu_ = effects::cpu_features();

  Machine::Config config_;
  Machine machine_;
  std::optional<effects::Tape<Machine>> tape_;
  Wants wants_ = Wants::event;
  bool more_ = false;
  std::optional<Instant> deadline_;
  bool complete_ = false;
  std::optional<Failure> failure_;
  std::optional<Failure> unsent_;  // why sending ended
  std::string distrust_;

  std::vector<Byte> input_ = std::vector<Byte>(2 * Machine::least_room.input);
  std::size_t filled_ = 0;
  std::size_t offered_ = 0;  // so much is too little for the machine
  std::vector<Byte> output_ = std::vector<Byte>(65536);
  std::vector<Machine::Action> actions_ = std::vector<Machine::Action>(64);
};

}  // namespace

std::string milliseconds_since(Instant begun) {
  const std::int64_t tenths = (effects::now().monotonic.microseconds - begun.microseconds + 50) / 100;
  return std::to_string(tenths / 10) + '.' + std::to_string(tenths % 10) + " ms";
}

Result<void> exchange(effects::Stream& tcp, const Url& url, const Request& request, const Trust& trust,
                      const Listener& listener, effects::Recorder* recorder) {
  return Exchange(tcp, url, request, trust, listener, recorder).run();
}

}  // namespace limpid::apps

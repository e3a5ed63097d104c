// The applications on both sides of an HTTPS exchange in memory.
#pragma once

#include "limpid/sim/memory_transport.hpp"
#include "limpid/stack/client.hpp"
#include "limpid/stack/server.hpp"
#include "limpid/stack/verify_peer.hpp"
#include "tests/support/certificates.hpp"
#include "tests/support/site.hpp"

namespace limpid::test {

inline constexpr Time epoch{{1'000'000}, certificate_epoch};

// Answers a stack::Server's queries from a site and a set of identities.
class ServerApplication {
 public:
  ServerApplication(Site& site, stack::Identities& identities) : site_(site), identities_(identities) {}

  std::optional<stack::Server::Event> answer(const stack::Server::Query& query) {
    return std::visit(Overloaded{[&](const stack::TlsQuery& q) -> stack::Server::Event {
                                   return tls::Reply{q.id, identities_.answer(q.question, certificate_epoch, {})};
                                 },
                                 [&](const auto& q) -> stack::Server::Event { return site_.answer(q); }},
                      query);
  }
  std::optional<stack::Server::Event> next(const stack::Server&) {
    if (!std::exchange(drain, false)) return {};
    return stack::Drain{};
  }
  void taken(std::size_t) {}
  void see(const stack::Server::Action& action) {
    std::visit(Overloaded{
                   [&](const http::CloseFile& closed) { EXPECT_EQ(site_.open.erase(closed.file.value), 1u); },
                   [&](const http::RequestServed& s) { served.push_back(s); },
                   [&](const tls::HandshakeDone& done) {
                     handshakes.push_back(done);
                     server_name = as_text(done.server_name);
                     application_protocol = as_text(done.application_protocol);
                   },
                   [&](const tls::Failed& f) { failed = f; },
                   [&](const tls::Truncated&) { truncated = true; },
                   [&](const stream::Finish&) { finished = true; },
                   [&](const stream::Abort&) { aborted = true; },
                   [](const auto&) {},
               },
               action);
  }

  bool drain = false;
  std::vector<http::RequestServed> served;
  std::vector<tls::HandshakeDone> handshakes;
  std::string server_name, application_protocol;
  std::optional<tls::Failed> failed;
  bool truncated = false, finished = false, aborted = false;

 private:
  Site& site_;
  stack::Identities& identities_;
};

// Fetches one target and keeps what came.
class ClientApplication {
 public:
  ClientApplication(std::string target, std::span<const x509::Certificate> anchors, Budget& budget)
      : target_(std::move(target)), anchors_(anchors), budget_(budget) {}

  std::optional<stack::Client::Event> answer(const stack::Client::Query& query) {
    const auto& q = std::get<stack::TlsQuery>(query);
    auto verdict = stack::verify_peer(std::get<tls::VerifyPeer>(q.question), anchors_, certificate_epoch, budget_, {});
    if (verdict.invalid) invalid = verdict.invalid->reason;
    return tls::Reply{q.id, verdict.answer};
  }
  std::optional<stack::Client::Event> next(const stack::Client&) {
    if (std::exchange(asked_, true)) return {};
    return http::Fetch{method, as_bytes(target_), as_bytes(host), {}};
  }
  void taken(std::size_t) {}
  void see(const stack::Client::Action& action) {
    std::visit(Overloaded{
                   [&](const http::HeadReceived& head) { status = head.status; },
                   [&](const http::BodyReceived& b) { body += as_text(b.bytes); },
                   [&](const http::Done& d) { done = d; },
                   [&](const http::FetchFailed& f) { fetch_failed = f; },
                   [&](const stack::TimedOut& t) { timed_out = t; },
                   [&](const tls::HandshakeDone& d) { handshakes.push_back(d); },
                   [&](const tls::Failed& f) { failed = f; },
                   [&](const tls::Truncated&) { truncated = true; },
                   [](const auto&) {},
               },
               action);
  }

  http::Method method = http::Method::get;
  std::string host = "site.test";
  int status = 0;
  std::string body;
  std::optional<http::Done> done;
  std::optional<http::FetchFailed> fetch_failed;
  std::optional<stack::TimedOut> timed_out;
  std::optional<tls::Failed> failed;
  std::optional<x509::InvalidReason> invalid;
  std::vector<tls::HandshakeDone> handshakes;
  bool truncated = false;

 private:
  std::string target_;
  std::span<const x509::Certificate> anchors_;
  Budget& budget_;
  bool asked_ = false;
};

// A server with a site and a certificate, and a client that trusts it.
struct Exchange {
  explicit Exchange(std::string target, const sim::TransportOptions& transport_options = {}, bool with_tls = true)
      : identities(authority.budget()),
        client_app(std::move(target), authority.anchors(), client_budget),
        server_app(site, identities),
        options(transport_options) {
    EXPECT_TRUE(identities.add(authority.identity("site.test")));
    site.files["index.html"] = {"<h1>hello</h1>\n"};
    std::string big;
    for (int i = 0; i < 200'000; ++i) big += static_cast<char>('a' + i % 23);
    site.files["big.bin"] = {big};
    if (with_tls) {
      server_config.tls = *tls::Config::make({.role = tls::Role::server});
      client_config.tls = *tls::Config::make({.role = tls::Role::client, .server_name = "site.test"});
    }
  }

  bool run() {
    if (!transport) {
      client.emplace(client_config, client_app, client_budget, harness);
      server.emplace(server_config, server_app, server_budget, harness);
      transport.emplace(options, *client, *server, epoch, harness);
    }
    return transport->run(10'000'000);
  }

  using ClientEnd = sim::TransportEnd<stack::Client, ClientApplication>;
  using ServerEnd = sim::TransportEnd<stack::Server, ServerApplication>;

  Budget client_budget{1 << 20}, server_budget{1 << 20}, harness{1 << 26};
  Authority authority;
  Site site;
  stack::Identities identities;
  stack::Server::Config server_config;
  stack::Client::Config client_config;
  ClientApplication client_app;
  ServerApplication server_app;
  sim::TransportOptions options;
  std::optional<ClientEnd> client;
  std::optional<ServerEnd> server;
  std::optional<sim::MemoryTransport<ClientEnd, ServerEnd>> transport;
};

}  // namespace limpid::test

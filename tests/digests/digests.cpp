// Prints, for 16 seeded HTTPS exchanges in memory, a digest of every action of both machines and of their saved states
// along the way. The lines are committed in digests.txt and must come out the same from every compiler, at every level
// of optimization and on every CPU path.
#include <cstdio>
#include <string>

#include "limpid/crypto/hash.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/sim/action_log.hpp"
#include "tests/stack/exchange.hpp"

namespace limpid {
namespace {

// An application whose machine's actions are hashed.
template <class Application>
struct Digesting : Application {
  explicit Digesting(Application application) : Application(std::move(application)) {}

  template <class Action>
  void see(const Action& action) {
    Budget budget(1 << 20);
    sim::ActionLog log(budget);
    EXPECT_TRUE(log.append(action));
    hash.update(log.bytes(), {});
    Application::see(action);
  }
  void add(const auto& state, Time now) {
    Budget budget(1 << 20);
    const auto saved = save(state, now.monotonic, budget);
    EXPECT_TRUE(saved);
    hash.update({saved->data(), saved->size()}, {});
  }
  std::string hex() const {
    std::string text;
    const auto digest = hash.finish({});
    for (const Byte byte : digest.bytes()) {
      char two[3];
      std::snprintf(two, sizeof two, "%02x", byte);
      text += two;
    }
    return text;
  }

  crypto::Hash hash{crypto::HashAlgorithm::sha256};
};

using Client = Digesting<test::ClientApplication>;
using Server = Digesting<test::ServerApplication>;

void digest(std::uint64_t seed, CpuFeatures cpu) {
  const sim::TransportOptions options{.seed = seed,
                                      .largest_delivery = std::size_t{1} << (4 + seed % 12),
                                      .reset_after = seed == 13 ? 300u : 0u,
                                      .cpu = cpu};
  static constexpr const char* targets[] = {"/big.bin", "/index.html", "/missing"};
  test::Exchange exchange(targets[seed % 3], options);
  const tls::CipherSuite suites[] = {tls::Config::default_cipher_suites[seed % 3]};
  // The client begins with X25519; a server that knows only P-256 asks it to try again.
  const tls::NamedGroup only_p256[] = {tls::NamedGroup::secp256r1};
  exchange.server_config.tls = *tls::Config::make(
      {.role = tls::Role::server,
       .cipher_suites = suites,
       .groups = seed % 2 == 0 ? std::span<const tls::NamedGroup>(only_p256) : tls::Config::default_groups});

  Client client_app(std::move(exchange.client_app));
  Server server_app(std::move(exchange.server_app));
  sim::TransportEnd<stack::Client, Client> client(exchange.client_config, client_app, exchange.client_budget,
                                                  exchange.harness);
  sim::TransportEnd<stack::Server, Server> server(exchange.server_config, server_app, exchange.server_budget,
                                                  exchange.harness);
  sim::MemoryTransport transport(options, client, server, test::epoch, exchange.harness);
  for (int i = 0; i < 10'000 && !transport.run(64); ++i) {
    client_app.add(client.state, transport.now);
    server_app.add(server.state, transport.now);
  }
  std::printf("%2u client %s server %s\n", static_cast<unsigned>(seed), client_app.hex().c_str(),
              server_app.hex().c_str());
}

}  // namespace
}  // namespace limpid

int main() {
  const limpid::CpuFeatures cpu = limpid::effects::cpu_features();
  for (std::uint64_t seed = 1; seed <= 16; ++seed) limpid::digest(seed, cpu);
  return testing::UnitTest::GetInstance()->ad_hoc_test_result().Failed() ? 1 : 0;
}

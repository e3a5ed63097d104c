// The transition tables: what is not in them does not compile, every state can be reached, and ARCHITECTURE.md draws
// them as they are.
#include <gtest/gtest.h>

#include <fstream>
#include <set>
#include <sstream>

#include "limpid/tls/handshake/client.hpp"
#include "limpid/tls/handshake/server.hpp"

namespace limpid::tls::handshake {
namespace {

template <class Machine>
using NextOf = typename Machine::Step::value_type;

template <class Machine, class From, class To>
concept CanGo = requires(const From& from, To to) { NextOf<Machine>::go(from, std::move(to)); };
template <class Machine, class From>
concept CanFinish = requires(const From& from, Connected to, FinishedVerified proof) {
  NextOf<Machine>::go(from, std::move(to), proof);
};

static_assert(CanGo<Client, Client::Start, Client::AwaitServerHello>);
static_assert(!CanGo<Client, Client::Start, Client::AwaitEncryptedExtensions>);
static_assert(!CanGo<Client, Client::AwaitSecondServerHello, Client::AwaitSecondServerHello>);
static_assert(!CanGo<Client, Client::AwaitCertificateOrRequest, Client::AwaitFinished>);
static_assert(!CanGo<Client, Client::AwaitVerdict, Client::AwaitFinished>);
static_assert(!CanGo<Client, Server::AwaitClientHello, Server::AwaitSelection>);
static_assert(!CanGo<Server, Server::AwaitSecondClientHello, Server::AwaitSecondClientHello>);
static_assert(!CanGo<Server, Server::AwaitSelection, Server::AwaitFinished>);
// The end needs the proof that Finished was right, which only verify_finished makes.
static_assert(CanFinish<Client, Client::AwaitFinished> && CanFinish<Server, Server::AwaitFinished>);
static_assert(!CanGo<Client, Client::AwaitFinished, Connected> && !CanGo<Server, Server::AwaitFinished, Connected>);
static_assert(!CanFinish<Client, Client::AwaitCertificateVerify> && !CanFinish<Server, Server::AwaitSignature>);
static_assert(!std::is_default_constructible_v<FinishedVerified>);

template <class Machine>
std::string diagram() {
  std::array<Byte, 4096> room{};
  Writer out{MutableBytes(room)};
  print_mermaid(Machine::transitions, out);
  EXPECT_FALSE(out.failed());
  return std::string(as_text(Bytes(out.written())));
}

template <class Machine>
void expect_connected_graph(std::string_view first) {
  std::set<std::string_view> reached{first}, left;
  for_each_edge(Machine::transitions, [&](std::string_view from, std::string_view to, std::string_view on) {
    EXPECT_TRUE(reached.contains(from)) << from << " stands before it can be reached";
    EXPECT_FALSE(on.empty());
    reached.insert(to);
    left.insert(from);
  });
  EXPECT_EQ(reached.size(), std::variant_size_v<typename Machine::State>);
  for (const std::string_view state : reached) EXPECT_EQ(left.contains(state), state != "Connected") << state;
}

TEST(Transitions, EveryStateIsReachedAndOnlyTheEndIsNotLeft) {
  expect_connected_graph<Client>("Start");
  expect_connected_graph<Server>("AwaitClientHello");
}

TEST(Transitions, TheArchitecturePageDrawsThem) {
  std::ifstream file(LIMPID_SOURCE_DIR "/ARCHITECTURE.md");
  std::stringstream page;
  page << file.rdbuf();
  const std::string expected = "<!-- transitions: begin -->\nThe client:\n\n```mermaid\n" + diagram<Client>() +
                               "```\n\nThe server:\n\n```mermaid\n" + diagram<Server>() +
                               "```\n<!-- transitions: end -->\n";
  EXPECT_NE(page.str().find(expected), std::string::npos) << "ARCHITECTURE.md should have:\n" << expected;
}

}  // namespace
}  // namespace limpid::tls::handshake

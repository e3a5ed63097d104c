// An HTTPS exchange in memory is stopped after so many steps. Its server is sealed, and a fresh process opens it and
// goes on, while the client stays here and notices nothing. A twin in yet another process replays what the server was
// told and must do the same, byte for byte. The fresh processes run with a poisoned heap.
#include <gtest/gtest.h>
#include <poll.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdlib>
#include <filesystem>
#include <fstream>

#include "limpid/effects/claims.hpp"
#include "limpid/effects/entropy.hpp"
#include "limpid/sim/laws.hpp"
#include "limpid/stack/live.hpp"
#include "tests/stack/exchange.hpp"

namespace limpid {
namespace {

constexpr Time now = test::epoch;
constexpr int claimed_before = 3;  // exit status of a process that came too late
const crypto::SealKey key(std::array<Byte, 32>{9});
const crypto::SealId id{7};

// One machine with its application, stepped once at a time. What it sends is appended to `sent`.
template <class M, class Application>
class End {
 public:
  End(const typename M::Config& config, Application& application, Budget& budget)
      : config_(config), application_(application), budget_(budget) {}

  M state{};
  std::vector<Byte> inbox, sent;
  bool peer_finished = false, end_told = false, finished = false, over = false;
  Wants wants = Wants::event;

  // Steps with whatever there is to step with; false if there is nothing.
  bool turn() {
    if (over) return false;
    if (more_ || wants == Wants::room) return tell(Tick{}), true;
    if (const auto query = state.pending()) {
      const auto event = application_.answer(*query);
      return tell(*event), true;
    }
    if (wants == Wants::reply) return false;
    if (const auto event = application_.next(state)) return tell(*event), true;
    if (inbox.size() > offered_ || (!inbox.empty() && answered_)) {
      answered_ = false;
      const std::size_t consumed = tell(stream::Received{inbox});
      inbox.erase(inbox.begin(), inbox.begin() + static_cast<std::ptrdiff_t>(consumed));
      offered_ = state.pending() || more_ || wants == Wants::room ? 0 : inbox.size();
      return true;
    }
    if (peer_finished && !end_told) {
      end_told = tell(stream::PeerFinished{}) == 1;
      return end_told;
    }
    return false;
  }

  std::size_t tell(const typename M::Event& event) {
    if constexpr (requires { application_.told(event); }) {
      if (!std::holds_alternative<stream::Received>(event)) application_.told(event);
    }
    if (std::holds_alternative<tls::Reply>(event) || std::holds_alternative<stream::Opened>(event)) answered_ = true;
    std::array<Byte, 6000> bytes;
    std::array<typename M::Action, M::least_room.actions> slots;
    const auto progress = M::advance(config_, state, now, event, {bytes, slots, budget_, {}});
    more_ = progress.more;
    wants = progress.wants;
    over = wants == Wants::nothing;
    for (const auto& action : progress.actions) {
      application_.see(action);
      if (const auto* send = std::get_if<stream::Send>(&action)) {
        sent.insert(sent.end(), send->bytes.begin(), send->bytes.end());
      }
      finished = finished || std::holds_alternative<stream::Finish>(action);
      over = over || std::holds_alternative<stream::Abort>(action);
    }
    return progress.consumed;
  }

 private:
  const typename M::Config& config_;
  Application& application_;
  Budget& budget_;
  bool more_ = false, answered_ = false;
  std::size_t offered_ = 0;
};

using ClientEnd = End<stack::Client, test::ClientApplication>;
using ServerEnd = End<stack::Server, test::ServerApplication>;

// Site, certificates and configuration are the same in every process.
struct World {
  test::Exchange exchange{"/big.bin"};
  ClientEnd client{exchange.client_config, exchange.client_app, exchange.client_budget};
  ServerEnd server{exchange.server_config, exchange.server_app, exchange.server_budget};

  void open() {
    client.tell(stream::Opened{{}, {}, {1}});
    server.tell(stream::Opened{{}, {}, {2}});
  }
  // Up to so many steps of both; how many there were.
  int run(int steps) {
    int done = 0;
    for (bool progress = true; done < steps && progress;) {
      progress = false;
      if (client.turn()) progress = true, ++done;
      move(client.sent, server.inbox, 900);
      if (done < steps && server.turn()) progress = true, ++done;
      move(server.sent, client.inbox, 3000);
      client.peer_finished = server.finished && server.sent.empty();
      server.peer_finished = client.finished && client.sent.empty();
      progress = progress || !client.sent.empty() || !server.sent.empty();
    }
    return done;
  }
  static void move(std::vector<Byte>& from, std::vector<Byte>& to, std::size_t most) {
    const auto end = from.begin() + static_cast<std::ptrdiff_t>(std::min(most, from.size()));
    to.insert(to.end(), from.begin(), end);
    from.erase(from.begin(), end);
  }
};

std::vector<Byte> read_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}
void write_file(const std::string& path, Bytes bytes) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(bytes.data()), static_cast<long>(bytes.size()));
}

// The fresh process: claims and opens the server in FOLDER/blob and serves the stream on descriptor 0.
int go_on(const std::string& folder) {
  const auto claims = effects::Claims::open(folder + "/claims");
  if (!claims) return 1;
  auto claim = claims->claim(id);
  if (!claim) return claimed_before;
  World world;
  std::vector<Byte> blob = read_file(folder + "/blob");
  auto dormant =
      stack::open<stack::Server>(std::move(*claim), blob, key, {now.monotonic, world.exchange.server_budget});
  if (!dormant) return 1;
  std::array<stack::Server::Action, stack::Server::least_room.actions> slots;
  auto woken = std::move(*dormant).wake(world.exchange.server_config, now, effects::entropy(),
                                        {{}, slots, world.exchange.server_budget, {}});
  world.server.state = std::move(woken.state);
  world.server.wants = woken.progress.wants;
  const auto file_of = [&](std::uint32_t n) { world.exchange.site.open[n] = "big.bin"; };
  file_of(1);  // the state may name a file that the other process had open: the site's are all open here

  for (bool end = false; !world.server.over;) {
    while (world.server.turn()) {
    }
    for (std::size_t written = 0; written < world.server.sent.size();) {
      const ssize_t n = write(0, world.server.sent.data() + written, world.server.sent.size() - written);
      if (n <= 0) return 1;
      written += static_cast<std::size_t>(n);
    }
    world.server.sent.clear();
    if (world.server.finished) shutdown(0, SHUT_WR);
    if (end || world.server.over) break;
    Byte piece[700];
    const ssize_t n = read(0, piece, sizeof piece);
    if (n < 0) return 1;
    if (n == 0) end = world.server.peer_finished = true;
    world.server.inbox.insert(world.server.inbox.end(), piece, piece + n);
  }
  return 0;
}

// Starts this program again with a socket as descriptor 0 and a poisoned heap. Its id.
pid_t start(const std::string& mode, const std::string& folder, int descriptor_0) {
  posix_spawn_file_actions_t actions;
  posix_spawn_file_actions_init(&actions);
  posix_spawn_file_actions_adddup2(&actions, descriptor_0, 0);
  std::string program = "/proc/self/exe", mode_copy = mode, folder_copy = folder, perturb = "MALLOC_PERTURB_=165";
  char* arguments[] = {program.data(), mode_copy.data(), folder_copy.data(), nullptr};
  char* environment[] = {perturb.data(), nullptr};
  pid_t process = -1;
  EXPECT_EQ(posix_spawn(&process, program.c_str(), &actions, nullptr, arguments, environment), 0);
  posix_spawn_file_actions_destroy(&actions);
  return process;
}

int status_of(pid_t process) {
  int status = -1;
  waitpid(process, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// Runs the client here against the process behind `socket`.
void finish_client(World& world, int socket) {
  auto& client = world.client;
  bool told_end = false;
  while (!client.over) {
    while (client.turn()) {
    }
    while (!client.sent.empty()) {
      const ssize_t n = write(socket, client.sent.data(), client.sent.size());
      ASSERT_GT(n, 0);
      client.sent.erase(client.sent.begin(), client.sent.begin() + n);
    }
    if (client.finished && !told_end) told_end = shutdown(socket, SHUT_WR) == 0;
    if (client.over || client.peer_finished) break;
    pollfd wait{socket, POLLIN, 0};
    ASSERT_EQ(poll(&wait, 1, 20'000), 1) << "the other process fell silent";
    Byte piece[4096];
    const ssize_t n = read(socket, piece, sizeof piece);
    ASSERT_GE(n, 0);
    if (n == 0) client.peer_finished = true;
    client.inbox.insert(client.inbox.end(), piece, piece + n);
  }
  while (client.turn()) {
  }
}

class AnotherProcess : public testing::TestWithParam<int> {
 protected:
  void SetUp() override {
    char name[] = "/tmp/limpid-process-XXXXXX";
    folder_ = mkdtemp(name);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }
  std::string folder_;
};

TEST_P(AnotherProcess, GoesOnWithTheRightBytesAndOnlyOnce) {
  World world;
  world.open();
  world.run(GetParam());
  ASSERT_FALSE(world.client.over);
  auto sealed = stack::seal(std::move(world.server.state), now.monotonic, key, id, crypto::SealSalt{},
                            world.exchange.harness, {});
  ASSERT_TRUE(sealed);
  EXPECT_EQ(world.exchange.server_budget.used(), 0u);
  write_file(folder_ + "/blob", {sealed->data(), sealed->size()});

  int sockets[2];
  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  const pid_t process = start("--go-on", folder_, sockets[1]);
  close(sockets[1]);
  // What was under way: the server's input first, in order.
  std::vector<Byte> under_way = std::move(world.server.inbox);
  under_way.insert(under_way.end(), world.client.sent.begin(), world.client.sent.end());
  world.client.sent = std::move(under_way);
  world.client.inbox.insert(world.client.inbox.end(), world.server.sent.begin(), world.server.sent.end());
  world.client.peer_finished = false;
  finish_client(world, sockets[0]);
  close(sockets[0]);
  EXPECT_EQ(status_of(process), 0);
  EXPECT_EQ(world.exchange.client_app.status, 200);
  EXPECT_EQ(world.exchange.client_app.body, world.exchange.site.files["big.bin"].content);

  ASSERT_EQ(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, sockets), 0);
  const pid_t late = start("--go-on", folder_, sockets[1]);
  EXPECT_EQ(status_of(late), claimed_before) << "a second load of the same blob is refused";
  close(sockets[0]);
  close(sockets[1]);
}

// Steps: 1 to 20 lie in the handshake, the others in the transfer of 200,000 bytes.
INSTANTIATE_TEST_SUITE_P(After, AnotherProcess, testing::Values(1, 2, 3, 4, 5, 6, 8, 10, 13, 20, 30, 50));

// A server's application that also writes a trace of what the server is told.
struct Recording : test::ServerApplication {
  explicit Recording(test::ServerApplication application) : ServerApplication(std::move(application)) {}
  void told(const stack::Server::Event& event) { EXPECT_TRUE(sim::append_event<stack::Server>(trace, now, event)); }
  Budget budget{1 << 26};
  Buffer trace{budget};
};

// Loads a state, steps it with entropy and then with a trace, and gives the canonical account of its actions and of its
// last state; empty if that breaks a law.
std::vector<Byte> account(Bytes saved, MutableBytes trace) {
  World world;
  Budget harness(1 << 28), budget(1 << 20);
  auto state = load<stack::Server>(saved, {now.monotonic, budget});
  if (!state) return {};
  sim::laws::Run<stack::Server> run(world.exchange.server_config, {}, std::move(*state), budget, harness);
  stack::Server::Event entropy{tls::Entropy{{5}}};
  if (!run.tell(now, entropy)) return {};
  const auto outcome = run.all(trace);
  if (!outcome) return {};
  std::vector<Byte> bytes(outcome->log.bytes().begin(), outcome->log.bytes().end());
  bytes.insert(bytes.end(), outcome->saved.data(), outcome->saved.data() + outcome->saved.size());
  return bytes;
}

int twin(const std::string& folder) {
  std::vector<Byte> trace = read_file(folder + "/trace");
  write_file(folder + "/account", account(read_file(folder + "/state"), trace));
  return 0;
}

// Law 4, judged from outside: a twin in a fresh process, given the same state, entropy and events, does the same.
TEST_P(AnotherProcess, ATwinDoesTheSame) {
  World world;
  Recording recording(std::move(world.exchange.server_app));
  End<stack::Server, Recording> server(world.exchange.server_config, recording, world.exchange.server_budget);
  world.client.tell(stream::Opened{{}, {}, {1}});
  server.tell(stream::Opened{{}, {}, {2}});
  std::vector<Byte> saved;
  for (int step = 0; step < 400; ++step) {
    if (step == GetParam()) {
      const auto state = save(server.state, now.monotonic, world.exchange.harness);
      ASSERT_TRUE(state);
      saved.assign(state->data(), state->data() + state->size());
      recording.trace.clear();
      if (!server.inbox.empty()) recording.told(stream::Received{server.inbox});
    }
    world.client.turn();
    if (!world.client.sent.empty()) {
      std::vector<Byte> piece;
      World::move(world.client.sent, piece, 900);
      server.inbox.insert(server.inbox.end(), piece.begin(), piece.end());
      recording.told(stream::Received{piece});
    }
    server.turn();
    World::move(server.sent, world.client.inbox, 3000);
  }
  ASSERT_GT(recording.trace.size(), 100u);
  const MutableBytes trace(recording.trace.data(), recording.trace.size());
  write_file(folder_ + "/state", saved);
  write_file(folder_ + "/trace", trace);
  const std::vector<Byte> expected = account(saved, trace);
  ASSERT_GT(expected.size(), 100u) << "the trace does something";
  ASSERT_EQ(status_of(start("--twin", folder_, 1)), 0);
  EXPECT_EQ(read_file(folder_ + "/account"), expected);
}

}  // namespace
}  // namespace limpid

int main(int count, char** arguments) {
  if (count == 3 && std::string(arguments[1]) == "--go-on") return limpid::go_on(arguments[2]);
  if (count == 3 && std::string(arguments[1]) == "--twin") return limpid::twin(arguments[2]);
  testing::InitGoogleTest(&count, arguments);
  return RUN_ALL_TESTS();
}

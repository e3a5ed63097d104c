// A site in memory, and a driver that answers a server machine's file queries from it.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "limpid/http/files.hpp"
#include "limpid/http/server.hpp"

namespace limpid::test {

struct SiteFile {
  std::string content;
  UnixTime modified{784111777};  // Sun, 06 Nov 1994 08:49:37 GMT
  std::uint64_t version = 7;
};

struct Site {
  std::map<std::string, SiteFile, std::less<>> files;
  std::set<std::string, std::less<>> directories;
  std::set<std::string, std::less<>> forbidden;
  std::map<std::uint32_t, std::string> open;
  std::uint32_t last_id = 0;

  http::Answer look_up(std::string_view path) {
    if (forbidden.contains(path)) return http::LookupFailure::forbidden;
    if (directories.contains(path)) return http::LookupFailure::is_directory;
    const auto file = files.find(path);
    if (file == files.end()) return http::LookupFailure::not_found;
    open[++last_id] = path;
    return http::Found{{last_id}, file->second.content.size(), file->second.modified, file->second.version};
  }
  // The file may have changed since it was looked up.
  Bytes read(const http::ReadFile& query) const {
    const auto file = files.find(query.path);
    if (file == files.end() || query.offset >= file->second.content.size()) return {};
    const Bytes rest = as_bytes(file->second.content).subspan(query.offset);
    return rest.first(std::min<std::size_t>(rest.size(), query.room));
  }
  http::Reply answer(const http::Lookup& query) { return {query.id, look_up(query.path)}; }
  http::Reply answer(const http::ReadFile& query) { return {query.id, http::Piece{read(query)}}; }
};

// Steps one server machine (http::Server or stack::Server) as a driver would and keeps what it did.
template <class Server>
class ServerDriver {
 public:
  using Event = typename Server::Event;
  using Action = typename Server::Action;

  ServerDriver(const typename Server::Config& config, Site& site) : config_(config), site_(site) {}

  // Offers bytes behind what was not consumed yet, and goes on as far as it goes.
  void receive(std::string_view text) {
    unconsumed += text;
    go_on();
  }
  void give(const Event& event) {
    step(event);
    go_on();
  }
  void go_on() {
    while (true) {
      const bool progressed = unconsumed.empty() ? step(Tick{}) : offer();
      if (wants == Wants::nothing) unconsumed.clear();
      if (wants == Wants::reply && answering) {
        if (const auto query = state.pending()) std::visit([&](const auto& q) { reply(q); }, *query);
        continue;
      }
      if (wants == Wants::room && credit_left() > 0) continue;
      if (more) continue;
      if (!progressed || unconsumed.empty()) return;
    }
  }
  template <class Query>
  void reply(const Query& query) {
    if constexpr (requires { site_.answer(query); }) step(site_.answer(query));
  }

  bool offer() {
    std::vector<Byte> copy(unconsumed.begin(), unconsumed.end());
    const std::size_t consumed = step(stream::Received{copy});
    unconsumed.erase(0, consumed);
    return consumed > 0;
  }

  std::size_t step(const Event& event) {
    std::vector<Byte> bytes(std::min(room_bytes, credit_left()));
    std::vector<Action> slots(room_actions);
    const auto progress = Server::advance(config_, state, now, event, {bytes, slots, budget});
    EXPECT_LE(progress.actions.size(), slots.size());
    if (progress.deadline) {
      EXPECT_GT(*progress.deadline, now.monotonic);
    }
    std::size_t in_this_step = 0;
    for (const Action& action : progress.actions) {
      EXPECT_FALSE(aborted) << "an action after Abort";
      std::visit(
          [&]<class A>(const A& a) {
            if constexpr (std::same_as<A, stream::Send>) {
              EXPECT_FALSE(finished) << "bytes after Finish";
              sent += as_text(a.bytes);
              in_this_step += a.bytes.size();
            } else if constexpr (std::same_as<A, stream::Finish>) {
              finished = true;
            } else if constexpr (std::same_as<A, stream::Abort>) {
              aborted = true;
            } else if constexpr (std::same_as<A, http::CloseFile>) {
              EXPECT_EQ(site_.open.erase(a.file.value), 1u);
            } else if constexpr (std::same_as<A, http::RequestServed>) {
              served.push_back(a);
            } else if constexpr (std::same_as<A, http::StaleReply>) {
              ++stale;
            }
          },
          action);
    }
    EXPECT_LE(in_this_step, bytes.size()) << "more bytes than credit";
    wants = progress.wants;
    more = progress.more;
    deadline = progress.deadline;
    return progress.consumed;
  }

  std::size_t credit_left() const { return credit > sent.size() ? credit - sent.size() : 0; }
  void pass(Duration time) {
    now.monotonic = now.monotonic + time;
    now.wall.seconds += time.microseconds / 1'000'000;
  }

  Budget budget{1 << 20};
  Server state{};
  Time now{{1'000'000}, {1763665992}};  // Thu, 20 Nov 2025 19:13:12 GMT
  std::size_t room_bytes = 1 << 16;
  std::size_t room_actions = Server::least_room.actions;
  std::size_t credit = SIZE_MAX;  // of bytes sent altogether
  bool answering = true;

  std::string unconsumed, sent;
  bool finished = false, aborted = false, more = false;
  std::vector<http::RequestServed> served;
  std::size_t stale = 0;
  Wants wants = Wants::event;
  std::optional<Instant> deadline;

 private:
  const typename Server::Config& config_;
  Site& site_;
};

}  // namespace limpid::test

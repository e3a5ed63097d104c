// Bytes from an HTTP client. The input is what it sends; behind a first pair of bytes FF FF stands a script that says
// in which pieces it comes, what else happens, and how the file system answers. Without a script it comes at once.
#include "fuzz/support/machine.hpp"
#include "limpid/http/server.hpp"

namespace limpid {
namespace {

constexpr Byte content[4096] = {'x'};

http::Reply answer(const http::Server::Query& query, Reader& script) {
  const std::uint8_t choice = script.u8();
  return std::visit(Overloaded{[&](const http::Lookup& lookup) -> http::Reply {
                                 if (choice % 4 == 3)
                                   return {lookup.id, http::LookupFailure{static_cast<std::uint8_t>(choice / 4 % 4)}};
                                 return {lookup.id, http::Found{{7}, script.u16(), UnixTime{1'700'000'000}, choice}};
                               },
                               [&](const http::ReadFile& read) -> http::Reply {
                                 const std::size_t size = choice == 0 ? sizeof content : choice == 1 ? 0 : choice * 16u;
                                 return {read.id,
                                         http::Piece{Bytes(content).first(std::min<std::size_t>(size, read.room))}};
                               }},
                    query);
}

}  // namespace
}  // namespace limpid

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace limpid;
  const Bytes input(data, size);
  fuzz::Scripted scripted(input);
  MutableBytes rest = scripted.sent.bytes();
  Reader& script = scripted.script;

  Budget budget(1 << 20), harness(std::size_t{1} << 30);
  const http::Server::Config config{
      .head = {}, .largest_discarded_body = 1000, .largest_piece = 1000, .list_folders = true};
  sim::Recorder<http::Server> recorder(config, budget, harness);
  bool reads = false;
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};

  const auto tell = [&](http::Server::Event event) {
    bool lawful = recorder.tell(now, std::move(event));
    for (int replies = 0; lawful && replies < 64; ++replies) {
      const auto query = recorder.state().pending();
      if (!query) break;
      reads = reads || std::holds_alternative<http::ReadFile>(*query);
      lawful = recorder.tell(now, answer(*query, script));
    }
    return lawful;
  };
  for (int steps = 0; steps < 64; ++steps) {
    bool lawful = true;
    if (script.empty()) {
      if (rest.empty()) break;
      lawful = tell(stream::Received{rest});
      rest = {};
    } else {
      const std::uint8_t op = script.u8();
      if (op < 200) {
        const std::size_t piece = std::min<std::size_t>(op, rest.size());
        lawful = tell(stream::Received{rest.first(piece)});
        rest = rest.subspan(piece);
      } else if (op < 220) {
        now.monotonic = now.monotonic + milliseconds(script.u16());
        lawful = tell(Tick{});
      } else if (op < 230) {
        lawful = tell(stream::PeerFinished{});
      } else if (op < 240) {
        lawful = tell(http::Reply{QueryId{script.u8()}, http::Piece{Bytes(content).first(3)}});
      } else if (op < 250) {
        lawful = tell(http::Drain{});
      } else {
        lawful = tell(stream::Reset{});
      }
    }
    if (!lawful) break;
  }
  // A piece of a file that does not fit is asked for again, which the trace of another room has no answer to.
  fuzz::check_trace<http::Server>(recorder, config, input, {.small_rooms_frame_alike = true, .less_room = !reads},
                                  harness);
  return 0;
}

// Bytes from an HTTP server to a client that asked. The input is what it sends; behind a first pair of bytes FF FF
// stands a script that says what was asked, in which pieces the answer comes, and what else happens. Without a script
// the client asked by GET, the answer comes at once and then the stream ends.
#include "fuzz/support/machine.hpp"
#include "limpid/http/client.hpp"

namespace limpid {
namespace {

// What a client is asked for, good and bad.
http::Fetch fetch(std::uint8_t choice) {
  return {.method = choice % 2 == 0 ? http::Method::get : http::Method::head,
          .target = as_bytes(choice % 8 < 6    ? "/a?b"
                             : choice % 8 == 6 ? ""
                                               : "/a b"),
          .host = as_bytes(choice < 0xf0 ? "example.com:8443" : "a\r\nb"),
          .header_lines = as_bytes(choice % 16 < 8 ? "" : "Accept: text/html\r\nHost: other\r\n")};
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
  const http::Client::Config config{.head = {.start_line = 200, .head = 1000, .fields = 12}, .interim_answers = 2};
  sim::Recorder<http::Client> recorder(config, budget, harness);
  Time now{Instant{seconds(1).microseconds}, UnixTime{1'800'000'000}};

  bool lawful = recorder.tell(now, fetch(script.empty() ? 0 : script.u8()));
  if (lawful && script.empty()) {
    lawful = recorder.tell(now, stream::Received{rest}) && recorder.tell(now, stream::PeerFinished{});
  }
  for (int steps = 0; lawful && steps < 64 && !(script.empty() && rest.empty()); ++steps) {
    const std::uint8_t op = script.empty() ? 199 : script.u8();
    if (op < 200) {
      const std::size_t piece = std::min<std::size_t>(op, rest.size());
      lawful = recorder.tell(now, stream::Received{rest.first(piece)});
      rest = rest.subspan(piece);
    } else if (op < 215) {
      now.monotonic = now.monotonic + milliseconds(script.u16());
      lawful = recorder.tell(now, Tick{});
    } else if (op < 230) {
      lawful = recorder.tell(now, stream::PeerFinished{});
    } else if (op < 240) {
      lawful = recorder.tell(now, http::Truncated{});
    } else if (op < 250) {
      lawful = recorder.tell(now, fetch(op));
    } else {
      lawful = recorder.tell(now, stream::Reset{});
    }
  }
  fuzz::check_trace<http::Client>(recorder, config, input, {.small_rooms_frame_alike = true}, harness);
  return 0;
}

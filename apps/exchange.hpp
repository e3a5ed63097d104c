// One HTTP request and its answer over one connection.
#pragma once

#include <functional>
#include <optional>
#include <span>
#include <string>

#include "common.hpp"
#include "limpid/effects/network.hpp"
#include "limpid/effects/recorder.hpp"
#include "limpid/stack/client.hpp"
#include "limpid/x509/certificate.hpp"
#include "url.hpp"

namespace limpid::apps {

// Whom to believe.
struct Trust {
  bool anybody = false;
  std::span<const x509::Certificate> anchors;
  std::string anchors_name;  // where they are from, in words
};

// "12.3 ms", from then to now.
std::string milliseconds_since(Instant begun);

struct Request {
  http::Method method = http::Method::get;
  std::string header_lines;  // each ended by CRLF
};

// Told as it goes. The first failure that one of them yields ends the exchange.
struct Listener {
  std::function<void(const std::string&)> say;  // what happens, in words, a line each
  std::function<Result<void>(Bytes)> head;      // of the final answer, as it came
  std::function<Result<void>(Bytes)> body;      // a piece of the content
  std::function<Result<void>(Bytes)> keys{};    // lines of a key log; nobody: none is kept
};

// Success means that the answer came whole, from whom it should. `recorder` may be null.
Result<void> exchange(effects::Stream& tcp, const Url& url, const Request& request, const Trust& trust,
                      const Listener& listener, effects::Recorder* recorder);

}  // namespace limpid::apps

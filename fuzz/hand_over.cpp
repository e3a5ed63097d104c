// What one process says to another that hands its connections over: every message, and a connection's two parts as if
// somebody who has the key had sealed them.
#include "fuzz/support/input.hpp"
#include "limpid/effects/worker.hpp"

namespace {

using namespace limpid;
using namespace limpid::effects;

template <class T>
void parse_and_encode(Bytes body) {
  Budget budget(1 << 22);
  const auto value = hand_over::parse<T>(body, budget);
  if (!value) return;
  Buffer again(budget);
  Writer out(again);
  encode(out, Instant{}, *value);
  fuzz::require(!out.failed() && out.written() == body, "what parses has one encoding");
}

// The first 24 bits say how much of the input is the machine; the rest is what the driver knew.
void weigh(Bytes input) {
  Reader in(input);
  const Bytes machine = in.vector24();
  if (in.failed()) return;
  Budget budget(1 << 24);
  const hand_over::Keys keys;
  const auto seal = [&](Bytes plaintext, std::uint32_t place) {
    return crypto::seal(plaintext, keys.key, stack::ClaimSeries::id(keys.first, place), {}, budget, {});
  };
  const auto sealed = seal(machine, 1), known = seal(in.take_rest(), 2);
  if (!sealed || !known) return;
  const hand_over::Connection arrived{1, false, {sealed->data(), sealed->size()}, {known->data(), known->size()}};
  static const auto folder = Directory::open("/");
  static const stack::Server::Config config;
  static Complaints complaints;
  const auto weight = Worker::weigh({.config = config, .site = *folder, .complaints = complaints}, arrived, keys);
  fuzz::require(!weight || *weight < (16 << 20), "what is opened on trial is bounded");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  const fuzz::Exact input(Bytes(data, size));
  parse_and_encode<hand_over::Hello>(input.bytes());
  parse_and_encode<hand_over::Offer>(input.bytes());
  parse_and_encode<hand_over::Refused>(input.bytes());
  parse_and_encode<hand_over::Keys>(input.bytes());
  parse_and_encode<hand_over::Listener>(input.bytes());
  parse_and_encode<hand_over::Connection>(input.bytes());
  parse_and_encode<hand_over::All>(input.bytes());
  weigh(input.bytes());
  return 0;
}

// xenstore's client, with a script for its owner and for a store that answers rightly, wrongly or with anything.
#include "limpid/xen_netfront/protocol/xenstore_client.hpp"

#include "fuzz/support/machine.hpp"

namespace {

using namespace limpid;
using namespace limpid::xen_netfront::xenstore;

void answer(Buffer& out, MessageType type, std::uint32_t id, Bytes payload) {
  Writer writer(out);
  MessageHeader{type, id, 0, static_cast<std::uint32_t>(payload.size())}.emit(writer);
  writer.bytes(payload);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using fuzz::require;
  const Bytes input(data, size);
  Reader script(input);
  const Client::Config config;
  Budget budget(1 << 20), harness(std::size_t{1} << 30);
  sim::Recorder<Client> recorder(config, budget, harness);
  const auto tell = [&](Client::Event event) { recorder.tell({}, std::move(event)); };
  const auto piece = [&] { return script.take(std::min<std::size_t>(script.u8(), script.remaining())); };

  for (int steps = 0; !script.empty() && steps < 200; ++steps) {
    Buffer received(harness);
    switch (script.u8() % 8) {
      case 0:
        tell(RingRoom{script.u16()});
        break;
      case 1: {
        const auto operation = static_cast<Operation>(script.u8() % 7);
        const Bytes path = piece();
        tell(Request{script.u32(), operation, as_text(path), piece()});
        break;
      }
      case 2: {
        Publish publish{.token = script.u32(), .assignments = {}};
        for (std::size_t count = script.u8() % 18; count > 0; --count) {
          const Bytes path = piece();
          publish.assignments.push_back({as_text(path), piece()});
        }
        tell(publish);
        break;
      }
      case 3: {  // anything
        require(received.append(piece()), "memory for the harness");
        break;
      }
      case 4: {  // a message of any type and id
        const auto type = static_cast<MessageType>(script.u8() % 18);
        const std::uint32_t id = script.u8();
        answer(received, type, id, piece());
        break;
      }
      case 5: {  // a transaction's start, with an id
        Byte number[] = {'1', 0};
        answer(received, MessageType::transaction_start, script.u8(), number);
        break;
      }
      case 6: {  // the same answer for many ids
        const auto type = static_cast<MessageType>(script.u8() % 18);
        const Bytes payload = piece();
        const std::uint32_t first = script.u8();
        for (std::uint32_t id = first; id < first + 40; ++id) answer(received, type, id, payload);
        break;
      }
      default:
        tell(ConnectionReset{});
    }
    if (!received.empty()) tell(stream::Received{fuzz::view(received)});
    const Client& client = recorder.state();
    require(client.unsent() <= Client::most_unsent && client.open() <= Client::most_open, "everything has a limit");
    require(!client.failed() || client.open() == 0, "nothing is open at a store that is lost");
  }
  fuzz::check_trace(recorder, config, input, {.budget = 1 << 20}, harness);
  return 0;
}

// A conversation with one connection in exact segments: what it receives, what it sends. Sequence numbers are relative:
// our text begins at 1, and so does the peer's.
#pragma once

#include <string>

#include "tests/tcpip/tcp/end.hpp"

namespace limpid::tcpip::tcp {

struct Said {
  std::string flags = ".";  // S F R P . (ACK) E W
  std::uint32_t seq = 1;
  std::uint32_t size = 0;  // of the text
  std::uint32_t ack = 1;
  std::optional<std::uint32_t> window{};  // as in the header; 1000 if the peer says nothing else
  std::vector<wire::SackBlock> sack{};
  std::optional<wire::TcpTimestamps> timestamps{};
  std::uint8_t ecn = 0;
};

class Talk : public End {
 public:
  static constexpr wire::SeqNumber iss = 5'000'000;
  static constexpr wire::SeqNumber irs = 0xfffffff0;  // wraps soon

  explicit Talk(Config c = {}, wire::TcpOptions options = {.mss = 1000, .sack_permitted = true},
                bool peer_has_ecn = false, std::uint16_t window = 10000)
      : End(c) {
    wire::TcpHeader syn;
    syn.source_port = there.port;
    syn.destination_port = here.port;
    syn.sequence = irs;
    syn.flags.syn = true;
    syn.flags.ece = syn.flags.cwr = peer_has_ecn;
    syn.window = window;
    syn.options = options;
    tell(Accept{{here, there, iss, 0, 1460}, syn});
    flush();
    handshake = sent.back();
    sent.clear();
    pass(milliseconds(20));
    receives({.window = window});
    EXPECT_TRUE(established);
    EXPECT_TRUE(sent.empty());
  }

  static wire::TcpFlags flags_of(const std::string& letters) {
    const auto has = [&](char letter) { return letters.find(letter) != std::string::npos; };
    return {has('F'), has('S'), has('R'), has('P'), has('.'), false, has('E'), has('W')};
  }

  void receives(const Said& said) { receives_quietly(said), flush(); }
  // Without a Flush behind it: as one of a batch.
  void receives_quietly(const Said& said) {
    Packet packet;
    packet.header.source_port = there.port;
    packet.header.destination_port = here.port;
    packet.header.sequence = irs + said.seq;
    packet.header.acknowledgment = iss + said.ack;
    packet.header.flags = flags_of(said.flags);
    packet.header.window = static_cast<std::uint16_t>(said.window.value_or(10000));
    for (const auto& block : said.sack) packet.header.options.sack.push_back({iss + block.left, iss + block.right});
    packet.header.options.timestamps = said.timestamps;
    packet.payload = stream_piece(1, said.seq - 1, said.size);
    packet.ecn = said.ecn;
    arrive(std::move(packet));
  }

  // The next segment that was sent, and that it is this one. What `window`, `sack` and `timestamps` are is judged if
  // said.
  void sends(const Said& said) {
    ASSERT_FALSE(sent.empty()) << "nothing was sent";
    const Packet packet = std::move(sent.front());
    sent.pop_front();
    const auto& h = packet.header;
    EXPECT_EQ(h.flags, flags_of(said.flags)) << int{h.flags.byte()};
    EXPECT_EQ(h.sequence - iss, said.seq);
    EXPECT_EQ(packet.payload.size(), said.size);
    if (h.flags.ack) {
      EXPECT_EQ(h.acknowledgment - irs, said.ack);
    }
    if (said.window) {
      EXPECT_EQ(h.window, *said.window);
    }
    std::vector<wire::SackBlock> blocks;
    for (const auto& block : h.options.sack) blocks.push_back({block.left - irs, block.right - irs});
    EXPECT_EQ(blocks, said.sack) << blocks.size();
    if (said.timestamps) {
      EXPECT_EQ(h.options.timestamps, said.timestamps);
    }
    EXPECT_EQ(packet.ecn, said.ecn);
    EXPECT_EQ(packet.payload, stream_piece(0, said.seq - 1, packet.payload.size()));
  }
  void sends_nothing() {
    EXPECT_TRUE(sent.empty()) << "seq " << sent.front().header.sequence - iss << " size " << sent.front().payload.size()
                              << " flags " << int{sent.front().header.flags.byte()};
  }

  // The application writes n bytes more.
  void writes(std::size_t n) {
    EXPECT_EQ(write(stream_piece(0, written, n)), n);
    written += n;
    flush();
  }
  void finishes() { tell(Finish{}), flush(); }

  // Whatever comes by itself within this time.
  void waits(Duration d) {
    const Instant stop = now + d;
    while (now < stop) wait(stop - now);
  }

  // The peer's window opens: so many bytes are in flight or were acknowledged, as many segments of 1000.
  Packet handshake;
  std::size_t written = 0;
};

}  // namespace limpid::tcpip::tcp

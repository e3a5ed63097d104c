// Every rule of the oracle catches a violation that is planted for it, and nothing in what is right.
#include "limpid/sim/oracle.hpp"

#include <gtest/gtest.h>

#include <functional>
#include <map>
#include <string>

#include "limpid/tcpip/wire/arp.hpp"
#include "limpid/tcpip/wire/checksum.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"
#include "limpid/tcpip/wire/ipv6.hpp"
#include "limpid/tcpip/wire/ndp.hpp"
#include "limpid/tcpip/wire/udp.hpp"

namespace limpid::sim {
namespace {

using namespace tcpip;
using namespace tcpip::wire;

constexpr MacAddress mac[2] = {{{2, 0, 0, 0, 0, 1}}, {{2, 0, 0, 0, 0, 2}}};
const IpAddress v4[2] = {IpAddress::v4(0x0a090001u), IpAddress::v4(0x0a090002u)};
const IpAddress v6[2] = {*parse_ip_address("fd00:9::1"), *parse_ip_address("fd00:9::2")};
constexpr std::uint16_t port[2] = {40000, 80};
constexpr int client = 0, server = 1;

using Frame = std::vector<Byte>;

template <class... Pieces>
Frame bytes_of(const Pieces&... pieces) {
  Frame room(70'000);
  Writer out(room);
  const auto put = [&](const auto& piece) {
    if constexpr (std::is_convertible_v<decltype(piece), Bytes>) {
      out.bytes(piece);
    } else {
      piece.emit(out);
    }
  };
  (put(pieces), ...);
  room.resize(out.size());
  return room;
}

Frame ethernet(int from, EtherType type, const Frame& packet) {
  return bytes_of(EthernetHeader{mac[1 - from], mac[from], type}, packet);
}

// Two ends that talk by hand. Sequence numbers are offsets from initial ones that wrap soon; times are milliseconds.
class Talk {
 public:
  explicit Talk(View view = View::whole) : budget(1 << 24), oracle({.view = view}, budget) {}

  static constexpr std::uint32_t iss[2] = {0xfffffff0u, 0x80001000u};

  TcpHeader header(int from) {
    TcpHeader header{.source_port = port[from], .destination_port = port[1 - from]};
    header.sequence = iss[from] + sent[from];
    header.acknowledgment = iss[1 - from] + got[from];
    header.flags.ack = true;
    header.window = 15'000;
    if (timestamps) header.options.timestamps = TcpTimestamps{stamp(from), seen_stamp[from]};
    return header;
  }
  std::uint32_t stamp(int from) const {
    return 0xffffff00u + 1000u * static_cast<std::uint32_t>(from) + static_cast<std::uint32_t>(now);
  }

  static Frame tcp_frame(int from, const TcpHeader& header, std::string_view payload, Ipv4Header ip = {}) {
    Frame segment = bytes_of(header, as_bytes(payload));
    const std::uint16_t sum = transport_checksum(v4[from], v4[1 - from], Protocol::tcp, segment);
    segment[16] = static_cast<Byte>(sum >> 8);
    segment[17] = static_cast<Byte>(sum);
    ip.total_length = static_cast<std::uint16_t>(20 + segment.size());
    ip.dont_fragment = true;
    ip.protocol = Protocol::tcp;
    ip.source = v4[from];
    ip.destination = v4[1 - from];
    return ethernet(from, EtherType::ipv4, bytes_of(ip, segment));
  }

  // On its way, and, unless it is lost, there.
  void put(const Frame& frame, bool arrives = true) {
    const SeenFrame seen{++number, Instant{now * 1000}, frame, frame.size()};
    oracle.sent(seen);
    if (arrives) oracle.received(seen);
  }
  void segment(int from, const TcpHeader& header, std::string_view payload = {}, bool arrives = true) {
    put(tcp_frame(from, header, payload), arrives);
    const std::uint32_t end = header.sequence - iss[from] + header.sequence_length(payload.size());
    if (static_cast<std::int32_t>(end - sent[from]) > 0) sent[from] = end;
    if (!arrives) return;
    if (header.options.timestamps) seen_stamp[1 - from] = header.options.timestamps->value;
    if (header.sequence - iss[from] == got[1 - from]) got[1 - from] = end;
  }
  void say(int from, std::string_view payload = {}, bool arrives = true) {
    segment(from, header(from), payload, arrives);
  }

  void handshake(std::uint16_t window = 60'000) {
    TcpHeader syn = header(client);
    syn.acknowledgment = 0;
    syn.flags = {.syn = true};
    syn.options = {.mss = 1000, .window_scale = 2, .sack_permitted = true};
    if (timestamps) syn.options.timestamps = TcpTimestamps{stamp(client), 0};
    segment(client, syn);
    now += 10;
    TcpHeader answer = header(server);
    answer.flags = {.syn = true, .ack = true};
    answer.window = window;
    answer.options = {.mss = 1000, .window_scale = 2, .sack_permitted = true};
    if (timestamps) answer.options.timestamps = TcpTimestamps{stamp(server), seen_stamp[server]};
    segment(server, answer);
    now += 10;
    say(client);
    now += 10;
  }

  Budget budget;
  Oracle oracle;
  std::int64_t now = 1000;
  std::uint64_t number = 0;
  std::uint32_t sent[2] = {}, got[2] = {};
  bool timestamps = false;
  std::uint32_t seen_stamp[2] = {};
};

Frame arp_request(int from, const IpAddress& target, const MacAddress& sender) {
  return bytes_of(EthernetHeader{broadcast_mac, mac[from], EtherType::arp},
                  ArpPacket{ArpOperation::request, sender, v4[from], {}, target});
}

std::string told(const OracleReport& report) {
  Byte room[2000];
  std::string all;
  for (const Violation& violation : report.violations()) {
    Writer out{MutableBytes(room)};
    write_text(out, violation);
    all += std::string(as_text(out.written())) + "\n";
  }
  return all;
}

TEST(Oracle, ARightConversationIsRight) {
  for (const View view : {View::whole, View::tapped}) {
    for (const bool timestamps : {false, true}) {
      Talk talk(view);
      talk.timestamps = timestamps;
      talk.handshake();
      for (int i = 0; i < 100; ++i) {
        talk.say(client, "ping");
        talk.now += 5;
        talk.say(server, "pong pong");
        talk.now += 5;
        talk.say(client);
        talk.now += 5;
      }
      TcpHeader fin = talk.header(client);
      fin.flags.fin = true;
      talk.segment(client, fin);
      talk.say(server);
      fin = talk.header(server);
      fin.flags.fin = true;
      talk.segment(server, fin);
      talk.say(client);
      talk.oracle.finish(Instant{talk.now * 1000 + 10'000'000});
      EXPECT_EQ(talk.oracle.report().total(), 0u) << told(talk.oracle.report());
      EXPECT_EQ(talk.oracle.report().connections, 1u);
      EXPECT_EQ(talk.oracle.report().not_judged, 0u);
    }
  }
}

TEST(Oracle, LossesAndRepairsAreRight) {
  Talk talk;
  talk.timestamps = true;
  talk.handshake();
  const std::string mss(988, 'x');
  const TcpHeader first = talk.header(client);
  talk.segment(client, first, mss, false);
  talk.say(client, mss);
  talk.now += 1;
  TcpHeader duplicate = talk.header(server);
  duplicate.options.sack = {{Talk::iss[0] + 1 + 988, Talk::iss[0] + 1 + 2 * 988}};
  talk.segment(server, duplicate);
  talk.now += 1;
  TcpHeader again = first;
  again.options.timestamps->value = talk.stamp(client);
  talk.segment(client, again, mss);
  talk.now += 1;
  talk.got[server] = 1 + 2 * 988;
  talk.say(server);
  // What came twice is reported so (RFC 2883).
  talk.segment(client, again, mss);
  TcpHeader twice = talk.header(server);
  twice.options.sack = {{Talk::iss[0] + 1, Talk::iss[0] + 1 + 988}};
  talk.segment(server, twice);
  EXPECT_EQ(talk.oracle.report().total(), 0u) << told(talk.oracle.report());
}

TEST(Oracle, TimeOutsThatBackOffAreRight) {
  Talk talk;
  talk.handshake();
  const TcpHeader lost = talk.header(client);
  talk.segment(client, lost, "x", false);
  std::int64_t rto = 200;
  talk.now += 50;
  talk.segment(client, lost, "x", false);  // a probe
  for (int i = 0; i < 12; ++i) {
    talk.now += rto;
    talk.segment(client, lost, "x", false);
    rto = std::min<std::int64_t>(2 * rto, 60'000);
  }
  EXPECT_EQ(talk.oracle.report().total(), 0u) << told(talk.oracle.report());
}

TEST(Oracle, TimeOutsThatMeetAnUnknownNextHopAreRight) {
  // The clock of the time-outs goes on: those after 200, 600, 1400, 3000 and 6200 ms are sent, but the third is dropped
  // and the fourth is sent 1900 ms late, when the address is known. What does not back off is still found afterwards.
  Talk talk;
  talk.handshake();
  const TcpHeader lost = talk.header(client);
  const std::int64_t begun = talk.now;
  const auto at = [&](std::int64_t when) {
    talk.now = begun + when;
    talk.segment(client, lost, "x", false);
  };
  for (const int when : {0, 200, 600}) at(when);
  talk.now = begun + 1400;
  talk.put(arp_request(client, v4[1], mac[0]), false);
  for (const int when : {4900, 6200, 12'600, 25'400, 51'000}) at(when);
  EXPECT_EQ(talk.oracle.report().total(), 0u) << told(talk.oracle.report());
  at(76'600);
  EXPECT_EQ(talk.oracle.report().count(Rule::back_off), 1u) << told(talk.oracle.report());
}

TEST(Oracle, ACaptureThatBeginsLateIsNotJudged) {
  Talk talk(View::tapped);
  talk.say(client, "in the middle of something");
  talk.say(server);
  EXPECT_EQ(talk.oracle.report().total(), 0u);
  EXPECT_EQ(talk.oracle.report().not_judged, 2u);
}

TEST(Oracle, ATapToleratesWhatIsLeftToADevice) {
  Talk talk(View::tapped);
  talk.handshake();
  Frame frame = Talk::tcp_frame(client, talk.header(client), std::string(3000, 'x'));
  const std::uint16_t left = pseudo_header(v4[0], v4[1], Protocol::tcp, 3020).sum();
  frame[14 + 20 + 16] = static_cast<Byte>(left >> 8);
  frame[14 + 20 + 17] = static_cast<Byte>(left);
  talk.put(frame);
  EXPECT_EQ(talk.oracle.report().total(), 0u) << told(talk.oracle.report());
  EXPECT_EQ(talk.oracle.report().offloaded_checksums, 1u);
  EXPECT_EQ(talk.oracle.report().superframes, 1u);
}

template <class Message>
Frame nd_frame(int from, const IpAddress& source, const IpAddress& destination, const Message& message,
               std::uint8_t hop_limit = 255) {
  Frame icmp = bytes_of(message);
  const std::uint16_t sum = transport_checksum(source, destination, Protocol::icmpv6, icmp);
  icmp[2] = static_cast<Byte>(sum >> 8);
  icmp[3] = static_cast<Byte>(sum);
  const Ipv6Header ip{.payload_length = static_cast<std::uint16_t>(icmp.size()),
                      .next_header = Protocol::icmpv6,
                      .hop_limit = hop_limit,
                      .source = source,
                      .destination = destination};
  return ethernet(from, EtherType::ipv6, bytes_of(ip, icmp));
}

Frame fragment(std::uint16_t identification, std::string_view text) {
  const Ipv4Header ip{.total_length = static_cast<std::uint16_t>(20 + text.size()),
                      .identification = identification,
                      .more_fragments = true,
                      .protocol = Protocol::udp,
                      .source = v4[0],
                      .destination = v4[1]};
  return ethernet(client, EtherType::ipv4, bytes_of(ip, as_bytes(text)));
}

using Plant = std::function<void(Talk&)>;

std::map<Rule, Plant> plants() {
  std::map<Rule, Plant> all;
  // A conversation in which something goes wrong after the handshake.
  const auto in_conversation = [&](Rule rule, const Plant& wrong, bool timestamps = false) {
    all[rule] = [=](Talk& talk) {
      talk.timestamps = timestamps;
      talk.handshake();
      wrong(talk);
    };
  };
  // One segment of the client's is altered.
  const auto altered = [&](Rule rule, const std::function<void(Talk&, TcpHeader&)>& alter, bool timestamps = false) {
    in_conversation(
        rule,
        [=](Talk& talk) {
          TcpHeader header = talk.header(client);
          alter(talk, header);
          talk.segment(client, header);
        },
        timestamps);
  };

  all[Rule::frame_truncated] = [](Talk& talk) { talk.put(Frame(13)); };
  all[Rule::group_source] = [](Talk& talk) {
    Frame frame = nd_frame(client, v6[0], v6[1], NeighborAdvertisement{.target = v6[0]});
    frame[6] = 1;
    talk.put(frame);
  };
  all[Rule::ip_header] = [](Talk& talk) {
    Frame frame = Talk::tcp_frame(client, talk.header(client), {});
    frame[14 + 10] ^= 1;
    talk.put(frame);
  };
  all[Rule::ip_time_to_live] = [](Talk& talk) {
    talk.put(Talk::tcp_frame(client, talk.header(client), {}, {.time_to_live = 0}));
  };
  all[Rule::ip_source] = [](Talk& talk) {
    const Ipv4Header ip{
        .total_length = 20, .protocol = Protocol::igmp, .source = IpAddress::v4(0xe0000001u), .destination = v4[1]};
    talk.put(ethernet(client, EtherType::ipv4, bytes_of(ip)));
  };
  all[Rule::ip_land] = [](Talk& talk) {
    const Ipv4Header ip{.total_length = 20, .protocol = Protocol::igmp, .source = v4[1], .destination = v4[1]};
    talk.put(ethernet(client, EtherType::ipv4, bytes_of(ip)));
  };
  all[Rule::fragment_identification] = [](Talk& talk) {
    talk.put(fragment(7, "fragment"));
    talk.put(fragment(7, "fragment"));
    talk.put(fragment(8, "fragmenT"));
    talk.put(fragment(7, "fragmenT"));
  };
  all[Rule::transport_checksum] = [](Talk& talk) {
    Frame frame = Talk::tcp_frame(client, talk.header(client), "x");
    frame.back() ^= 1;
    talk.put(frame);
  };
  all[Rule::udp_checksum_missing] = [](Talk& talk) {
    const Ipv6Header ip{.payload_length = 8, .next_header = Protocol::udp, .source = v6[0], .destination = v6[1]};
    talk.put(ethernet(client, EtherType::ipv6, bytes_of(ip, UdpHeader{1, 2, 8, 0})));
  };
  all[Rule::transport_header] = [](Talk& talk) {
    const Ipv4Header ip{.total_length = 30, .protocol = Protocol::tcp, .source = v4[0], .destination = v4[1]};
    talk.put(ethernet(client, EtherType::ipv4, bytes_of(ip, Frame(10))));
  };
  all[Rule::arp_sender] = [](Talk& talk) { talk.put(arp_request(client, v4[1], mac[1])); };
  all[Rule::arp_rate] = [](Talk& talk) {
    for (const int pause : {0, 1000, 500}) {
      talk.now += pause;
      talk.put(arp_request(client, v4[1], mac[0]));
    }
  };
  all[Rule::nd_hop_limit] = [](Talk& talk) {
    talk.put(nd_frame(client, v6[0], v6[1], NeighborSolicitation{v6[1], {}}, 64));
  };
  all[Rule::nd_message] = [](Talk& talk) {
    const NeighborSolicitation with_address{v6[1], {.source_link_layer_address = mac[0]}};
    talk.put(nd_frame(client, any_ipv6, *parse_ip_address("ff02::1:ff00:2"), with_address));
  };
  all[Rule::nd_rate] = [](Talk& talk) {
    for (const int pause : {0, 1000, 500}) {
      talk.now += pause;
      talk.put(nd_frame(client, v6[0], v6[1], NeighborSolicitation{v6[1], {}}));
    }
  };

  in_conversation(Rule::tcp_options, [](Talk& talk) {
    Frame frame = Talk::tcp_frame(client, talk.header(client), {});
    // Four bytes of options: a maximum segment size of length 5.
    Frame segment(frame.begin() + 34, frame.end());
    segment.insert(segment.end(), {2, 5, 0, 0});
    segment[12] = 0x60;
    segment[16] = segment[17] = 0;
    const std::uint16_t sum = transport_checksum(v4[0], v4[1], Protocol::tcp, segment);
    segment[16] = static_cast<Byte>(sum >> 8);
    segment[17] = static_cast<Byte>(sum);
    const Ipv4Header ip{.total_length = 44, .protocol = Protocol::tcp, .source = v4[0], .destination = v4[1]};
    talk.put(ethernet(client, EtherType::ipv4, bytes_of(ip, segment)));
  });
  all[Rule::syn_sequence] = [](Talk& talk) {
    talk.handshake();
    TcpHeader answer = talk.header(server);
    answer.sequence += 5;
    answer.flags = {.syn = true, .ack = true};
    answer.options = {.mss = 1000, .window_scale = 2, .sack_permitted = true};
    talk.segment(server, answer, {}, false);
  };
  all[Rule::syn_acknowledgment] = [](Talk& talk) {
    TcpHeader syn = talk.header(client);
    syn.flags = {.syn = true};
    talk.segment(client, syn);
    TcpHeader answer = talk.header(server);
    answer.acknowledgment -= 1;
    answer.flags = {.syn = true, .ack = true};
    talk.segment(server, answer);
  };
  altered(Rule::syn_options, [](Talk&, TcpHeader& header) { header.options.mss = 1000; });
  altered(Rule::ack_missing, [](Talk&, TcpHeader& header) { header.flags.ack = false; });
  altered(Rule::ack_beyond_received, [](Talk&, TcpHeader& header) { header.acknowledgment += 1; });
  in_conversation(Rule::ack_backwards, [](Talk& talk) {
    talk.say(server, "data");
    talk.say(client);
    TcpHeader header = talk.header(client);
    header.acknowledgment -= 4;
    header.window = 15'001;
    talk.segment(client, header);
  });
  in_conversation(Rule::ack_delayed, [](Talk& talk) {
    talk.say(client, "data");
    talk.now += 501;
    talk.say(server);
  });
  in_conversation(Rule::ack_frequency, [](Talk& talk) {
    for (int i = 0; i < 3; ++i) {
      talk.say(client, std::string(1000, 'x'));
      talk.now += 1;
    }
    talk.say(server);
  });
  in_conversation(Rule::bytes_changed, [](Talk& talk) {
    const TcpHeader header = talk.header(client);
    talk.segment(client, header, "data");
    talk.say(server);
    talk.segment(client, header, "dates");
    talk.say(server);
  });
  all[Rule::beyond_window] = [](Talk& talk) {
    talk.handshake(1000);
    talk.say(client, std::string(1000, 'x'), false);
    talk.say(client, "x", false);  // a probe
    talk.say(client, "xx", false);
  };
  in_conversation(Rule::window_shrunk, [](Talk& talk) {
    talk.say(server);
    TcpHeader header = talk.header(server);
    header.window = 14'999;
    talk.segment(server, header);
  });
  in_conversation(Rule::beyond_fin, [](Talk& talk) {
    TcpHeader fin = talk.header(client);
    fin.flags.fin = true;
    talk.segment(client, fin);
    talk.say(server);
    talk.say(client, "x", false);
  });
  in_conversation(Rule::fin_moved, [](Talk& talk) {
    const TcpHeader header = talk.header(client);
    talk.segment(client, header, "data");
    talk.say(server);
    TcpHeader fin = header;
    fin.flags.fin = true;
    talk.segment(client, fin, "da", false);
  });
  in_conversation(Rule::data_after_reset, [](Talk& talk) {
    TcpHeader reset = talk.header(client);
    reset.flags.rst = true;
    talk.segment(client, reset);
    talk.say(client, "x", false);
  });
  in_conversation(Rule::segment_size, [](Talk& talk) {
    talk.say(client, std::string(1001, 'x'));
    talk.say(server);
  });
  in_conversation(Rule::initial_window, [](Talk& talk) {
    for (int i = 0; i < 16; ++i) talk.say(client, std::string(1000, 'x'), false);
  });
  in_conversation(Rule::early_retransmission, [](Talk& talk) {
    const TcpHeader header = talk.header(client);
    for (int i = 0; i < 3; ++i) {
      talk.segment(client, header, "x", false);
      talk.now += 40;
    }
  });
  in_conversation(Rule::back_off, [](Talk& talk) {
    const TcpHeader header = talk.header(client);
    for (const int pause : {0, 250, 500, 1000, 1000}) {
      talk.now += pause;
      talk.segment(client, header, "x", false);
    }
  });
  altered(Rule::reset_sequence, [](Talk&, TcpHeader& header) {
    header.flags = {.rst = true};
    header.sequence += 77;
  });
  all[Rule::sack_not_permitted] = [](Talk& talk) {
    TcpHeader syn = talk.header(client);
    syn.flags = {.syn = true};
    talk.segment(client, syn);
    TcpHeader answer = talk.header(server);
    answer.flags = {.syn = true, .ack = true};
    talk.segment(server, answer);
    const TcpHeader lost = talk.header(server);
    talk.segment(server, lost, "lost", false);
    talk.say(server, "data");
    TcpHeader header = talk.header(client);
    header.options.sack = {{Talk::iss[1] + 5, Talk::iss[1] + 9}};
    talk.segment(client, header);
  };
  in_conversation(Rule::sack_untruthful, [](Talk& talk) {
    talk.say(server, "lost", false);
    talk.say(server, "lost", false);
    talk.say(server, "data");
    TcpHeader header = talk.header(client);
    header.options.sack = {{Talk::iss[1] + 5, Talk::iss[1] + 13}};
    talk.segment(client, header);
  });
  in_conversation(Rule::sack_first_block, [](Talk& talk) {
    talk.say(server, "lost", false);
    talk.say(server, "data");
    talk.say(server, "lost", false);
    talk.say(server, "data");
    TcpHeader header = talk.header(client);
    header.options.sack = {{Talk::iss[1] + 5, Talk::iss[1] + 9}};
    talk.segment(client, header);
  });
  altered(Rule::timestamps_not_negotiated,
          [](Talk& talk, TcpHeader& header) { header.options.timestamps = TcpTimestamps{talk.stamp(client), 0}; });
  altered(Rule::timestamps_missing, [](Talk&, TcpHeader& header) { header.options.timestamps.reset(); }, true);
  altered(Rule::timestamps_backwards, [](Talk&, TcpHeader& header) { header.options.timestamps->value -= 11; }, true);
  altered(Rule::timestamps_echo, [](Talk&, TcpHeader& header) { header.options.timestamps->echo += 1; }, true);
  return all;
}

class PlantedViolation : public testing::TestWithParam<std::size_t> {};

TEST_P(PlantedViolation, IsCaughtAndNothingElse) {
  const auto rule = static_cast<Rule>(GetParam());
  const auto all = plants();
  ASSERT_TRUE(all.contains(rule)) << name(rule) << " has no planted violation";
  Talk talk;
  all.at(rule)(talk);
  const auto& report = talk.oracle.report();
  EXPECT_EQ(report.count(rule), 1u) << told(report);
  EXPECT_EQ(report.total(), 1u) << told(report);
  EXPECT_NE(told(report).find(std::string(name(rule))), std::string::npos);
  EXPECT_FALSE(sentence(rule).empty());
}

INSTANTIATE_TEST_SUITE_P(Oracle, PlantedViolation, testing::Range(std::size_t{0}, rule_count),
                         [](const auto& one) { return std::string(name(static_cast<Rule>(one.param))); });

TEST(Oracle, ShortMemoryJudgesLessAndBreaksNothing) {
  for (std::size_t limit = 0; limit < 6000; limit += 200) {
    Budget budget(limit);
    Oracle oracle({}, budget);
    Talk talk;
    talk.handshake();
    for (int i = 0; i < 3; ++i) {
      const Frame frame = Talk::tcp_frame(i % 2, talk.header(i % 2), "some data");
      oracle.sent({1, Instant{}, frame, frame.size()});
      oracle.received({1, Instant{}, frame, frame.size()});
    }
  }
}

TEST(Oracle, ManyConnectionsAreKeptApart) {
  Budget budget(std::size_t{1} << 26);
  Oracle oracle({.most_connections = 1000}, budget);
  for (std::uint16_t i = 1; i <= 1100; ++i) {
    const Frame frame = Talk::tcp_frame(client, {.source_port = i, .destination_port = 80, .flags = {.syn = true}}, {});
    oracle.sent({i, Instant{}, frame, frame.size()});
  }
  EXPECT_EQ(oracle.report().connections, 1000u);
  EXPECT_EQ(oracle.report().not_judged, 100u);
}

}  // namespace
}  // namespace limpid::sim

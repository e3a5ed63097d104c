// Steps a resolver as its host would, and plays its servers.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "limpid/tcpip/dns/resolver.hpp"

namespace limpid::tcpip::dns {

inline constexpr IpAddress first_server = IpAddress::v4({10, 9, 0, 1});
inline constexpr IpAddress second_server = IpAddress::v4({10, 9, 0, 2});

inline std::string text_of(const Name& name) {
  std::vector<Byte> room(512);
  Writer out{MutableBytes(room)};
  name.describe(out);
  return std::string(as_text(out.written()));
}

// A question that was sent.
struct Asked {
  stream::Endpoint server;
  std::uint16_t port = 0;           // by UDP
  std::optional<QueryId> over_tcp;  // or by TCP
  Header header;
  Question question;
  std::string name() const { return text_of(question.name); }
};

// An answer, written by hand.
class Answer {
 public:
  explicit Answer(const Asked& asked) : asked_(asked) {
    header = asked.header;
    header.response = true;
    header.recursion_available = true;
    question = asked.question;
  }
  Answer& a(std::string_view owner, std::array<Byte, 4> address, std::uint32_t ttl = 300) {
    return record(owner, RecordType::a, ttl, Bytes(address));
  }
  Answer& aaaa(std::string_view owner, std::string_view address, std::uint32_t ttl = 300) {
    return record(owner, RecordType::aaaa, ttl, parse_ip_address(address)->octets);
  }
  Answer& cname(std::string_view owner, std::string_view target, std::uint32_t ttl = 300) {
    return record(owner, RecordType::cname, ttl, Name::from_text(target)->wire());
  }
  Answer& record(std::string_view owner, RecordType type, std::uint32_t ttl, Bytes data,
                 std::uint16_t record_class = internet_class) {
    std::vector<Byte> room(70000);
    Writer out{MutableBytes(room)};
    Name::from_text(owner)->emit(out);
    out.u16(static_cast<std::uint16_t>(type));
    out.u16(record_class);
    out.u32(ttl);
    out.vector16([&] { out.bytes(data); });
    EXPECT_FALSE(out.failed());
    records_.insert(records_.end(), out.written().begin(), out.written().end());
    ++header.answers;
    return *this;
  }
  Answer& code(ResponseCode which) {
    header.code = which;
    return *this;
  }
  Answer& truncated() {
    header.truncated = true;
    return *this;
  }
  std::vector<Byte> bytes() const {
    std::vector<Byte> room(512);
    Writer out{MutableBytes(room)};
    header.emit(out);
    if (question) question->emit(out);
    std::vector<Byte> all(out.written().begin(), out.written().end());
    all.insert(all.end(), records_.begin(), records_.end());
    return all;
  }
  // Behind its length, as on TCP.
  std::vector<Byte> framed() const {
    const std::vector<Byte> message = bytes();
    std::vector<Byte> all{static_cast<Byte>(message.size() >> 8), static_cast<Byte>(message.size())};
    all.insert(all.end(), message.begin(), message.end());
    return all;
  }
  const Asked& asked() const { return asked_; }

  Header header;
  std::optional<Question> question;

 private:
  Asked asked_;
  std::vector<Byte> records_;
};

class Driver {
 public:
  Driver() {
    tell(Started{{7}});
    tell(Servers{{first_server, second_server}});
  }

  // Tells one event until all of it is done, and sorts what it caused.
  void tell(Resolver::Event event) {
    asked.clear();
    closed.clear();
    resolved.clear();
    std::vector<Byte> room(room_bytes);
    std::vector<Resolver::Action> slots(Resolver::least_room.actions);
    for (bool more = true; more;) {
      const auto progress = Resolver::advance(config, resolver, {now, {}}, event, {room, slots, budget});
      for (const Resolver::Action& action : progress.actions) std::visit([this](const auto& a) { on(a); }, action);
      if (progress.consumed == 1) event = Tick{};
      more = progress.more;
      EXPECT_TRUE(more || progress.consumed == 1);
      deadline = progress.deadline;
      EXPECT_GT(deadline.value_or(now + seconds(1)), now);
    }
  }

  void resolve(std::string_view name, Family family = Family::ipv4, std::uint32_t token = 1) {
    tell(Resolve{token, name, family});
  }
  void answer(const Answer& answer) {
    const std::vector<Byte> bytes = answer.bytes();
    tell(Datagram{answer.asked().server, answer.asked().port, bytes});
  }
  void answer_over_tcp(const Answer& answer) {
    const std::vector<Byte> bytes = answer.framed();
    tell(TcpReceived{answer.asked().over_tcp.value_or(QueryId{}), bytes});
  }
  // Sleeps until the resolver wants to wake; how long that was.
  Duration wake() {
    EXPECT_TRUE(deadline);
    const Duration slept = deadline.value_or(now) - now;
    now = deadline.value_or(now);
    tell(Tick{});
    return slept;
  }

  Resolver::Config config{};
  Budget budget{1 << 20};
  Resolver resolver;
  Instant now = Instant{} + seconds(100);
  std::optional<Instant> deadline;
  std::size_t room_bytes = Resolver::least_room.bytes;

  std::vector<Asked> asked;
  std::vector<QueryId> closed;
  std::vector<Resolved> resolved;

 private:
  void on(const SendDatagram& send) {
    EXPECT_TRUE(resolver.listens_at(send.source_port));
    asked.push_back(parse(send.message));
    asked.back().server = send.server;
    asked.back().port = send.source_port;
  }
  void on(const AskOverTcp& ask) {
    Reader in(ask.bytes);
    asked.push_back(parse(in.vector16()));
    EXPECT_TRUE(in.finished());
    asked.back().server = ask.server;
    asked.back().over_tcp = ask.question;
  }
  void on(const CloseTcp& close) { closed.push_back(close.question); }
  void on(const Resolved& done) { resolved.push_back(done); }

  static Asked parse(Bytes message) {
    Asked asked;
    Reader in(message);
    asked.header = Header::parse(in).value();
    asked.question = Question::parse(message, in).value();
    EXPECT_TRUE(in.finished());
    return asked;
  }
};

}  // namespace limpid::tcpip::dns

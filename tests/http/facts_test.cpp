// What the machines report and are told survives a recording; no other values do.
#include <gtest/gtest.h>

#include "limpid/http/client.hpp"
#include "limpid/http/server.hpp"

namespace limpid::http {
namespace {

// Whether `value` is decoded from its encoding, to the same encoding.
template <class T>
bool survives(const T& value) {
  Budget budget(1 << 16);
  Buffer encoded(budget), again(budget);
  Writer out(encoded), out_again(again);
  encode(out, Instant{}, value);
  Reader in(Bytes(encoded.data(), encoded.size()));
  T decoded{};
  if (!decode(in, {Instant{}, budget}, decoded)) return false;
  EXPECT_TRUE(in.finished());
  encode(out_again, Instant{}, decoded);
  EXPECT_EQ(Bytes(again.data(), again.size()), Bytes(encoded.data(), encoded.size()));
  return true;
}

template <class Enum>
void only_up_to(Enum last, std::string_view (*describe)(Enum) = nullptr) {
  for (unsigned value = 0; value < 256; ++value) {
    EXPECT_EQ(survives(static_cast<Enum>(value)), value <= static_cast<unsigned>(last)) << value;
    if (describe != nullptr) {
      EXPECT_EQ(describe(static_cast<Enum>(value)).empty(), value > static_cast<unsigned>(last)) << value;
    }
  }
}

TEST(HttpFacts, EnumerationsHoldTheirValuesOnly) {
  only_up_to(Method::other);
  only_up_to(Abandoned::reset);
  only_up_to(LookupFailure::failed);
  only_up_to(ContentCoding::gzip);
  only_up_to<FetchFault>(FetchFault::out_of_memory, describe);
  only_up_to<ResponseFault>(ResponseFault::unknown_coding, describe);
  std::size_t known = 0;
  for (unsigned value = 0; value < 65536; ++value) {
    const auto status = static_cast<Status>(value);
    EXPECT_EQ(survives(status), !reason_phrase(status).empty()) << value;
    known += survives(status) ? 1 : 0;
  }
  EXPECT_EQ(known, 22u);
}

TEST(HttpFacts, AreRecorded) {
  RequestServed served{Method::get, Status::not_found, Abandoned::stalled, 0, 12345, {}, {'/', 'a'}, {}, {'x'}};
  EXPECT_EQ(served.target.size(), 2u);
  EXPECT_TRUE(survives(Server::Action(served)));
  EXPECT_TRUE(survives(Server::Event(Reply{{3}, Found{{4}, 5, {6}, 7}})));
  EXPECT_TRUE(survives(Server::Event(Reply{{3}, Piece{as_bytes("content")}})));
  EXPECT_TRUE(survives(Client::Action(FetchFailed{FetchFault::malformed_head, ResponseFault::wrong_version})));
  EXPECT_TRUE(survives(Client::Action(Done{true})));
  EXPECT_TRUE(survives(Client::Event(Fetch{Method::head, as_bytes("/"), as_bytes("h"), as_bytes("A: b\r\n")})));
}

}  // namespace
}  // namespace limpid::http

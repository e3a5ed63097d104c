// Every limit at the last value that passes and the first that does not; and the small pure parts.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "limpid/http/chunked.hpp"
#include "limpid/http/head_scanner.hpp"
#include "limpid/http/media_type.hpp"
#include "limpid/http/request.hpp"
#include "limpid/http/window_writer.hpp"
#include "tests/support/site.hpp"

namespace limpid::http {
namespace {

using Driver = test::ServerDriver<Server>;
const Server::Config config{};

std::string status_of(const std::string& request) {
  test::Site site;
  site.files["index.html"] = {"x"};
  Driver driver(config, site);
  driver.receive(request);
  return driver.sent.substr(0, 12);
}

std::string head_of_size(std::size_t size) {
  const std::string front = "GET / HTTP/1.1\r\nHost: h\r\nA: ";
  return front + std::string(size - front.size() - 4, 'a') + "\r\n\r\n";
}

TEST(HttpLimits, Heads) {
  EXPECT_EQ(status_of(head_of_size(16384)), "HTTP/1.1 200");
  EXPECT_EQ(status_of(head_of_size(16385)), "HTTP/1.1 431");
  const auto line_of_size = [](std::size_t size) {
    return "GET /?" + std::string(size - 15, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n";
  };
  EXPECT_EQ(status_of(line_of_size(8192)), "HTTP/1.1 200");
  EXPECT_EQ(status_of(line_of_size(8193)), "HTTP/1.1 414");
}

TEST(HttpLimits, DiscardedContent) {
  const auto post = [](std::size_t length) {
    return status_of("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n" +
                     std::string(length, 'x'));
  };
  EXPECT_EQ(post(65536), "HTTP/1.1 405");
  EXPECT_EQ(post(65537), "HTTP/1.1 413");
  const auto chunked = [](std::size_t length) {
    char size[16];
    std::snprintf(size, sizeof size, "%zx", length - 1);
    return status_of("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nx\r\n" + std::string(size) +
                     "\r\n" + std::string(length - 1, 'x') + "\r\n0\r\n\r\n");
  };
  EXPECT_EQ(chunked(65536), "HTTP/1.1 405");
  EXPECT_EQ(chunked(65537), "HTTP/1.1 413");
}

TEST(HttpLimits, ScannerDecidesAtTheByteThatDecides) {
  const HeadLimits limits{.start_line = 5, .head = 20, .fields = 2};
  const struct {
    std::string text;
    std::size_t taken;
    HeadScanner::Result result;
    HeadFault fault = {};
  } cases[] = {
      {"abcde\r\n\r\nrest", 9, HeadScanner::Result::complete},
      {"\r\n\r\nabc\r\n\r\nrest", 11, HeadScanner::Result::complete},
      {"abcdef", 6, HeadScanner::Result::fault, HeadFault::start_line_too_long},
      {"abc\r\nabcdefgh\r\n\r\n", 17, HeadScanner::Result::complete},
      {"abc\r\nabcdefghijk\r\n\r\n", 20, HeadScanner::Result::complete},
      {"abc\r\nabcdefghijkl\r\n\r\n", 20, HeadScanner::Result::fault, HeadFault::head_too_large},
      {"a\r\nb\r\nc\r\n\r\n", 11, HeadScanner::Result::complete},
      {"a\r\nb\r\nc\r\nd\r\n\r\n", 12, HeadScanner::Result::fault, HeadFault::too_many_fields},
      {"ab\rc", 4, HeadScanner::Result::fault, HeadFault::bad_byte},
      {"ab\n", 3, HeadScanner::Result::fault, HeadFault::bad_byte},
      {"ab\r\r", 4, HeadScanner::Result::fault, HeadFault::bad_byte},
      {"\n", 1, HeadScanner::Result::fault, HeadFault::bad_byte},
      {"a\tb\x80\xff\r\n", 7, HeadScanner::Result::incomplete},
      {"a\x1f", 2, HeadScanner::Result::fault, HeadFault::bad_byte},
      {"a\x7f", 2, HeadScanner::Result::fault, HeadFault::bad_byte},
      {std::string("a\0", 2), 2, HeadScanner::Result::fault, HeadFault::bad_byte},
  };
  for (const auto& c : cases) {
    for (std::size_t cut = 0; cut <= c.text.size(); ++cut) {
      HeadScanner scanner;
      const std::string_view parts[] = {std::string_view(c.text).substr(0, cut), std::string_view(c.text).substr(cut)};
      std::size_t total = 0;
      auto result = HeadScanner::Result::incomplete;
      for (const std::string_view part : parts) {
        std::size_t taken = 0;
        if (result == HeadScanner::Result::incomplete) result = scanner.scan(limits, as_bytes(part), taken);
        total += taken;
      }
      ASSERT_EQ(result, c.result) << c.text << cut;
      ASSERT_EQ(total, c.taken) << c.text;
      EXPECT_EQ(scanner.size(), c.taken);
      if (result == HeadScanner::Result::fault) {
        EXPECT_EQ(scanner.fault(), c.fault) << c.text;
      }
    }
  }
}

TEST(HttpLimits, Chunks) {
  const auto decode = [](const std::string& text) {
    ChunkedDecoder decoder;
    std::size_t at = 0;
    while (true) {
      std::size_t taken = 0;
      Bytes content;
      const auto result = decoder.decode(as_bytes(text).subspan(at), taken, content);
      at += taken;
      if (result != ChunkedDecoder::Result::content) return result;
    }
  };
  using R = ChunkedDecoder::Result;
  EXPECT_EQ(decode("fffffffffffffff\r\n"), R::incomplete);
  EXPECT_EQ(decode("000000000000001\r\nx\r\n0\r\n\r\n"), R::complete);
  EXPECT_EQ(decode("0000000000000001\r\n"), R::fault);
  EXPECT_EQ(decode("1;" + std::string(16383, 'a') + "\r\nx\r\n0\r\n\r\n"), R::complete);
  EXPECT_EQ(decode("1;" + std::string(16385, 'a') + "\r\n"), R::fault);
  EXPECT_EQ(decode("0\r\n" + std::string(16384, 'a') + "\r\n\r\n"), R::complete);
  EXPECT_EQ(decode("0\r\n" + std::string(16385, 'a')), R::fault);
  EXPECT_EQ(decode("1;\x01\r\n"), R::fault);
  EXPECT_EQ(decode("1;a\r\nx\r\n0\r\n\r\n"), R::complete);
  for (const std::string behind : {" ", "\t", " ;a", "x", "\n", "\r\r", ",", "-"}) {
    EXPECT_EQ(decode("1" + behind + "\r\nx\r\n0\r\n\r\n"), R::fault) << behind;
  }
  EXPECT_EQ(decode("g\r\n"), R::fault);
  EXPECT_EQ(decode("1\r\nx\rx"), R::fault);
  EXPECT_EQ(decode("1\r\nx\r\n\r\n"), R::fault);
  EXPECT_EQ(decode("0\r\n\rx"), R::fault);
  EXPECT_EQ(decode("0\r\nA: b\r\n\r\n"), R::complete);
  EXPECT_EQ(decode("0\r\nA: b\r\n"), R::incomplete);
}

TEST(HttpRequest, Hosts) {
  const auto status = [](std::string_view host) {
    return status_of("GET / HTTP/1.1\r\nHost: " + std::string(host) + "\r\n\r\n");
  };
  for (const std::string_view host :
       {"h", "", "a.example", "a.example:65535", "h:", "127.0.0.1:80", "[::1]", "[::1]:8443", "[::]:", "a_b", "%41"}) {
    EXPECT_EQ(status(host), "HTTP/1.1 200") << host;
  }
  for (const std::string_view host : {"h:123456", "h:8a", "[]", "[g]", "[::1", "[::1]8", "a b", "a\tb", "a@b", "a/b",
                                      "a?b", "a#b", "a\\b", "h:1:2", "\"h\""}) {
    EXPECT_EQ(status(host), "HTTP/1.1 400") << host;
  }
}

TEST(HttpRequest, SplitsItsTarget) {
  const auto parse = [](std::string text) {
    text += " HTTP/1.1\r\nHost: h\r\n\r\n";
    const auto head = parse_request(as_bytes(text));
    return head ? std::string(head->path) + " " + std::string(head->query) : std::string("refused");
  };
  EXPECT_EQ(parse("GET /a/b?c?d"), "/a/b ?c?d");
  EXPECT_EQ(parse("GET /?"), "/ ?");
  EXPECT_EQ(parse("GET http://h"), "/ ");
  EXPECT_EQ(parse("GET HTTPS://h:8443?q"), "/ ?q");
  EXPECT_EQ(parse("GET http://h/a?b"), "/a ?b");
  EXPECT_EQ(parse("GET //h/a"), "//h/a ");
  EXPECT_EQ(parse("OPTIONS *"), "* ");
  EXPECT_EQ(parse("CONNECT h:1"), "h:1 ");
  EXPECT_EQ(parse("GET http:/h"), "refused");
  EXPECT_EQ(parse("GET http://"), "refused");
  EXPECT_EQ(parse("GET http://?q"), "refused");
  EXPECT_EQ(parse("GET https"), "refused");
  EXPECT_EQ(parse("CONNECT /"), "refused");
  EXPECT_EQ(parse("OPTIONS **"), "refused");
}

TEST(HttpRequest, FieldNamesAreTokens) {
  for (int c = 0x21; c < 0x7f; ++c) {
    const std::string text = "GET / HTTP/1.1\r\nHost: h\r\nx" + std::string(1, static_cast<char>(c)) + "y: z\r\n\r\n";
    const bool token = std::isalnum(c) != 0 || std::string_view("!#$%&'*+-.^_`|~").contains(static_cast<char>(c));
    EXPECT_EQ(parse_request(as_bytes(text)).has_value(), token || c == ':') << static_cast<char>(c);
  }
}

TEST(MediaType, GoesByTheLastExtension) {
  EXPECT_EQ(media_type("a/index.html"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type("A.HTML"), "text/html; charset=utf-8");
  EXPECT_EQ(media_type("a.tar.gz"), "application/gzip");
  EXPECT_EQ(media_type("app.js"), "text/javascript; charset=utf-8");
  EXPECT_EQ(media_type("a.svg"), "image/svg+xml");
  EXPECT_EQ(media_type("a.wasm"), "application/wasm");
  for (const std::string_view path : {"", "a", "a.", "a.unknown", "html", "a.html/b", ".htm l"}) {
    EXPECT_EQ(media_type(path), "application/octet-stream") << path;
  }
}

TEST(WindowWriter, ShowsEveryWindowOfTheSameText) {
  const auto write = [](WindowWriter& out) {
    out.text("ab");
    out.decimal(0);
    out.decimal(1234567890123456789u);
    out.character('-');
    out.hex(0xdeadbeef);
    out.decimal(7, 3);
    out.text("");
  };
  const std::string all = "ab01234567890123456789-deadbeef007";
  for (std::size_t skip = 0; skip <= all.size() + 2; ++skip) {
    for (std::size_t size = 0; size <= all.size() + 2; ++size) {
      std::vector<Byte> window(size);
      WindowWriter out(skip, window);
      write(out);
      ASSERT_EQ(out.total(), all.size());
      ASSERT_EQ(as_text(Bytes(out.shown())), std::string_view(all).substr(std::min(skip, all.size()), size));
    }
  }
}

}  // namespace
}  // namespace limpid::http

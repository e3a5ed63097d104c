// Which bytes of which file answer a request: ranges, compressed files, listings, what is hidden; and redirects to
// HTTPS.
#include <gtest/gtest.h>

#include "limpid/http/conditions.hpp"
#include "limpid/http/listing.hpp"
#include "limpid/http/server.hpp"
#include "limpid/sim/laws.hpp"
#include "tests/support/site.hpp"

namespace limpid::http {
namespace {

using Driver = test::ServerDriver<Server>;

const Server::Config config{};
const Server::Config listing_config{.list_folders = true};
constexpr std::string_view content = "0123456789abcdefghij";

test::Site example_site() {
  test::Site site;
  site.files["f.txt"] = {std::string(content)};
  site.files["none.txt"] = {""};
  site.files["both.html"] = {"plain"};
  site.files["both.html.br"] = {"brotli", {784111777}, 8};
  site.files["both.html.gz"] = {"gzip", {784111777}, 9};
  site.files["gz.css"] = {"plain"};
  site.files["gz.css.gz"] = {"gzip"};
  site.files["a.png"] = {"plain"};
  site.files["a.png.gz"] = {"gzip"};
  site.files["index.html.gz"] = {"index"};
  site.files[".secret"] = site.files["sub/.git/config"] = {"secret"};
  site.files[".well-known/acme"] = {"token"};
  site.files[".well-known/.hidden"] = {"secret"};
  site.files["folder/"] = {"<listing>"};
  site.files["/"] = {"<listing of the root>"};
  return site;
}

std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

std::string answer_to(std::string_view request, const Server::Config& with = config) {
  test::Site site = example_site();
  Driver driver(with, site);
  driver.receive(request);
  EXPECT_TRUE(site.open.empty());
  EXPECT_FALSE(driver.aborted);
  EXPECT_EQ(driver.served.size(), 1u);
  if (driver.served.size() == 1) {
    const std::size_t head = driver.sent.find("\r\n\r\n") + 4;
    EXPECT_EQ(driver.served[0].body_bytes, driver.sent.size() - head);
  }
  return driver.sent;
}

std::string body_of(const std::string& answer) { return answer.substr(answer.find("\r\n\r\n") + 4); }
std::string field_of(const std::string& answer, const std::string& name) {
  const std::size_t at = answer.find("\r\n" + name + ": ");
  if (at == answer.npos) return "";
  const std::size_t begin = at + name.size() + 4;
  return answer.substr(begin, answer.find("\r\n", begin) - begin);
}

TEST(Ranges, AreParsedAsTheGrammarHasThem) {
  using Set = std::optional<RangeSet>;
  constexpr std::uint64_t max = UINT64_MAX;
  const struct {
    std::string_view value;
    std::uint64_t size;
    Set expected;
  } cases[] = {
      {"bytes=0-0", 10, RangeSet{{0, 1}}},
      {"bytes=0-9", 10, RangeSet{{0, 10}}},
      {"BYTES=3-", 10, RangeSet{{3, 7}}},
      {"bytes=9-100", 10, RangeSet{{9, 1}}},
      {"bytes=9-99999999999999999999999", 10, RangeSet{{9, 1}}},
      {"bytes=-3", 10, RangeSet{{7, 3}}},
      {"bytes=-30", 10, RangeSet{{0, 10}}},
      {"bytes=0-1, 4-5 ,,\t-1", 10, RangeSet{{0, 2}, {4, 2}, {9, 1}}},
      {"bytes=8-9,0-1", 10, RangeSet{{8, 2}, {0, 2}}},
      {"bytes=10-", 10, RangeSet{}},
      {"bytes=-0", 10, RangeSet{}},
      {"bytes=10-,0-1", 10, RangeSet{{0, 2}}},
      {"bytes=99999999999999999999999-", 10, RangeSet{}},
      {"bytes=0-", max, RangeSet{{0, max}}},
      {"bytes=0-7,0-7", 10, Set{}},  // more than the whole
      {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7", 10,
       RangeSet{{0, 1}, {1, 1}, {2, 1}, {3, 1}, {4, 1}, {5, 1}, {6, 1}, {7, 1}}},
      {"bytes=0-0,1-1,2-2,3-3,4-4,5-5,6-6,7-7,8-8", 10, Set{}},  // too many
      {"bytes=0-0", 0, Set{}},
      {"bytes=5-4", 10, Set{}},
      {"bytes=", 10, Set{}},
      {"bytes=,", 10, Set{}},
      {"bytes=-", 10, Set{}},
      {"bytes=1", 10, Set{}},
      {"bytes=a-b", 10, Set{}},
      {"bytes=0-1,x", 10, Set{}},
      {"bytes=+1-2", 10, Set{}},
      {"bytes=1-2-3", 10, Set{}},
      {"bytes 0-1", 10, Set{}},
      {"lines=0-1", 10, Set{}},
      {"", 10, Set{}},
  };
  for (const auto& c : cases) EXPECT_EQ(parse_ranges(c.value, c.size), c.expected) << c.value;
}

TEST(Ranges, OneIsSentAlone) {
  EXPECT_EQ(answer_to(get("/f.txt", "Range: bytes=2-4\r\n")),
            "HTTP/1.1 206 Partial Content\r\nDate: Thu, 20 Nov 2025 19:13:12 GMT\r\nServer: limpid\r\n"
            "Content-Type: text/plain; charset=utf-8\r\nContent-Length: 3\r\nContent-Range: bytes 2-4/20\r\n"
            "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"14-7\"\r\nAccept-Ranges: bytes\r\n"
            "Vary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n\r\n234");
  EXPECT_EQ(body_of(answer_to(get("/f.txt", "Range: bytes=-4\r\n"))), "ghij");
  EXPECT_EQ(body_of(answer_to(get("/f.txt", "Range: bytes=15-\r\n"))), "fghij");
}

TEST(Ranges, SeveralAreAMultipart) {
  const std::string boundary = "limpid-7-691f6848";
  const std::string part = "\r\n--" + boundary + "\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes ";
  const std::string answer = answer_to(get("/f.txt", "Range: bytes=0-1, 10-12, -1\r\n"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 206 "));
  EXPECT_EQ(field_of(answer, "Content-Type"), "multipart/byteranges; boundary=" + boundary);
  EXPECT_EQ(field_of(answer, "Content-Range"), "bytes 0-1/20") << "of the first part: the head has none";
  EXPECT_EQ(body_of(answer), part + "0-1/20\r\n\r\n01" + part + "10-12/20\r\n\r\nabc" + part +
                                 "19-19/20\r\n\r\nj\r\n--" + boundary + "--\r\n");
  EXPECT_EQ(field_of(answer, "Content-Length"), std::to_string(body_of(answer).size()));
}

TEST(Ranges, OfALargeFileInRoomsOfEverySize) {
  test::Site site;
  std::string& big = site.files["big"].content;
  for (int i = 0; i < 100'000; ++i) big += static_cast<char>('a' + i % 23);
  std::string whole;
  for (const std::size_t room : {200'000, 1, 7, 100, 4097}) {
    if (room == 1) continue;
    Driver driver(config, site);
    driver.room_bytes = room;
    driver.receive(get("/big", "Range: bytes=10-40009,50000-50000,60000-\r\n"));
    if (whole.empty()) whole = driver.sent;
    ASSERT_EQ(driver.sent, whole) << room;
    ASSERT_EQ(driver.served.size(), 1u);
  }
  EXPECT_TRUE(whole.contains("bytes 10-40009/100000\r\n\r\n" + big.substr(10, 40000) + "\r\n--"));
  EXPECT_TRUE(whole.contains("bytes 60000-99999/100000\r\n\r\n" + big.substr(60000) + "\r\n--"));
}

TEST(Ranges, ThatCannotBeSatisfied) {
  const std::string answer = answer_to(get("/f.txt", "Range: bytes=20-\r\n"));
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 416 Range Not Satisfiable\r\n"));
  EXPECT_EQ(field_of(answer, "Content-Range"), "bytes */20");
  EXPECT_TRUE(answer.contains("It does not have the bytes that were asked for."));
}

TEST(Ranges, AreIgnoredWhereTheyMust) {
  for (const std::string_view fields : {"Range: bytes=4-2\r\n", "Range: lines=1-2\r\n",
                                        "Range: bytes=1-2\r\nRange: bytes=3-4\r\n", "Range: bytes=0-15,0-15\r\n"}) {
    const std::string answer = answer_to(get("/f.txt", fields));
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 ")) << fields;
    EXPECT_EQ(body_of(answer), content);
  }
  EXPECT_TRUE(answer_to(get("/none.txt", "Range: bytes=0-\r\n")).starts_with("HTTP/1.1 200 "));
  const std::string head = answer_to("HEAD /f.txt HTTP/1.1\r\nHost: h\r\nRange: bytes=2-4\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(field_of(head, "Content-Length"), "20");
  EXPECT_TRUE(answer_to(get("/missing", "Range: bytes=2-4\r\n")).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(answer_to(get("/f.txt", "Range: bytes=2-4\r\nIf-None-Match: *\r\n")).starts_with("HTTP/1.1 304 "));
  EXPECT_TRUE(answer_to(get("/f.txt", "Range: bytes=2-4\r\nIf-Match: \"x\"\r\n")).starts_with("HTTP/1.1 412 "));
}

TEST(Ranges, CountOnlyIfTheFileIsTheSame) {
  const auto status = [](std::string_view condition) {
    return answer_to(get("/f.txt", "Range: bytes=2-4\r\n" + std::string(condition))).substr(9, 3);
  };
  EXPECT_EQ(status("If-Range: \"14-7\"\r\n"), "206");
  EXPECT_EQ(status("If-Range: \"14-8\"\r\n"), "200");
  EXPECT_EQ(status("If-Range: W/\"14-7\"\r\n"), "200");
  EXPECT_EQ(status("If-Range: \"14-7\", \"14-8\"\r\n"), "200");
  EXPECT_EQ(status("If-Range: *\r\n"), "200");
  EXPECT_EQ(status("If-Range: Sun, 06 Nov 1994 08:49:37 GMT\r\n"), "206");
  EXPECT_EQ(status("If-Range: Sun, 06 Nov 1994 08:49:38 GMT\r\n"), "200");
  EXPECT_EQ(status("If-Range: \"14-7\"\r\nIf-Range: \"14-7\"\r\n"), "200");
  // A date within the second in which the file changed is no strong validator.
  const Found fresh{{1}, 20, {1763665992}, 7};
  const std::string text = get("/f.txt", "Range: bytes=2-4\r\nIf-Range: Thu, 20 Nov 2025 19:13:12 GMT\r\n");
  const auto head = parse_request(as_bytes(text));
  EXPECT_EQ(evaluate_conditions(*head, fresh, ContentCoding::identity, {1763665992}), Status::ok);
  EXPECT_EQ(evaluate_conditions(*head, fresh, ContentCoding::identity, {1763665993}), Status::partial_content);
}

TEST(Codings, ArePreferredAsTheWeightsSay) {
  const auto preferred = [](std::string_view value) {
    const std::string text = get("/", "Accept-Encoding: " + std::string(value) + "\r\n");
    std::string names;
    for (const ContentCoding coding : preferred_codings(parse_request(as_bytes(text))->fields)) {
      names += std::string(name(coding)) + " ";
    }
    return names;
  };
  EXPECT_EQ(preferred("gzip"), "gzip ");
  EXPECT_EQ(preferred("GZIP"), "gzip ");
  EXPECT_EQ(preferred("x-gzip"), "gzip ");
  EXPECT_EQ(preferred("gzip, deflate, br, zstd"), "br gzip ");
  EXPECT_EQ(preferred("br;q=0.5, gzip;q=0.8"), "gzip br ");
  EXPECT_EQ(preferred("br ; Q=0.801 , gzip ; q=0.8"), "br gzip ");
  EXPECT_EQ(preferred("*"), "br gzip ");
  EXPECT_EQ(preferred("*, br;q=0"), "gzip ");
  EXPECT_EQ(preferred("gzip;q=0"), "");
  EXPECT_EQ(preferred("gzip;q=0.000, br;q=0.001"), "br ");
  EXPECT_EQ(preferred("identity, gzip;q=0.5"), "");
  EXPECT_EQ(preferred("identity;q=0.5, gzip;q=0.5"), "gzip ");
  EXPECT_EQ(preferred("identity;q=0"), "");
  EXPECT_EQ(preferred(""), "");
  for (const std::string_view bad : {"gzip;q=", "gzip;q=2", "gzip;q=1.001", "gzip;q=0.1234", "gzip;q=.5", "gzip;x=1",
                                     "gzip;q=1a", "gzipp", "gzip br"}) {
    EXPECT_EQ(preferred(bad), "") << bad;
  }
}

TEST(Codings, AFileCompressedBeforehandIsSent) {
  const std::string brotli = answer_to(get("/both.html", "Accept-Encoding: gzip, br\r\n"));
  EXPECT_EQ(brotli,
            "HTTP/1.1 200 OK\r\nDate: Thu, 20 Nov 2025 19:13:12 GMT\r\nServer: limpid\r\n"
            "Content-Type: text/html; charset=utf-8\r\nContent-Encoding: br\r\nContent-Length: 6\r\n"
            "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"6-8-br\"\r\nAccept-Ranges: bytes\r\n"
            "Vary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n\r\nbrotli");
  const struct {
    std::string_view path, fields, coding, body, vary;
  } cases[] = {
      {"/both.html", "", "", "plain", "Accept-Encoding"},
      {"/both.html", "Accept-Encoding: gzip\r\n", "gzip", "gzip", "Accept-Encoding"},
      {"/gz.css", "Accept-Encoding: gzip, br\r\n", "gzip", "gzip", "Accept-Encoding"},
      {"/gz.css", "Accept-Encoding: br\r\n", "", "plain", "Accept-Encoding"},
      {"/a.png", "Accept-Encoding: gzip, br\r\n", "", "plain", ""},
      {"/f.txt", "Accept-Encoding: gzip, br\r\n", "", content, "Accept-Encoding"},
      {"/", "Accept-Encoding: gzip\r\n", "gzip", "index", "Accept-Encoding"},
      {"/both.html.gz", "Accept-Encoding: gzip, br\r\n", "", "gzip", ""},
      {"/both.html", "Accept-Encoding: br\r\nRange: bytes=1-2\r\n", "br", "ro", "Accept-Encoding"},
      {"/both.html", "Accept-Encoding: br\r\nIf-Range: \"6-8\"\r\nRange: bytes=1-2\r\n", "br", "brotli",
       "Accept-Encoding"},
  };
  for (const auto& c : cases) {
    const std::string answer = answer_to(get(c.path, c.fields));
    EXPECT_EQ(field_of(answer, "Content-Encoding"), c.coding) << c.path << c.fields;
    EXPECT_EQ(body_of(answer), c.body) << c.path << c.fields;
    EXPECT_EQ(field_of(answer, "Vary"), c.vary) << c.path << c.fields;
  }
  EXPECT_TRUE(answer_to(get("/both.html", "Accept-Encoding: br\r\nIf-None-Match: \"6-8-br\"\r\n"))
                  .starts_with("HTTP/1.1 304 "));
  EXPECT_TRUE(answer_to(get("/both.html", "If-None-Match: \"6-8-br\"\r\n")).starts_with("HTTP/1.1 200 "));
  EXPECT_TRUE(answer_to(get("/missing", "Accept-Encoding: gzip, br\r\n")).starts_with("HTTP/1.1 404 "));
}

TEST(Listings, StandInForAMissingIndex) {
  EXPECT_TRUE(answer_to(get("/folder/")).starts_with("HTTP/1.1 404 "));
  const std::string answer = answer_to(get("/folder/"), listing_config);
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(body_of(answer), "<listing>");
  EXPECT_EQ(field_of(answer, "Content-Type"), "text/html; charset=utf-8");
  EXPECT_EQ(body_of(answer_to(get("/x/..//./folder/?q", "Accept-Encoding: br, gzip\r\n"), listing_config)),
            "<listing>");
  EXPECT_EQ(body_of(answer_to(get("/"), listing_config)), "<listing of the root>");
  EXPECT_EQ(body_of(answer_to(get("/", "Accept-Encoding: gzip\r\n"), listing_config)), "index");
  EXPECT_TRUE(answer_to(get("/f.txt/"), listing_config).starts_with("HTTP/1.1 404 "));
  EXPECT_TRUE(answer_to(get("/missing"), listing_config).starts_with("HTTP/1.1 404 "));
}

TEST(Listings, EscapeEveryName) {
  Budget budget(1 << 16);
  Buffer page(budget);
  Writer out(page);
  begin_listing("a<b/", out);
  list_entry({"x&\"'<>.html", false, 12, {784111777}}, out);
  list_entry({"javascript:alert(1)", true, 0, {784111777}}, out);
  list_entry({"caf\xc3\xa9 #?%", false, 0, {784111777}}, out);
  end_listing(false, out);
  ASSERT_FALSE(out.failed());
  EXPECT_EQ(as_text(Bytes(page.data(), page.size())),
            "<!doctype html>\n<meta charset=\"utf-8\">\n<title>/a&lt;b/</title>\n<h1>/a&lt;b/</h1>\n<table>\n"
            "<tr><td><a href=\"../\">../</a></td></tr>\n"
            "<tr><td><a href=\"./x&%22'%3C%3E.html\">x&amp;&quot;&#39;&lt;&gt;.html</a></td><td>12</td>"
            "<td>Sun, 06 Nov 1994 08:49:37 GMT</td></tr>\n"
            "<tr><td><a href=\"./javascript:alert(1)/\">javascript:alert(1)/</a></td><td></td>"
            "<td>Sun, 06 Nov 1994 08:49:37 GMT</td></tr>\n"
            "<tr><td><a href=\"./caf%C3%A9%20%23%3F%25\">caf\xc3\xa9 #?%</a></td><td>0</td>"
            "<td>Sun, 06 Nov 1994 08:49:37 GMT</td></tr>\n"
            "</table>\n<p>There are more, which are not shown.</p>\n");
}

TEST(Hidden, WhatBeginsWithADotIsNotThere) {
  for (const std::string_view path : {"/.secret", "/sub/.git/config", "/%2esecret", "/x/../.secret",
                                      "/.well-known/.hidden", "/.git/", "/sub/.well-known/x", "/..."}) {
    EXPECT_TRUE(answer_to(get(path, "Accept-Encoding: gzip\r\n"), listing_config).starts_with("HTTP/1.1 404 ")) << path;
  }
  EXPECT_EQ(body_of(answer_to(get("/.well-known/acme"))), "token");
}

TEST(RedirectToHttps, NamesTheHostThatWasAskedFor) {
  const Server::Config standard{.https_port = 443}, other{.https_port = 8443};
  const auto location = [](const std::string& request, const Server::Config& with) {
    test::Site site;
    Driver driver(with, site);
    driver.receive(request);
    EXPECT_EQ(site.last_id, 0u) << "nothing is looked up";
    return driver.sent.substr(9, 3) + " " + field_of(driver.sent, "Location");
  };
  const auto asking = [](const std::string& method, const std::string& target, const std::string& host) {
    return method + " " + target + " HTTP/1.1\r\nHost: " + host + "\r\n\r\n";
  };
  EXPECT_EQ(location(asking("GET", "/a/b?c", "example.org"), standard), "301 https://example.org/a/b?c");
  EXPECT_EQ(location(asking("HEAD", "/", "example.org:80"), other), "301 https://example.org:8443/");
  EXPECT_EQ(location(asking("POST", "/a", "example.org"), standard), "308 https://example.org/a");
  EXPECT_EQ(location(asking("OPTIONS", "/a", "example.org"), standard), "308 https://example.org/a");
  EXPECT_EQ(location(asking("GET", "//evil.example/", "[::1]:80"), other), "301 https://[::1]:8443//evil.example/");
  EXPECT_EQ(location(asking("GET", "http://real.example:80/x", "other"), standard), "301 https://real.example/x");
  EXPECT_EQ(location(asking("GET", "/", ""), standard), "400 ");
  EXPECT_EQ(location(asking("GET", "/", ":80"), standard), "400 ");
  EXPECT_EQ(location(asking("GET", "/", "a%2eb"), standard), "400 ");
  EXPECT_EQ(location(asking("GET", "/", "a'b"), standard), "400 ");
  EXPECT_EQ(location("GET / HTTP/1.0\r\n\r\n", standard), "400 ");
  EXPECT_EQ(location(asking("CONNECT", "h:1", "h"), standard), "405 ");
}

TEST(Representations, KeepTheLaws) {
  constexpr Time start{{5'000'000}, {1763665992}};
  Budget harness(1 << 28);
  Buffer trace(harness);
  const auto add = [&](const Server::Event& event) { ASSERT_TRUE(sim::append_event<Server>(trace, start, event)); };
  std::string text = get("/folder/", "Accept-Encoding: gzip\r\n") + get("/f.txt", "Range: bytes=900-\r\n") +
                     "OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n" +
                     get("/f.txt", "Accept-Encoding: br, gzip\r\nRange: bytes=0-2, 4-6,10-11\r\n");
  std::vector<Byte> bytes(text.begin(), text.end());
  add(stream::Received{bytes});
  add(Reply{{1}, LookupFailure::forbidden});
  add(Reply{{2}, LookupFailure::not_found});
  add(Reply{{3}, Found{{5}, 0, {784111777}, 7}});
  add(Reply{{4}, Found{{6}, 20, {784111777}, 7}});
  add(Reply{{5}, LookupFailure::not_found});
  add(Reply{{6}, LookupFailure::is_directory});
  add(Reply{{7}, Found{{4}, 20, {784111777}, 7}});
  // A piece that does not fit would be asked for again, and so what follows would depend on the room.
  add(stream::Reset{});
  const auto outcome =
      sim::check_laws<Server>(listing_config, {trace.data(), trace.size()}, {.small_rooms_frame_alike = true}, harness);
  ASSERT_TRUE(outcome) << describe(outcome.error().law) << ": " << outcome.error().what << " at event "
                       << outcome.error().event;
  Buffer sent(harness);
  ASSERT_TRUE(outcome->log.collect(0, sent));
  const std::string all(as_text({sent.data(), sent.size()}));
  for (const std::string_view status : {"200", "416", "204"}) {
    EXPECT_TRUE(all.contains("HTTP/1.1 " + std::string(status))) << status;
  }
}

TEST(Representations, GoOnIdenticallyFromASnapshot) {
  test::Site site = example_site();
  const std::string request = get("/f.txt", "Accept-Encoding: br\r\nRange: bytes=0-2,4-6\r\n");
  Driver whole(config, site);
  whole.receive(request);
  for (std::size_t credit = 1; credit < whole.sent.size(); credit += 13) {
    Driver driver(config, site);
    driver.credit = credit;
    driver.receive(request);
    const auto saved = save(driver.state, driver.now.monotonic, driver.budget);
    ASSERT_TRUE(saved);
    auto loaded = load<Server>({saved->data(), saved->size()}, {driver.now.monotonic, driver.budget});
    ASSERT_TRUE(loaded);
    driver.state = std::move(*loaded);
    driver.credit = SIZE_MAX;
    driver.go_on();
    ASSERT_EQ(driver.sent, whole.sent) << credit;
  }
}

}  // namespace
}  // namespace limpid::http

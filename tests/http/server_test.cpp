#include "limpid/http/server.hpp"

#include <gtest/gtest.h>

#include "limpid/http/media_type.hpp"
#include "tests/support/site.hpp"

namespace limpid::http {
namespace {

using Driver = test::ServerDriver<Server>;

const Server::Config config{};

test::Site example_site() {
  test::Site site;
  site.files["index.html"] = {"<h1>hello</h1>\n"};
  site.files["notes.txt"] = {"0123456789"};
  site.files["empty"] = {""};
  site.files["sub/index.html"] = {"sub"};
  site.files["a b.css"] = {"x"};
  site.directories = {"sub", "bare", "sp ace"};
  site.forbidden = {"secret"};
  std::string big;
  for (int i = 0; i < 300'000; ++i) big += static_cast<char>('a' + i % 23);
  site.files["big.bin"] = {big};
  return site;
}

const std::string no_sniffing = "X-Content-Type-Options: nosniff\r\n";

std::string ok(std::string_view type, std::string_view content, std::string_view etag, std::string_view extra = "",
               bool body = true) {
  return "HTTP/1.1 200 OK\r\nDate: Thu, 20 Nov 2025 19:13:12 GMT\r\nServer: limpid\r\nContent-Type: " +
         std::string(type) + "\r\nContent-Length: " + std::to_string(content.size()) +
         "\r\nLast-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: " + std::string(etag) +
         "\r\nAccept-Ranges: bytes\r\n" + (is_compressible(type) ? "Vary: Accept-Encoding\r\n" : "") + no_sniffing +
         std::string(extra) + "\r\n" + std::string(body ? content : "");
}

std::string page(std::string_view status, std::string_view sentence, std::string_view extra = "", bool body = true) {
  const std::string content = "<!doctype html>\n<title>" + std::string(status) + "</title>\n<h1>" +
                              std::string(status) + "</h1>\n<p>" + std::string(sentence) + "</p>\n";
  return "HTTP/1.1 " + std::string(status) +
         "\r\nDate: Thu, 20 Nov 2025 19:13:12 GMT\r\nServer: limpid\r\nContent-Type: text/html; "
         "charset=utf-8\r\nContent-Length: " +
         std::to_string(content.size()) + "\r\n" +
         (extra.starts_with("Connection") ? no_sniffing + std::string(extra) : std::string(extra) + no_sniffing) +
         "\r\n" + (body ? content : "");
}

template <std::size_t N>
std::string text_of(const Excerpt<N>& excerpt) {
  return std::string(excerpt.begin(), excerpt.end());
}

std::string get(std::string_view path, std::string_view fields = "") {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: h\r\n" + std::string(fields) + "\r\n";
}

const std::string index_answer = ok("text/html; charset=utf-8", "<h1>hello</h1>\n", "\"f-7\"");
const std::string notes_answer = ok("text/plain; charset=utf-8", "0123456789", "\"a-7\"");

// The answer to one request on a fresh connection, which must be left without an open file.
std::string answer_to(std::string_view request, bool* finished = nullptr) {
  test::Site site = example_site();
  Driver driver(config, site);
  driver.receive(request);
  EXPECT_TRUE(site.open.empty());
  EXPECT_TRUE(driver.unconsumed.empty());
  EXPECT_FALSE(driver.aborted);
  EXPECT_EQ(driver.served.size(), driver.sent.empty() ? 0u : 1u);
  if (finished != nullptr) *finished = driver.finished;
  return driver.sent;
}

TEST(HttpServer, ServesAFile) {
  bool finished = true;
  EXPECT_EQ(answer_to(get("/notes.txt"), &finished), notes_answer);
  EXPECT_FALSE(finished);
  EXPECT_EQ(answer_to(get("/empty")), ok("application/octet-stream", "", "\"0-7\""));
  EXPECT_EQ(answer_to(get("/a%20b.css?v=1")), ok("text/css; charset=utf-8", "x", "\"1-7\""));
  EXPECT_EQ(answer_to(get("http://h/notes.txt")), notes_answer);
}

TEST(HttpServer, ServesTheIndexOfADirectoryAndRedirectsToItsSlash) {
  EXPECT_EQ(answer_to(get("/")), index_answer);
  EXPECT_EQ(answer_to(get("/sub/")), ok("text/html; charset=utf-8", "sub", "\"3-7\""));
  EXPECT_EQ(
      answer_to(get("/sub?q=1")),
      page("301 Moved Permanently", "This is a directory; its address ends in a slash.", "Location: /sub/?q=1\r\n"));
  EXPECT_EQ(answer_to(get("//sub")),
            page("301 Moved Permanently", "This is a directory; its address ends in a slash.", "Location: /sub/\r\n"));
  EXPECT_EQ(
      answer_to(get("/sp%20ace")),
      page("301 Moved Permanently", "This is a directory; its address ends in a slash.", "Location: /sp%20ace/\r\n"));
  EXPECT_EQ(answer_to(get("/bare/")), page("404 Not Found", "There is nothing here under this name."));
  EXPECT_EQ(answer_to(get("/notes.txt/")), page("404 Not Found", "There is nothing here under this name."));
}

TEST(HttpServer, HeadSendsTheHeadOnly) {
  EXPECT_EQ(answer_to("HEAD /notes.txt HTTP/1.1\r\nHost: h\r\n\r\n"),
            ok("text/plain; charset=utf-8", "0123456789", "\"a-7\"", "", false));
  EXPECT_EQ(answer_to("HEAD /none HTTP/1.1\r\nHost: h\r\n\r\n"),
            page("404 Not Found", "There is nothing here under this name.", "", false));
}

TEST(HttpServer, SaysWhatItDoesNotDo) {
  EXPECT_EQ(answer_to(get("/secret")), page("403 Forbidden", "This may not be read."));
  for (const std::string method : {"POST", "PUT", "DELETE", "TRACE", "PATCH"}) {
    EXPECT_EQ(
        answer_to(method + " / HTTP/1.1\r\nHost: h\r\n\r\n"),
        page("405 Method Not Allowed", "Only GET, HEAD and OPTIONS are allowed.", "Allow: GET, HEAD, OPTIONS\r\n"));
  }
  EXPECT_EQ(answer_to("BREW / HTTP/1.1\r\nHost: h\r\n\r\n"),
            page("501 Not Implemented", "This method is not known here."));
  EXPECT_EQ(answer_to("CONNECT h:443 HTTP/1.1\r\nHost: h\r\n\r\n"),
            page("405 Method Not Allowed", "Only GET, HEAD and OPTIONS are allowed.", "Allow: GET, HEAD, OPTIONS\r\n"));
  for (const std::string target : {"*", "/", "/none"}) {
    EXPECT_EQ(answer_to("OPTIONS " + target + " HTTP/1.1\r\nHost: h\r\n\r\n"),
              "HTTP/1.1 204 No Content\r\nDate: Thu, 20 Nov 2025 19:13:12 GMT\r\nServer: limpid\r\n"
              "Allow: GET, HEAD, OPTIONS\r\n" +
                  no_sniffing + "\r\n");
  }
}

TEST(HttpServer, KeepsTheConnectionAsTheVersionAndThePeerSay) {
  const auto closes = [](std::string_view request) {
    bool finished = false;
    answer_to(request, &finished);
    return finished;
  };
  EXPECT_FALSE(closes("GET / HTTP/1.1\r\nHost: h\r\n\r\n"));
  EXPECT_TRUE(closes("GET / HTTP/1.1\r\nHost: h\r\nConnection: foo, Close\r\n\r\n"));
  EXPECT_TRUE(closes("GET / HTTP/1.0\r\n\r\n"));
  EXPECT_FALSE(closes("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n"));
  EXPECT_FALSE(closes("GET / HTTP/1.2\r\nHost: h\r\n\r\n"));
  EXPECT_TRUE(answer_to("GET / HTTP/1.0\r\n\r\n").contains("\r\nConnection: close\r\n"));
  EXPECT_TRUE(answer_to("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").contains("\r\nConnection: keep-alive\r\n"));
}

TEST(HttpServer, EvaluatesConditions) {
  const std::string not_modified =
      "HTTP/1.1 304 Not Modified\r\nDate: Thu, 20 Nov 2025 19:13:12 GMT\r\nServer: limpid\r\n"
      "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\nETag: \"a-7\"\r\nAccept-Ranges: bytes\r\n"
      "Vary: Accept-Encoding\r\nX-Content-Type-Options: nosniff\r\n\r\n";
  const std::string failed = page("412 Precondition Failed", "It is not the version that was asked for.");
  const struct {
    std::string_view fields;
    const std::string& answer;
  } cases[] = {
      {"If-None-Match: \"a-7\"\r\n", not_modified},
      {"If-None-Match: W/\"a-7\"\r\n", not_modified},
      {"If-None-Match: \"x\", W/\"a-7\"\r\n", not_modified},
      {"If-None-Match: \"x\"\r\nIf-None-Match: \"a-7\"\r\n", not_modified},
      {"If-None-Match: *\r\n", not_modified},
      {"If-None-Match: \"a-8\"\r\n", notes_answer},
      {"If-None-Match: a-7\r\n", notes_answer},
      {"If-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", not_modified},
      {"If-Modified-Since: Sunday, 06-Nov-94 08:49:37 GMT\r\n", not_modified},
      {"If-Modified-Since: Sun Nov  6 08:49:37 1994\r\n", not_modified},
      {"If-Modified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", notes_answer},
      {"If-Modified-Since: yesterday\r\n", notes_answer},
      // "A recipient MUST ignore If-Modified-Since if the request contains an If-None-Match header field".
      {"If-None-Match: \"x\"\r\nIf-Modified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", notes_answer},
      {"If-Match: \"a-7\"\r\n", notes_answer},
      {"If-Match: *\r\n", notes_answer},
      {"If-Match: W/\"a-7\"\r\n", failed},
      {"If-Match: \"b\"\r\n", failed},
      {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:37 GMT\r\n", notes_answer},
      {"If-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", failed},
      {"If-Match: \"a-7\"\r\nIf-Unmodified-Since: Sun, 06 Nov 1994 08:49:36 GMT\r\n", notes_answer},
      {"If-Match: \"a-7\"\r\nIf-None-Match: \"a-7\"\r\n", not_modified},
  };
  for (const auto& c : cases) EXPECT_EQ(answer_to(get("/notes.txt", c.fields)), c.answer) << c.fields;
}

// RFC 9112's rules, each with a request that breaks it.
TEST(HttpServer, RefusesHostileRequests) {
  const struct {
    std::string_view request;
    std::string_view status;
  } cases[] = {
      {"GET  / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\nHost: h\n\n", "400"},
      {"GET /\rHTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\rc\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: b\nC: d\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: \x01\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA: \x7f\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost : h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\n folded\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n Host: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nno colon\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\n: nameless\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nA(: b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET / HTTP/1.0\r\nHost: a\r\nHost: b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: u@h\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h:port\r\n\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", "400"},
      {"GET /\r\n", ""},  // HTTP/0.9: the head never ends
      {"GET /\r\n\r\n", "400"},
      {"GET / http/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.1 \r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/1.10\r\nHost: h\r\n\r\n", "400"},
      {"GET / HTTP/2.0\r\nHost: h\r\n\r\n", "505"},
      {"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "505"},
      {"G(T / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {" GET / HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET notes.txt HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET * HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /#f HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET ftp://h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET http:/// HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET http://u@h/ HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /\xc3\xa9 HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /../etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /%2e%2e/etc/passwd HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /sub/../../x HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /a%00b HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /a%2fb HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /a%5cb HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"GET /%zz HTTP/1.1\r\nHost: h\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3, 3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: +3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0x3\r\n\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length:\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 18446744073709551616\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 99999999\r\n\r\n", "413"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: gzip, chunked\r\n\r\n", "501"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nx\r\n", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc", "400"},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n1fffffff\r\n", ""},
      {"POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", "400"},
      {"GET / HTTP/1.1\r\nHost: h\r\nExpect: magic\r\n\r\n", "417"},
      {"\x16\x03\x01\x02", "400"},
  };
  for (const auto& c : cases) {
    bool finished = false;
    test::Site site = example_site();
    Driver driver(config, site);
    driver.receive(c.request);
    finished = driver.finished;
    EXPECT_EQ(driver.sent.substr(0, 12), c.status.empty() ? "" : "HTTP/1.1 " + std::string(c.status)) << c.request;
    const bool framing_is_known = std::string_view(driver.sent).contains("The path of the request is");
    EXPECT_EQ(finished, !c.status.empty() && !framing_is_known) << c.request;
    EXPECT_TRUE(site.open.empty());
    EXPECT_EQ(site.last_id, 0u) << "a file was looked at for " << c.request;
  }
}

TEST(HttpServer, RefusesWhatIsTooLarge) {
  const auto status = [](const std::string& request) { return answer_to(request).substr(0, 12); };
  EXPECT_EQ(status("GET /" + std::string(9000, 'a') + " HTTP/1.1\r\nHost: h\r\n\r\n"), "HTTP/1.1 414");
  EXPECT_EQ(status("GET /" + std::string(9000, 'a')), "HTTP/1.1 414");
  EXPECT_EQ(status(get("/", "A: " + std::string(20000, 'a') + "\r\n")), "HTTP/1.1 431");
  std::string fields;
  for (int i = 0; i < 99; ++i) fields += "A: b\r\n";
  EXPECT_EQ(status(get("/", fields)), "HTTP/1.1 200");
  EXPECT_EQ(status(get("/", fields + "A: b\r\n")), "HTTP/1.1 431");
  std::string lines;
  for (int i = 0; i < 9000; ++i) lines += "\r\n";
  EXPECT_EQ(status(lines), "HTTP/1.1 431");
}

TEST(HttpServer, DiscardsContentAndGoesOnBehindIt) {
  const std::string allowed =
      page("405 Method Not Allowed", "Only GET, HEAD and OPTIONS are allowed.", "Allow: GET, HEAD, OPTIONS\r\n");
  test::Site site = example_site();
  Driver driver(config, site);
  driver.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nGET /");
  driver.receive(
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: Chunked\r\n\r\n3;x=y\r\nabc\r\n0\r\nTrailer: 1\r\n\r\n");
  driver.receive("GET /notes.txt HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nab");
  EXPECT_EQ(driver.sent, allowed + allowed + notes_answer);
  EXPECT_FALSE(driver.finished);
}

TEST(HttpServer, ClosesWhereContentMayOrMayNotFollow) {
  bool finished = false;
  EXPECT_TRUE(answer_to("GET / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n", &finished)
                  .starts_with("HTTP/1.1 200"));
  EXPECT_TRUE(finished);
}

TEST(HttpServer, WantsToKnowWhereHttp10sContentEnds) {
  bool finished = false;
  EXPECT_EQ(answer_to("POST / HTTP/1.0\r\n\r\n", &finished),
            page("411 Length Required", "The length of the content must be given.", "Connection: close\r\n"));
  EXPECT_TRUE(finished);
  EXPECT_TRUE(answer_to("POST / HTTP/1.0\r\nContent-Length: 0\r\n\r\n").starts_with("HTTP/1.1 405"));
  EXPECT_TRUE(answer_to("POST / HTTP/1.1\r\nHost: h\r\n\r\n").starts_with("HTTP/1.1 405"));
  EXPECT_TRUE(answer_to("DELETE / HTTP/1.0\r\n\r\n").starts_with("HTTP/1.1 405"));
}

TEST(HttpServer, AnswersPipelinedRequestsInOrderAtEveryCutAndInEveryRoom) {
  const std::string requests = "\r\n" + get("/notes.txt") + get("/none") + "HEAD / HTTP/1.1\r\nHost: h\r\n\r\n" +
                               get("/sub/") + "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nabc" +
                               get("/", "Connection: close\r\n");
  test::Site site = example_site();
  Driver whole(config, site);
  whole.receive(requests);
  EXPECT_TRUE(whole.finished);
  EXPECT_EQ(whole.served.size(), 6u);
  for (std::size_t cut = 0; cut <= requests.size(); ++cut) {
    Driver driver(config, site);
    driver.receive(std::string_view(requests).substr(0, cut));
    driver.receive(std::string_view(requests).substr(cut));
    ASSERT_EQ(driver.sent, whole.sent) << cut;
    ASSERT_TRUE(driver.finished);
  }
  for (std::size_t room = 1; room < 700; room += room < 20 ? 1 : 97) {
    Driver driver(config, site);
    driver.room_bytes = room;
    for (const char c : requests) driver.receive({&c, 1});
    ASSERT_EQ(driver.sent, whole.sent) << room;
    ASSERT_TRUE(driver.finished);
  }
}

TEST(HttpServer, ConsumesTheNextRequestOnlyWhenThisAnswerIsComplete) {
  test::Site site = example_site();
  Driver driver(config, site);
  driver.credit = 1000;
  driver.receive(get("/big.bin") + get("/notes.txt"));
  EXPECT_EQ(driver.unconsumed, get("/notes.txt"));
  EXPECT_EQ(driver.wants, Wants::room);
  EXPECT_EQ(site.open.size(), 1u);
  driver.credit = SIZE_MAX;
  driver.go_on();
  EXPECT_TRUE(driver.sent.ends_with(site.files["big.bin"].content + notes_answer));
  EXPECT_TRUE(site.open.empty());
}

TEST(HttpServer, SendsALargeFileInRoomsOfEverySize) {
  test::Site site = example_site();
  for (const std::size_t room : {std::size_t{1}, std::size_t{100}, std::size_t{4097}, std::size_t{200'000}}) {
    if (room == 1) site.files["big.bin"].content.resize(20'000);
    const std::string& content = site.files["big.bin"].content;
    Driver driver(config, site);
    driver.room_bytes = room;
    driver.receive(get("/big.bin"));
    EXPECT_TRUE(driver.sent.ends_with("\r\n\r\n" + content));
    ASSERT_EQ(driver.served.size(), 1u);
    EXPECT_EQ(driver.served[0].body_bytes, content.size());
    EXPECT_EQ(text_of(driver.served[0].target), "/big.bin");
    site = example_site();
  }
}

TEST(HttpServer, AFileThatShrinksNeverGivesAWrongLength) {
  test::Site site = example_site();
  Driver driver(config, site);
  driver.credit = 70'000;
  driver.receive(get("/big.bin"));
  site.files["big.bin"].content.resize(10);
  driver.credit = SIZE_MAX;
  driver.go_on();
  EXPECT_TRUE(driver.aborted);
  EXPECT_FALSE(driver.finished);
  EXPECT_TRUE(site.open.empty());
  ASSERT_EQ(driver.served.size(), 1u);
  EXPECT_EQ(driver.served[0].abandoned, Abandoned::file_changed);

  // Nothing was said yet: it can still be an error.
  Driver early(config, site);
  early.answering = false;
  early.receive(get("/notes.txt"));
  early.step(site.answer(std::get<Lookup>(*early.state.pending())));
  site.files["notes.txt"].content.clear();
  early.answering = true;
  early.go_on();
  EXPECT_EQ(early.sent, page("500 Internal Server Error", "It could not be read."));
  EXPECT_TRUE(site.open.empty());
}

TEST(HttpServer, AStaleReplyIsReportedAndItsFileClosed) {
  test::Site site = example_site();
  Driver driver(config, site);
  driver.answering = false;
  driver.receive(get("/notes.txt"));
  const auto query = std::get<Lookup>(*driver.state.pending());
  driver.step(Reply{{query.id.value + 1}, site.look_up("notes.txt")});
  EXPECT_EQ(driver.stale, 1u);
  EXPECT_TRUE(site.open.empty());
  driver.step(Reply{query.id, Piece{as_bytes("x")}});
  EXPECT_EQ(driver.stale, 2u);
  EXPECT_TRUE(driver.state.pending());
  EXPECT_EQ(driver.sent, "");
}

TEST(HttpServer, ClosesAnIdleConnection) {
  test::Site site = example_site();
  Driver driver(config, site);
  driver.give(Tick{});
  EXPECT_EQ(driver.deadline, driver.now.monotonic + config.idle_timeout);
  driver.pass(microseconds(config.idle_timeout.microseconds - 1));
  driver.receive(get("/notes.txt"));
  EXPECT_EQ(driver.deadline, driver.now.monotonic + config.idle_timeout);
  driver.pass(config.idle_timeout);
  driver.give(Tick{});
  EXPECT_TRUE(driver.finished);
  EXPECT_EQ(driver.wants, Wants::nothing);
}

TEST(HttpServer, SlowHeadersMeetTheirDeadline) {
  test::Site site = example_site();
  Driver driver(config, site);
  int seconds_passed = 0;
  for (; !driver.finished && seconds_passed < 100; ++seconds_passed) {
    driver.receive(seconds_passed == 0 ? "GET / HTTP/1.1\r\nHost: h\r\nA: " : "a");
    driver.pass(seconds(1));
  }
  EXPECT_EQ(seconds_passed, 11);
  EXPECT_TRUE(driver.sent.starts_with("HTTP/1.1 408 "));
  // So does content.
  Driver content(config, site);
  content.receive("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 3\r\n\r\nab");
  content.pass(config.header_timeout);
  content.give(Tick{});
  EXPECT_TRUE(content.sent.starts_with("HTTP/1.1 408 "));
}

TEST(HttpServer, AReaderThatStopsReadingIsAborted) {
  test::Site site = example_site();
  Driver driver(config, site);
  driver.credit = 1000;
  driver.receive(get("/big.bin"));
  ASSERT_TRUE(driver.deadline);
  driver.pass(config.progress_interval);
  driver.give(Tick{});  // 1000 bytes are less than least_progress
  EXPECT_TRUE(driver.aborted);
  EXPECT_TRUE(site.open.empty());
  EXPECT_EQ(driver.served.at(0).abandoned, Abandoned::stalled);

  Driver slow(config, site);
  slow.credit = config.least_progress + 1000;
  slow.receive(get("/big.bin"));
  for (int i = 0; i < 5; ++i) {
    slow.pass(config.progress_interval);
    slow.give(Tick{});
    ASSERT_FALSE(slow.aborted);
    slow.credit += config.least_progress;
    slow.go_on();
  }
  slow.pass(config.progress_interval);
  slow.credit += config.least_progress - 1;
  slow.give(Tick{});
  EXPECT_FALSE(slow.aborted);
  slow.pass(config.progress_interval);
  slow.give(Tick{});
  EXPECT_TRUE(slow.aborted);
}

TEST(HttpServer, DrainFinishesTheAnswerUnderWay) {
  test::Site site = example_site();
  Driver driver(config, site);
  driver.credit = 1000;
  driver.receive(get("/big.bin") + get("/notes.txt"));
  driver.give(Drain{});
  EXPECT_FALSE(driver.finished);
  driver.credit = SIZE_MAX;
  driver.go_on();
  EXPECT_TRUE(driver.finished);
  EXPECT_TRUE(driver.sent.ends_with(site.files["big.bin"].content));

  Driver idle(config, site);
  idle.give(Drain{});
  EXPECT_TRUE(idle.finished);

  Driver reading(config, site);
  reading.receive("GET / HTTP/1.1\r\n");
  reading.give(Drain{});
  EXPECT_FALSE(reading.finished);
  reading.receive("Host: h\r\n\r\n");
  EXPECT_TRUE(reading.sent.contains("\r\nConnection: close\r\n"));
  EXPECT_TRUE(reading.finished);
}

TEST(HttpServer, ThePeersEndIsNotMissed) {
  test::Site site = example_site();
  Driver after(config, site);
  after.receive(get("/notes.txt"));
  after.give(stream::PeerFinished{});
  EXPECT_TRUE(after.finished);

  Driver within(config, site);
  within.receive("GET / HT");
  within.give(stream::PeerFinished{});
  EXPECT_TRUE(within.finished);
  EXPECT_EQ(within.sent, "");

  Driver during(config, site);
  during.credit = 1000;
  during.receive(get("/big.bin"));
  EXPECT_EQ(during.step(stream::PeerFinished{}), 0u);
  during.credit = SIZE_MAX;
  during.go_on();
  EXPECT_EQ(during.step(stream::PeerFinished{}), 1u);
  EXPECT_TRUE(during.finished);
  EXPECT_TRUE(during.sent.ends_with(site.files["big.bin"].content));

  Driver reset(config, site);
  reset.credit = 1000;
  reset.receive(get("/big.bin"));
  reset.give(stream::Reset{});
  EXPECT_FALSE(reset.finished || reset.aborted);
  EXPECT_EQ(reset.wants, Wants::nothing);
  EXPECT_TRUE(site.open.empty());
  EXPECT_EQ(reset.served.at(0).abandoned, Abandoned::reset);
}

TEST(HttpServer, EveryRefusedAllocationIsAnswered) {
  for (std::uint64_t n = 1; n < 6; ++n) {
    test::Site site = example_site();
    Driver driver(config, site);
    driver.budget.refuse_attempt(n);
    for (const char c : get("/notes.txt")) driver.receive({&c, 1});
    EXPECT_TRUE(driver.sent == notes_answer || driver.sent.starts_with("HTTP/1.1 503 ")) << n << driver.sent;
    EXPECT_EQ(driver.sent != notes_answer, driver.finished);
    EXPECT_EQ(driver.budget.used(), 0u) << "an idle or ended connection owns nothing";
    EXPECT_TRUE(site.open.empty());
  }
}

// Saved and loaded after every step, at every cut of the answer.
TEST(HttpServer, GoesOnIdenticallyFromASnapshot) {
  test::Site site = example_site();
  site.files["big.bin"].content.resize(9'000);
  const std::string requests =
      "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n000000000000003\r\nabc\r\n0\r\n\r\n" +
      get("/big.bin") + get("/sub") + get("/", "Connection: close\r\n");
  Driver whole(config, site);
  whole.receive(requests);
  Driver driver(config, site);
  driver.room_bytes = 61;
  std::size_t at = 0;
  const auto reload = [&] {
    const auto saved = save(driver.state, driver.now.monotonic, driver.budget);
    ASSERT_TRUE(saved);
    const Bytes bytes{saved->data(), saved->size()};
    auto loaded = load<Server>(bytes, {driver.now.monotonic, driver.budget});
    ASSERT_TRUE(loaded);
    const auto again = save(*loaded, driver.now.monotonic, driver.budget);
    ASSERT_TRUE(again);
    ASSERT_EQ(Bytes(again->data(), again->size()), bytes);
    driver.state = std::move(*loaded);
  };
  while (!driver.finished) {
    if (driver.wants == Wants::reply) {
      std::visit([&](const auto& q) { driver.step(site.answer(q)); }, *driver.state.pending());
    } else if (driver.wants == Wants::room) {
      driver.step(Tick{});
    } else {
      ASSERT_LT(at, requests.size());
      Byte byte = static_cast<Byte>(requests[at]);
      at += driver.step(stream::Received{{&byte, 1}});
    }
    reload();
  }
  EXPECT_EQ(driver.sent, whole.sent);
}

// Where a redirect leads is said in the request, which must be one.
TEST(HttpServer, RefusesASnapshotOfARedirectWithoutARequest) {
  const auto loads = [](const Server::Config& with, const std::string& request, std::string_view replacement) {
    test::Site site = example_site();
    Driver driver(with, site);
    driver.credit = 20;
    driver.receive(request);
    EXPECT_EQ(driver.sent.size(), 20u);
    const auto saved = save(driver.state, driver.now.monotonic, driver.budget);
    EXPECT_TRUE(saved);
    std::string bytes(as_text({saved->data(), saved->size()}));
    const std::size_t at = bytes.find(request.substr(0, replacement.size()));
    EXPECT_NE(at, bytes.npos);
    bytes.replace(at, replacement.size(), replacement);
    return load<Server>(as_bytes(bytes), {driver.now.monotonic, driver.budget}).has_value();
  };
  EXPECT_TRUE(loads(config, get("/sub"), "GET /sub"));
  EXPECT_FALSE(loads(config, get("/sub"), "GET  sub")) << "301";
  const Server::Config to_https{.https_port = 443};
  EXPECT_TRUE(loads(to_https, "POST /a HTTP/1.1\r\nHost: h\r\n\r\n", "POST /a"));
  EXPECT_FALSE(loads(to_https, "POST /a HTTP/1.1\r\nHost: h\r\n\r\n", "POST  a")) << "308";
}

}  // namespace
}  // namespace limpid::http

#include "get.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <cstdio>

#include "common.hpp"
#include "exchange.hpp"
#include "limpid/effects/clock.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/effects/sockets.hpp"
#include "limpid/effects/tap_network.hpp"
#include "limpid/http/response.hpp"
#include "limpid/http/syntax.hpp"
#include "net_option.hpp"
#include "url.hpp"

namespace limpid::apps {
namespace {

constexpr int most_redirects = 10;

struct Options {
  std::vector<std::string> urls;
  std::vector<std::string> outputs;  // the n-th is for the n-th URL
  bool verbose = false;
  bool head_only = false;
  bool follow = false;
  bool trust_anybody = false;
  std::vector<std::string> fields;
  std::string ca;
  std::vector<std::string> resolve;
  double max_time_s = 0;  // 0: no limit
  std::string record;     // empty: not recorded
  std::string key_log;
  std::string net = "sockets";
  std::optional<TapNet> tap;
};

// --resolve HOST:PORT:ADDR
struct Override {
  effects::HostPort where;
  stream::Endpoint endpoint;
};

std::optional<Override> parse_override(const std::string& text) {
  // The address may hold colons, in brackets or not; so may the host, in brackets.
  const std::size_t host_end = text.starts_with('[') ? text.find(']') : 0;
  if (host_end == text.npos) return std::nullopt;
  const std::size_t port_begin = text.find(':', host_end);
  const std::size_t port_end = port_begin == text.npos ? text.npos : text.find(':', port_begin + 1);
  if (port_end == text.npos) return std::nullopt;
  const auto where = effects::parse_host_port(text.substr(0, port_end));
  std::string address = text.substr(port_end + 1);
  if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
  auto endpoint = effects::parse_address(address);
  if (!where || !endpoint) return std::nullopt;
  endpoint->port = where->port;
  return Override{*where, *endpoint};
}

// Where a body goes: stdout as it comes, or a file that appears whole.
class Sink {
 public:
  static Result<Sink> open(const std::string& path) {
    if (path.empty() || path == "-") return Sink();
    const mode_t mask = ::umask(0);
    ::umask(mask);
    auto file = effects::WholeFile::create(path, 0666 & ~mask);
    if (!file) return std::unexpected(file.error());
    Sink sink;
    sink.file_.emplace(std::move(*file));
    return sink;
  }

  Result<void> write(Bytes bytes) {
    if (file_) return file_->write(bytes);
    if (std::fwrite(bytes.data(), 1, bytes.size(), stdout) == bytes.size()) return {};
    return effects::fail("cannot write to standard output: " + effects::system_words(errno) + "; free some space");
  }

  Result<void> finish() {
    if (file_) return file_->commit();
    if (std::fflush(stdout) == 0) return {};
    return effects::fail("cannot write to standard output: " + effects::system_words(errno) + "; free some space");
  }

 private:
  std::optional<effects::WholeFile> file_;
};

// Lines from elsewhere, shown on a terminal.
void show(const char* mark, std::string_view text) { std::fprintf(stderr, "%s %s\n", mark, printable(text).c_str()); }

// A head for standard output: as it came, unless somebody looks.
std::string head_to_print(Bytes head) {
  const std::string_view text = as_text(head);
  if (::isatty(STDOUT_FILENO) == 0) return std::string(text);
  std::string out;
  for (std::string_view rest = text; !rest.empty();) out += printable(http::cut(rest, '\n')) + '\n';
  return out;
}

void show_head(const char* mark, std::string_view head) {
  while (!head.empty()) {
    const std::size_t end = std::min(head.find('\n'), head.size());
    std::string_view line = head.substr(0, end);
    head.remove_prefix(std::min(end + 1, head.size()));
    if (line.ends_with('\r')) line.remove_suffix(1);
    show(mark, line);
  }
}

bool is_redirect(int status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

bool has_origin_of(const Url& url, const Url& other) { return url.secure == other.secure && url.where == other.where; }

// Whether a header field is only for the server that it was written for: another one, to which a redirect leads, must
// not learn what opens the first.
bool is_for_one_server(std::string_view field) {
  const std::string_view name = field.substr(0, field.find(':'));
  return http::equals_ignoring_case(name, "authorization") || http::equals_ignoring_case(name, "cookie") ||
         http::equals_ignoring_case(name, "host");
}

class Getter {
 public:
  Getter(const Options& options, effects::Network& network, std::vector<Override> overrides,
         effects::Recorder* recorder, const effects::KeyLogFile* key_log)
      : options_(options),
        network_(network),
        overrides_(std::move(overrides)),
        recorder_(recorder),
        key_log_(key_log) {}

  Result<void> get(Url url, const std::string& output) {
    std::optional<Instant> deadline;
    if (options_.max_time_s > 0) {
      deadline = effects::now().monotonic + Duration{static_cast<std::int64_t>(options_.max_time_s * 1e6)};
    }
    if (auto loaded = load_anchors(url); !loaded) return loaded;
    auto sink = Sink::open(output);
    if (!sink) return std::unexpected(sink.error());
    const Url asked = url;
    for (int redirects = 0;; ++redirects) {
      std::optional<std::string> location;
      if (auto fetched = fetch(url, has_origin_of(url, asked), *sink, deadline, location); !fetched) return fetched;
      if (!location) return sink->finish();
      if (redirects == most_redirects) {
        return effects::fail("gave up after " + std::to_string(most_redirects) + " redirects; the last one led to '" +
                             *location + "'");
      }
      const auto next = resolve_reference(url, *location);
      if (!next)
        return effects::fail("cannot follow a redirect to '" + *location + "'; only http and https are understood");
      if (options_.verbose) show("*", "redirected to " + *location);
      url = *next;
      if (auto loaded = load_anchors(url); !loaded) return loaded;
    }
  }

 private:
  Result<void> load_anchors(const Url& url) {
    if (!url.secure || anchors_) return {};
    if (options_.trust_anybody) {
      std::fputs("limpid: warning: the server is not verified (-k): anybody could be answering\n", stderr);
      anchors_.emplace();
      return {};
    }
    auto roots = options_.ca.empty() ? effects::system_roots() : effects::load_roots(options_.ca);
    if (!roots) return std::unexpected(roots.error());
    anchors_ = std::move(*roots);
    return {};
  }

  Result<std::vector<stream::Endpoint>> find(const effects::HostPort& where, std::optional<Instant> deadline) const {
    for (const Override& each : overrides_) {
      if (each.where == where) return std::vector{each.endpoint};
    }
    return network_.resolve(where, deadline);
  }

  // `location` is set, and nothing written, when the answer is a redirect to be followed. `trusted`: url is of the
  // server that the user named, for which what -H adds is meant.
  Result<void> fetch(const Url& url, bool trusted, Sink& sink, std::optional<Instant> deadline,
                     std::optional<std::string>& location) {
    auto endpoints = find(url.where, deadline);
    if (!endpoints) return std::unexpected(endpoints.error());
    const Instant begun = effects::now().monotonic;
    const auto tcp = network_.connect(url.where, *endpoints, deadline);
    if (!tcp) return std::unexpected(tcp.error());
    if (options_.verbose) {
      show("*", "connected to " + effects::to_string((*tcp)->peer()) + " after " + milliseconds_since(begun));
      show(">", (options_.head_only ? "HEAD " : "GET ") + url.target + " HTTP/1.1");
    }
    Request request;
    request.method = options_.head_only ? http::Method::head : http::Method::get;
    for (const std::string& field : options_.fields) {
      if (trusted || !is_for_one_server(field)) request.header_lines += field + "\r\n";
    }
    const Trust trust{options_.trust_anybody,
                      anchors_ ? anchors_->certificates() : std::span<const x509::Certificate>(),
                      options_.ca.empty() ? "the system's certificates" : options_.ca};
    std::uint64_t received = 0;
    auto exchanged = exchange(**tcp, url, request, trust,
                              {.say =
                                   [&](const std::string& line) {
                                     if (options_.verbose) show("*", line);
                                   },
                               .head = [&](Bytes head) -> Result<void> {
                                 if (options_.verbose) {
                                   show("*", "answered after " + milliseconds_since(begun));
                                   show_head("<", as_text(head));
                                 }
                                 const auto parsed = http::parse_response(head, request.method);
                                 if (options_.follow && parsed && is_redirect(parsed->status)) {
                                   if (const auto field = parsed->fields.only("location")) location = *field;
                                 }
                                 return options_.head_only ? sink.write(as_bytes(head_to_print(head))) : Result<void>();
                               },
                               .body = [&](Bytes bytes) -> Result<void> {
                                 received += bytes.size();
                                 return location ? Result<void>() : sink.write(bytes);
                               },
                               .keys = key_log_ == nullptr ? std::function<Result<void>(Bytes)>()
                                                           : [this](Bytes lines) { return write_keys(lines); }},
                              recorder_);
    if (options_.verbose) {
      show("*", "received " + std::to_string(received) + " bytes of content after " + milliseconds_since(begun));
    }
    return exchanged;
  }

  Result<void> write_keys(Bytes lines) {
    const int error = key_log_->write(lines);
    if (error == 0) return {};
    return effects::fail("cannot write the key log: " + effects::system_words(error) + "; make room for it");
  }

  const Options& options_;
  effects::Network& network_;
  const std::vector<Override> overrides_;
  effects::Recorder* const recorder_;
  const effects::KeyLogFile* const key_log_;
  std::optional<x509::CertificateList> anchors_;
};

Result<void> run(const Options& options) {
  std::vector<Override> overrides;
  for (const std::string& each : options.resolve) overrides.push_back(*parse_override(each));
  std::unique_ptr<effects::Recorder> recorder;
  if (!options.record.empty()) {
    auto created = effects::Recorder::create(options.record, stack::Client::snapshot_kind);
    if (!created) return std::unexpected(created.error());
    recorder = std::move(*created);
  }
  std::optional<effects::KeyLogFile> key_log;
  if (!options.key_log.empty()) {
    auto opened = open_key_log(options.key_log);
    if (!opened) return std::unexpected(opened.error());
    key_log.emplace(std::move(*opened));
  }
  std::unique_ptr<effects::Network> network = std::make_unique<effects::SocketNetwork>();
  if (options.tap) {
    auto tap = effects::Tap::open(options.tap->name);
    if (!tap) return std::unexpected(tap.error());
    const auto config = options.tap->host_config();
    network = std::make_unique<effects::TapNetwork>(std::move(*tap), config);
  }
  Getter getter(options, *network, std::move(overrides), recorder.get(), key_log ? &*key_log : nullptr);
  // As curl has it: all are tried, and the last failure is the outcome.
  std::optional<Failure> failure;
  for (std::size_t i = 0; i < options.urls.size(); ++i) {
    auto got = getter.get(*parse_url(options.urls[i]), i < options.outputs.size() ? options.outputs[i] : "");
    if (got) continue;
    if (failure) complain(*failure);
    failure = std::move(got.error());
  }
  if (failure) return std::unexpected(*failure);
  return {};
}

void check(const Options& options) {
  for (const std::string& url : options.urls) {
    if (!parse_url(url)) throw CLI::ValidationError("'" + url + "' is not a URL, such as https://example.com/");
  }
  if (options.outputs.size() > options.urls.size()) throw CLI::ValidationError("there are more -o than URLs");
  for (const std::string& each : options.resolve) {
    if (!parse_override(each)) throw CLI::ValidationError("--resolve: '" + each + "' is not HOST:PORT:ADDRESS");
  }
  for (const std::string& field : options.fields) {
    if (field.find(':') == field.npos) throw CLI::ValidationError("-H: '" + field + "' is not 'Name: value'");
  }
}

}  // namespace

void add_get(CLI::App& tool, int& status) {
  CLI::App* command = tool.add_subcommand("get", "fetch over HTTPS or HTTP");
  auto options = std::make_shared<Options>();
  auto unbuilt = std::make_shared<NotYetSupported>();
  const auto repeated = CLI::MultiOptionPolicy::TakeAll;
  command->add_option("URL", options->urls, "what to fetch")->required();
  command->add_option("-o,--output", options->outputs, "write to FILE, whole or not at all; the n-th for the n-th URL")
      ->type_name("FILE")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_flag("-v,--verbose", options->verbose, "say what happens");
  command->add_flag("-I,--head", options->head_only, "fetch the head only");
  command->add_flag("-L,--location", options->follow, "follow redirects");
  command->add_option("-H,--header", options->fields, "send this field, too")
      ->type_name("'NAME: VALUE'")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_flag("-k,--insecure", options->trust_anybody, "do not verify who answers");
  command->add_option("--ca,--cacert", options->ca, "the certificates to trust (the system's)")->type_name("FILE");
  command->add_option("--resolve", options->resolve, "look for HOST:PORT at this address")
      ->type_name("HOST:PORT:ADDR")
      ->expected(1)
      ->multi_option_policy(repeated);
  command->add_option("-m,--max-time", options->max_time_s, "give up after so many seconds")
      ->type_name("S")
      ->check(CLI::PositiveNumber);
  command->add_option("--record", options->record, "write what happens to FILE, sealed under FILE.key")
      ->type_name("FILE");
  command->add_option("--keylog", options->key_log, "write the connections' keys to FILE, for debugging only")
      ->type_name("FILE");
  command->add_option("--net", options->net, "sockets, or tap:NAME,... as in `limpid serve --help`")->type_name("KIND");
  for (const char* name : {"--cert", "--key", "--session"}) unbuilt->option(*command, name);
  command->callback([options, unbuilt, &status] {
    unbuilt->refuse();
    auto net = parse_net(options->net);
    if (!net) throw CLI::ValidationError("--net: " + net.error());
    options->tap = std::move(*net);
    if (options->tap && options->tap->queues > 1) {
      throw CLI::ValidationError("--net: queues= is for `limpid serve`; leave it out");
    }
    check(*options);
    const auto got = run(*options);
    status = got ? done : complain(got.error());
  });
}

}  // namespace limpid::apps

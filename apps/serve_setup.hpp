// `limpid serve`: its options, and what it needs whatever lies below TCP.
#pragma once

#include <functional>
#include <memory>
#include <nlohmann/json_fwd.hpp>
#include <optional>
#include <string>
#include <vector>

#include "common.hpp"
#include "limpid/effects/counters.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/effects/hand_over.hpp"
#include "limpid/effects/log.hpp"
#include "limpid/effects/pcap.hpp"
#include "limpid/effects/recorder.hpp"
#include "limpid/stack/server.hpp"
#include "net_option.hpp"

namespace limpid::apps::serving {

struct Options {
  std::string folder = ".";
  std::vector<std::string> listen;
  std::vector<std::string> certificates, keys;
  std::string passphrase_file;
  bool plain = false;
  unsigned threads = 0;  // 0: one for each core that this process may use
  std::string memory = "1G";
  std::vector<std::string> alpn{"http/1.1"};
  std::string net = "sockets";
  std::optional<TapNet> tap;  // what `net` says, if it is not "sockets"
  std::string tls_min = "1.3";
  std::string log = "text";
  unsigned redirect = 0;  // the port; 0: none
  bool index = false;
  std::string access_log, key_log;
  bool test_services = false;
  std::string pcap;     // empty: no capture
  std::string record;   // empty: not recorded
  std::string control;  // the control socket's path; empty: where it is by default
  bool take_over = false;

  effects::LogForm log_form() const { return log == "json" ? effects::LogForm::json : effects::LogForm::text; }
};

// What TLS needs to serve.
struct Secure {
  tls::Config config;
  std::vector<effects::Credentials> credentials;
  std::string own_ca;  // the file of the local CA's certificate, if that is what signed
};

// All that is opened, loaded and made before anything is served.
struct Setup {
  effects::Directory site;
  std::optional<effects::LogFile> access_log{};
  std::optional<effects::KeyLogFile> key_log{};
  std::optional<Secure> secure{};
  std::unique_ptr<effects::Recorder> recorder{};
  std::optional<effects::PcapWriter> capture{};
  stack::Server::Config config{};
  std::size_t memory = 0;

  std::span<const effects::Credentials> credentials() const {
    return secure ? secure->credentials : std::span<const effects::Credentials>();
  }
};

// `recorded` is the kind of machine that will run.
Result<Setup> set_up(const Options& options, SnapshotKind recorded);

// SIGHUP: new certificates and keys for `renew`, and the access log under its name again. What fails is left as it is.
void reload(const Options& options, const Setup& setup,
            const std::function<Result<void>(std::span<const effects::Credentials>)>& renew);

// Where the control socket is, for a server whose first port this is: --control, or a place by default. Empty if there
// is none; that fails for who wants to take over.
Result<std::string> control_path(const Options& options, std::uint16_t port);
// Lets others take over, if there is a place for the control socket. Only one that was named must work.
Result<std::optional<effects::Control>> open_control(const Options& options, std::uint16_t port);
void announce_taken(std::size_t connections, int process);

// What it serves and where, and how to get it with curl.
void announce(const Options& options, const Setup& setup, const std::string& url);

// "65536", "512K", "64M", "2G": powers of 1024.
std::optional<std::size_t> parse_size(std::string_view text);

// SIGUSR1: what the workers have counted, as JSON, with `more` behind it.
using Counters = std::vector<const effects::WorkerCounters*>;
void print_counters(const Counters& workers, std::size_t memory, const nlohmann::ordered_json& more);

Result<void> on_sockets(const Options& options);
Result<void> on_tap(const Options& options);

}  // namespace limpid::apps::serving

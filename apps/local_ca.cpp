#include "local_ca.hpp"

#include <fcntl.h>
#include <pwd.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdlib>

#include "issue.hpp"
#include "limpid/effects/cpu.hpp"
#include "limpid/effects/descriptor.hpp"
#include "limpid/effects/files.hpp"
#include "limpid/x509/verify.hpp"

namespace limpid::apps {
namespace {

constexpr std::int64_t day = 86400;
constexpr std::int64_t ca_days = 3650;
constexpr std::int64_t leaf_days = 90;
constexpr std::int64_t renew_days_before = 30;

std::string host_name() {
  std::array<char, 256> name{};
  ::gethostname(name.data(), name.size() - 1);
  return name.data();
}

// A CN takes 64 bytes of UTF-8 at most.
std::string ca_name() {
  const passwd* user = ::getpwuid(::getuid());
  const std::string who = (user != nullptr ? std::string(user->pw_name) + "@" : "") + host_name();
  std::string name = "limpid local CA";
  const bool plain = std::all_of(who.begin(), who.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (plain && name.size() + who.size() + 3 <= 64) name += " (" + who + ")";
  return name;
}

std::vector<std::string> local_names() {
  std::vector<std::string> names{"localhost"};
  const std::string host = host_name();
  if (host != "localhost" && x509::is_dns_name(host) && !host.ends_with('.')) names.push_back(host);
  return names;
}

std::vector<x509::IpAddress> local_addresses() { return {*x509::parse_ip("127.0.0.1"), *x509::parse_ip("::1")}; }

bool lasts(const x509::Certificate& certificate, UnixTime now) {
  return certificate.validity.contains({now.seconds + renew_days_before * day}) && certificate.validity.contains(now);
}

// The CA that somebody may have come to trust is replaced only when it is missing or about to run out: a damaged file
// or a wrong clock must not throw it away.
Result<bool> ca_is_due(const std::string& path, UnixTime now) {
  if (::access(path.c_str(), F_OK) != 0 && errno == ENOENT) return true;
  const auto ca = effects::load_certificates(path);
  if (!ca) return std::unexpected(ca.error());
  return (*ca)[0].validity.not_after.seconds < now.seconds + renew_days_before * day;
}

bool is_usable_leaf(const effects::Credentials& leaf, const x509::Certificate& ca, UnixTime now,
                    const std::vector<x509::IpAddress>& addresses) {
  const x509::Certificate& certificate = leaf.chain[0];
  if (!lasts(certificate, now) || !x509::key_matches(leaf.key, certificate)) return false;
  const auto good_for = [&](x509::PeerName name) {
    return x509::verify(certificate, {}, {&ca, 1}, {.at = now, .name = name}, effects::cpu_features()).has_value();
  };
  const auto names = local_names();
  return std::all_of(names.begin(), names.end(), [&](const std::string& name) { return good_for(name); }) &&
         std::all_of(addresses.begin(), addresses.end(), good_for);
}

}  // namespace

Result<std::string> data_folder() {
  const char* data = std::getenv("XDG_DATA_HOME");
  // The XDG Base Directory Specification: "If an implementation encounters a relative path in any of these variables
  // it should consider the path invalid and ignore it."
  if (data != nullptr && data[0] == '/') return std::string(data) + "/limpid";
  const char* home = std::getenv("HOME");
  if (home == nullptr || home[0] != '/') {
    const passwd* user = ::getpwuid(::getuid());
    if (user == nullptr) {
      return effects::fail("there is no home folder for a local CA; set XDG_DATA_HOME, or name --cert and --key");
    }
    home = user->pw_dir;
  }
  return std::string(home) + "/.local/share/limpid";
}

Result<LocalIdentity> local_identity(const std::string& folder, UnixTime now, const std::string& name,
                                     std::vector<x509::IpAddress> addresses) {
  for (const x509::IpAddress& address : local_addresses()) addresses.push_back(address);
  if (auto made = effects::make_folders(folder, 0700); !made) return std::unexpected(made.error());
  // Two that start at once must not make two CAs.
  const effects::Descriptor lock(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (lock) ::flock(lock.get(), LOCK_EX);

  const std::string ca_path = folder + "/ca.pem", ca_key_path = folder + "/ca-key.pem";
  const std::string leaf_path = folder + "/" + name + ".pem", leaf_key_path = folder + "/" + name + "-key.pem";
  const auto begin_anew = [&](const effects::Failure& failure) {
    return effects::fail(failure.text + "; or move '" + ca_path + "' away, and a new local CA is made");
  };
  const auto due = ca_is_due(ca_path, now);
  if (!due) return begin_anew(due.error());
  if (*due) {
    auto issued = issue({.common_name = ca_name(),
                         .organization = {},
                         .dns_names = {},
                         .ip_addresses = {},
                         .validity = validity_for(ca_days),
                         .is_ca = true},
                        KeyKind{crypto::KeyType::p256}, std::nullopt);
    if (!issued) return std::unexpected(issued.error());
    auto written = write_pair(*issued, ca_path, ca_key_path);
    issued->forget();
    if (!written) return std::unexpected(written.error());
  }
  const auto ca = effects::load_credentials(ca_path, ca_key_path, now);
  if (!ca) return begin_anew(ca.error());
  if (!ca->chain[0].is_ca()) return begin_anew({"the certificate in '" + ca_path + "' is not a CA's"});
  auto leaf = effects::load_credentials(leaf_path, leaf_key_path, now);
  if (!leaf || !is_usable_leaf(*leaf, ca->chain[0], now, addresses)) {
    auto issued = issue({.common_name = "localhost",
                         .organization = {},
                         .dns_names = local_names(),
                         .ip_addresses = addresses,
                         .validity = validity_for(leaf_days),
                         .is_ca = false},
                        KeyKind{crypto::KeyType::p256}, Issuer{ca->chain[0], ca->key});
    if (!issued) return std::unexpected(issued.error());
    auto written = write_pair(*issued, leaf_path, leaf_key_path);
    issued->forget();
    if (!written) return std::unexpected(written.error());
    leaf = effects::load_credentials(leaf_path, leaf_key_path, now);
    if (!leaf) return std::unexpected(leaf.error());
  }
  return LocalIdentity{ca_path, std::move(*leaf)};
}

}  // namespace limpid::apps

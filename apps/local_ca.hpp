// A certification authority for this user and this machine, and a certificate for localhost below it, so that `serve`
// needs no preparation and curl can verify what it shows.
#pragma once

#include <string>
#include <vector>

#include "common.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/x509/ip_address.hpp"

namespace limpid::apps {

struct LocalIdentity {
  std::string ca_path;  // the CA's certificate: what a client is to trust
  effects::Credentials credentials;
};

// $XDG_DATA_HOME/limpid, or ~/.local/share/limpid.
Result<std::string> data_folder();

// From `folder`, which is made (0700) if it is missing. What is there is kept while it is sound and valid for some
// weeks more, otherwise made anew. For localhost, 127.0.0.1, ::1 and this host's name, or `addresses` besides, in a
// certificate of that `name`.
Result<LocalIdentity> local_identity(const std::string& folder, UnixTime now, const std::string& name = "leaf",
                                     std::vector<x509::IpAddress> addresses = {});

}  // namespace limpid::apps

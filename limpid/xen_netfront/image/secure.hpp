// What HTTPS takes besides what HTTP does: an identity and the policy of TLS. The image for HTTP alone has another
// implementation, which panics (without_tls.cpp).
#pragma once

#include "limpid/stack/site_module.hpp"
#include "limpid/tls/config.hpp"
#include "limpid/tls/query.hpp"

namespace limpid::xen_netfront::image {

// Takes chain and key from the module, once; panics, saying what is wrong with them, if they cannot be used.
tls::Config load_identity(const stack::SiteModule& site, Budget& budget);
// After load_identity().
tls::Answer answer(const tls::Query& question, UnixTime at, CpuFeatures cpu);

}  // namespace limpid::xen_netfront::image

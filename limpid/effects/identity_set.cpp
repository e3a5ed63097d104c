#include "limpid/effects/identity_set.hpp"

#include <vector>

namespace limpid::effects {

Result<std::unique_ptr<IdentitySet>> identities_of(std::span<const Credentials> credentials, std::uint16_t generation) {
  auto set = std::make_unique<IdentitySet>(generation);
  for (const Credentials& each : credentials) {
    std::vector<Bytes> chain;
    for (const x509::Certificate& certificate : each.chain.certificates()) chain.push_back(certificate.der);
    auto list = x509::CertificateList::parse(chain, set->budget);
    if (!list) return fail("cannot copy a certificate that was loaded before; free some memory");
    std::optional<stack::Staple> staple;
    if (!each.staple.empty()) staple = {as_bytes(each.staple), each.staple_until};
    auto identity = stack::Identity::make(std::move(*list), each.key.copy(), set->budget, staple);
    if (!identity) return fail("cannot serve a certificate: " + std::string(stack::describe(identity.error())));
    if (!set->identities.add(std::move(*identity))) return fail("too many certificates; serve fewer");
  }
  return set;
}

}  // namespace limpid::effects

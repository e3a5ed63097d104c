// Stands in the place of TLS in the image for HTTP alone. stack::Server can do both, so it names the TLS connection;
// here what it names panics, and the linker takes nothing of TLS, X.509 or their cryptography out of the archives.
#include "limpid/tls/connection/connection.hpp"
#include "limpid/xen_netfront/image/secure.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid {
namespace {

[[noreturn]] void absent() {
  xen_netfront::platform::panic("this image serves plain HTTP only; say `plain`, or boot limpid.elf for HTTPS");
}

}  // namespace

namespace tls {

Progress<Connection::Action> Connection::advance(const Config&, Connection&, Time, const Event&, const Room<Action>&) {
  absent();
}
std::optional<Query> Connection::pending() const { absent(); }
bool Connection::restored(const LoadContext&) const { absent(); }
void Connection::describe(Writer&) const { absent(); }

}  // namespace tls

namespace xen_netfront::image {

tls::Config load_identity(const stack::SiteModule&, Budget&) { absent(); }
tls::Answer answer(const tls::Query&, CpuFeatures) { absent(); }

}  // namespace xen_netfront::image
}  // namespace limpid

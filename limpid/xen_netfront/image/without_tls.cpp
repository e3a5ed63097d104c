// Stands in the place of TLS in the image for HTTP alone. stack::Server can do both, so it names the TLS connection;
// here what it names panics, and the linker takes nothing of TLS, X.509 or their cryptography out of the archives.
#include "limpid/tls/connection/connection.hpp"
#include "limpid/xen_netfront/image/secure.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid::xen_netfront::image {
namespace {

[[noreturn]] void absent() {
  platform::panic("this image serves plain HTTP only; say `plain`, or boot limpid.elf for HTTPS");
}

}  // namespace

tls::Config load_identity(const stack::SiteModule&, Budget&) { absent(); }
tls::Answer answer(const tls::Query&, UnixTime, CpuFeatures) { absent(); }

}  // namespace limpid::xen_netfront::image

using namespace limpid;
using xen_netfront::image::absent;

Progress<tls::Connection::Action> tls::Connection::advance(const Config&, Connection&, Time, const Event&,
                                                           const Room<Action>&) {
  absent();
}
std::optional<tls::Query> tls::Connection::pending() const { absent(); }
bool tls::Connection::restored(const LoadContext&) const { absent(); }
void tls::Connection::describe(Writer&) const { absent(); }

// Stands in the place of TLS's client in the image for HTTPS. tls::Connection can be either end, so it names both; here
// what it names of a client panics, and the linker takes nothing of one out of the archives.
#include "limpid/tls/handshake/client.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid::tls::handshake {
namespace {

[[noreturn]] void absent() { xen_netfront::platform::panic("this image is no TLS client"); }

}  // namespace

std::expected<void, Error> Client::start(const Context&) { absent(); }
std::expected<void, Error> Client::receive(const Context&, Level, const wire::Handshake&) { absent(); }
std::expected<void, Error> Client::reply(const Context&, const Answer&) { absent(); }
std::optional<Query> Client::pending() const { absent(); }
const Agreement* Client::agreement() const { absent(); }

}  // namespace limpid::tls::handshake

// Stands in the place of TLS's client in the image for HTTPS. tls::Connection can be either end, so it names both; here
// what it names of a client panics, and the linker takes nothing of one out of the archives.
#include "limpid/tls/handshake/client.hpp"
#include "limpid/xen_netfront/platform/power.hpp"

namespace limpid::xen_netfront::image {
namespace {

[[noreturn]] void no_client() { platform::panic("this image is no TLS client"); }

}  // namespace
}  // namespace limpid::xen_netfront::image

using namespace limpid;
using tls::handshake::Client;
using xen_netfront::image::no_client;

std::expected<void, tls::Error> Client::start(const Context&) { no_client(); }
std::expected<void, tls::Error> Client::receive(const Context&, Level, const tls::wire::Handshake&) { no_client(); }
std::expected<void, tls::Error> Client::reply(const Context&, const Answer&) { no_client(); }
std::optional<tls::Query> Client::pending() const { no_client(); }
const tls::handshake::Agreement* Client::agreement() const { no_client(); }

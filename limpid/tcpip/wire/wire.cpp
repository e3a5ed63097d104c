#include "limpid/tcpip/wire/wire.hpp"

namespace limpid::tcpip::wire {
namespace {

template <std::size_t N>
std::array<Byte, N> read(Reader& in) {
  std::array<Byte, N> octets{};
  copy(in.take(N), octets);
  return octets;
}

}  // namespace

MacAddress read_mac(Reader& in) { return {read<6>(in)}; }
IpAddress read_ipv4(Reader& in) { return IpAddress::v4(in.u32()); }
IpAddress read_ipv6(Reader& in) { return {read<16>(in)}; }

}  // namespace limpid::tcpip::wire

// What interfaces of one device tell each other.
#include "limpid/tcpip/ip/interface.hpp"
#include "limpid/tcpip/ip/martians.hpp"

namespace limpid::tcpip::ip {

void Interface::write_knowledge(Writer& out, Instant now) const {
  encode(out, now, link_up_);
  encode(out, now, mtu_);
  encode(out, now, addresses_);
  encode(out, now, routers_);
}

bool Interface::adopt_knowledge(Time now, Reader& in, Budget& budget) {
  const LoadContext context{now.monotonic, budget};
  bool link_up = false;
  std::uint16_t mtu = 0;
  AddressList addresses(budget);
  RouterList routers(budget);
  if (!started_ || !decode(in, context, link_up) || !decode(in, context, mtu) || !decode(in, context, addresses) ||
      !decode(in, context, routers) || !in.finished() || mtu < least_mtu) {
    return false;
  }
  link_up_ = link_up;
  mtu_ = mtu;
  addresses.follow();
  addresses_ = std::move(addresses);
  routers_ = std::move(routers);
  return true;
}

void Interface::wanted(const Config& config, Time now, std::uint8_t queue, const NeighbourWanted& what) {
  // Who follows asks for the next hop of what it sends, so it is on the link.
  if (!started_ || queue >= Queue::most || routers_.next_hop(addresses_, what.address) != what.address ||
      is_martian_source(what.address) || is_ours(what.address)) {
    return;
  }
  Neighbour* neighbour = neighbours_.find(what.address);
  if (neighbour == nullptr) {
    neighbour = neighbours_.look_for(now.monotonic, config.limits, what.address, what.asking,
                                     routers_.is_router(what.address), drops_);
  }
  if (neighbour != nullptr) neighbours_.wanted(now.monotonic, *neighbour, queue, what.verify);
}

void Interface::reached(Time now, const IpAddress& neighbour) { neighbours_.confirm(now.monotonic, neighbour); }

void Interface::told(Time now, const NeighbourFound& found) {
  neighbours_.told(now.monotonic, found.address, found.mac, found.verified);
}

}  // namespace limpid::tcpip::ip

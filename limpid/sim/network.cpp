#include "limpid/sim/network.hpp"

#include "limpid/sim/device.hpp"
#include "limpid/tcpip/wire/ethernet.hpp"

namespace limpid::sim {

Network::Network(std::uint64_t seed, Budget& budget)
    : budget_(&budget), dice_(seed), flights_(budget), whole_(budget), frame_(budget), arrived_(budget) {}

std::size_t Network::attach(const LinkConditions& conditions) {
  ports_[port_count_] = {conditions, {}};
  return port_count_++;
}

bool Network::assemble_from(const Transmit& transmit) {
  const bool assembled = assemble(transmit, whole_);
  if (!assembled) ++counts_.refused;
  return assembled;
}

bool Network::next_frame(std::uint16_t segment_size, bool whole, std::size_t& at) {
  const Cut result = cut({whole_.data(), whole_.size()}, whole ? std::uint16_t{0} : segment_size, at, frame_);
  if (result.failed) ++counts_.refused;
  at = result.next;
  last_ = result.last;
  return !result.failed;
}

void Network::speak(std::size_t port, Instant now, Bytes frame, bool forged) {
  frame_.clear();
  if (!frame_.append(frame)) {
    ++counts_.refused;
    return;
  }
  carry(port, now, 0, forged);
}

void Network::carry(std::size_t from, Instant now, std::uint16_t segment_size, bool forged) {
  Port& port = ports_[from];
  const LinkConditions& conditions = port.conditions;
  ++counts_.sent;
  Instant leaves = now;
  if (conditions.bytes_per_second != 0) {
    const auto rate = static_cast<std::int64_t>(conditions.bytes_per_second);
    const Instant begins = std::max(now, port.busy_until);
    const auto waiting = (begins - now).microseconds * rate / 1'000'000;
    if (waiting + static_cast<std::int64_t>(frame_.size()) > static_cast<std::int64_t>(conditions.queue)) {
      ++counts_.overflowed;
      return;
    }
    leaves = port.busy_until = begins + microseconds(static_cast<std::int64_t>(frame_.size()) * 1'000'000 / rate);
  }
  for (std::size_t to = 0; to < port_count_; ++to) {
    if (to == from) continue;
    if (conditions.cut || dice_.chance(conditions.loss)) {
      ++counts_.lost;
      continue;
    }
    const int copies = dice_.chance(conditions.duplication) ? 2 : 1;
    if (copies == 2) ++counts_.duplicated;
    for (int copy = 0; copy < copies; ++copy) {
      Instant at = leaves + conditions.latency;
      if (conditions.jitter.microseconds > 0) {
        at = at + microseconds(static_cast<std::int64_t>(
                      dice_.up_to(static_cast<std::size_t>(conditions.jitter.microseconds) + 1) - 1));
      }
      if (dice_.chance(conditions.reordering)) {
        at = at + microseconds(static_cast<std::int64_t>(
                      dice_.up_to(static_cast<std::size_t>(conditions.reordering_delay.microseconds) + 1)));
        ++counts_.reordered;
      }
      fly(from, to, at, segment_size, forged);
    }
  }
}

void Network::fly(std::size_t from, std::size_t to, Instant at, std::uint16_t segment_size, bool forged) {
  Flight flight{at, serial_++, from, to, Buffer(*budget_), {segment_size != 0, segment_size}, forged};
  if (!flight.frame.append({frame_.data(), frame_.size()})) {
    ++counts_.refused;
    return;
  }
  constexpr std::size_t ethernet = tcpip::wire::EthernetHeader::size;
  const auto header = tcpip::wire::EthernetHeader::parse({frame_.data(), frame_.size()});
  const bool is_ip = header && header->header.ether_type != tcpip::wire::EtherType::arp;
  if (is_ip && frame_.size() > ethernet && dice_.chance(ports_[from].conditions.corruption)) {
    const std::size_t bit = dice_.up_to((frame_.size() - ethernet) * 8) - 1;
    flight.frame[ethernet + bit / 8] ^= static_cast<Byte>(1 << bit % 8);
    flight.offload.checksum_good = false;
    ++counts_.corrupted;
  }
  if (!flights_.push_back(std::move(flight))) {
    ++counts_.refused;
    return;
  }
  std::push_heap(flights_.begin(), flights_.end());
}

std::optional<Instant> Network::next() const { return flights_.empty() ? std::nullopt : std::optional(flights_[0].at); }

std::optional<Network::Arrival> Network::arrival(Instant now) {
  if (flights_.empty() || flights_[0].at > now) return std::nullopt;
  std::pop_heap(flights_.begin(), flights_.end());
  Flight& flight = flights_.back();
  arrived_ = std::move(flight.frame);
  const Arrival arrival{flight.at,      flight.from,  flight.to, {arrived_.data(), arrived_.size()},
                        flight.offload, flight.forged};
  flights_.truncate(flights_.size() - 1);
  ++counts_.delivered;
  return arrival;
}

}  // namespace limpid::sim

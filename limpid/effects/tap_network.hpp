// A client's network of our own: a host on a tap device that runs while its owner waits for something.
#pragma once

#include <map>
#include <string>

#include "limpid/effects/network.hpp"
#include "limpid/effects/sockets.hpp"
#include "limpid/effects/tap.hpp"
#include "limpid/tcpip/host/host.hpp"

namespace limpid::effects {

class TapNetwork final : public Network {
 public:
  TapNetwork(Tap tap, const tcpip::Host::Config& config);

  Result<std::vector<stream::Endpoint>> resolve(const HostPort& where, std::optional<Instant> deadline) override;
  // The streams must not outlive the network.
  Result<std::unique_ptr<Stream>> connect(const HostPort& where, const std::vector<stream::Endpoint>& endpoints,
                                          std::optional<Instant> deadline) override;

 private:
  friend class TapStream;

  struct Connection {
    bool opened = false, peer_finished = false, closed = false;
    std::optional<stream::ResetReason> reset;
    stream::Endpoint local;
    std::vector<Byte> inbox;
    bool over() const { return closed || reset; }
  };
  using Name = std::pair<std::uint32_t, std::uint32_t>;
  static Name name_of(tcpip::ConnectionId id) { return {id.index, id.generation}; }

  enum class Outcome : std::uint8_t { done, late, device_gone };
  // Runs the host until `done()`, or the deadline.
  template <class Done>
  Outcome run_until(Done&& done, std::optional<Instant> deadline);
  std::unexpected<Failure> failed(Outcome outcome, const std::string& what) const;
  tcpip::Host::Context context();
  void tell(const tcpip::Host::Event& event);
  void flush();
  void carry_out(std::span<const tcpip::Host::Action> actions);

  Tap tap_;
  const tcpip::Host::Config config_;
  const CpuFeatures cpu_;
  Budget budget_{std::size_t{256} << 20};
  tcpip::Host host_;
  std::optional<Instant> deadline_;
  bool more_ = false;
  std::map<Name, Connection> connections_;
  std::map<std::uint32_t, tcpip::dns::Resolved> resolved_;
  std::uint32_t next_token_ = 1;
  std::vector<Byte> input_, output_;
  std::vector<tcpip::Host::Action> actions_;
};

}  // namespace limpid::effects

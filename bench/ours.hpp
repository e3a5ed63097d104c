// Our side: a client and a server connection in memory, each with its clock of seconds spent.
#pragma once

#include <array>
#include <vector>

#include "bench/credentials.hpp"
#include "limpid/tls/connection/connection.hpp"

namespace limpid::bench {

class OurEnd {
 public:
  OurEnd(Credentials& credentials, const tls::Config& config, Budget& budget);

  // Steps once; what is to be sent is appended to `out`. Returns what was consumed.
  std::size_t step(const tls::Connection::Event& event, std::vector<Byte>& out);
  // Steps until it waits for the peer, answering its questions.
  void take(MutableBytes bytes, std::vector<Byte>& out);

  bool connected() const { return connection_.connected(); }
  double seconds = 0;         // spent in steps and answers
  std::size_t delivered = 0;  // bytes of plaintext

 private:
  Credentials& credentials_;
  const tls::Config& config_;
  Budget& budget_;
  tls::Connection connection_;
  bool more_ = false;
};

struct OurPair {
  OurPair(Credentials& credentials, const tls::Config& client_config, const tls::Config& server_config,
          Budget& client_budget, Budget& server_budget);
  void shake_hands();

  OurEnd client, server;
  std::vector<Byte> to_client, to_server;
};

}  // namespace limpid::bench

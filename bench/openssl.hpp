// OpenSSL's side, called as its careful users call it: contexts made once, memory BIOs, no session tickets (ours sends
// none), buffers released when idle.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <vector>

#include "bench/credentials.hpp"

namespace limpid::bench {

template <auto release>
struct Releases {
  void operator()(auto* pointer) const { release(pointer); }
};
using SslContext = std::unique_ptr<SSL_CTX, Releases<SSL_CTX_free>>;

// `suite` is one of TLS 1.3's names in OpenSSL's spelling.
SslContext openssl_context(const Credentials& credentials, bool server, const char* suite);

class OpensslEnd {
 public:
  OpensslEnd(SSL_CTX* context, bool server);

  // Goes on with the handshake.
  void handshake();
  bool connected() const { return SSL_is_init_finished(ssl_.get()) == 1; }
  SSL* ssl() { return ssl_.get(); }

  // Memory BIOs: what it sent, and what it is to receive.
  std::vector<Byte> take_sent();
  void receive(Bytes bytes);

  double seconds = 0;  // spent in OpenSSL

 private:
  std::unique_ptr<SSL, Releases<SSL_free>> ssl_;
  BIO* in_;
  BIO* out_;
};

struct OpensslPair {
  OpensslPair(SSL_CTX* client_context, SSL_CTX* server_context)
      : client(client_context, false), server(server_context, true) {}
  void shake_hands();
  OpensslEnd client, server;
};

}  // namespace limpid::bench

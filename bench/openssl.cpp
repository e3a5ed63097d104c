#include "bench/openssl.hpp"

#include <openssl/err.h>
#include <openssl/pem.h>

#include <cstdio>
#include <cstdlib>

#include "bench/stopwatch.hpp"

namespace limpid::bench {
namespace {

void check(bool good, const char* what) {
  if (good) return;
  std::fprintf(stderr, "bench: OpenSSL: %s failed\n", what);
  ERR_print_errors_fp(stderr);
  std::abort();
}

using BioPointer = std::unique_ptr<BIO, Releases<BIO_free_all>>;
BioPointer reader(const std::string& text) {
  return BioPointer(BIO_new_mem_buf(text.data(), static_cast<int>(text.size())));
}

}  // namespace

SslContext openssl_context(const Credentials& credentials, bool server, const char* suite) {
  SslContext context(SSL_CTX_new(server ? TLS_server_method() : TLS_client_method()));
  check(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1, "protocol version");
  check(SSL_CTX_set_ciphersuites(context.get(), suite) == 1, "cipher suite");
  check(SSL_CTX_set1_groups_list(context.get(), "X25519:P-256") == 1, "groups");
  SSL_CTX_set_mode(context.get(), SSL_MODE_RELEASE_BUFFERS);
  SSL_CTX_set_session_cache_mode(context.get(), SSL_SESS_CACHE_OFF);
  SSL_CTX_set_num_tickets(context.get(), 0);
  if (server) {
    std::unique_ptr<X509, Releases<X509_free>> leaf(
        PEM_read_bio_X509(reader(credentials.chain_pem).get(), nullptr, nullptr, nullptr));
    std::unique_ptr<EVP_PKEY, Releases<EVP_PKEY_free>> key(
        PEM_read_bio_PrivateKey(reader(credentials.key_pem).get(), nullptr, nullptr, nullptr));
    check(SSL_CTX_use_certificate(context.get(), leaf.get()) == 1, "certificate");
    check(SSL_CTX_use_PrivateKey(context.get(), key.get()) == 1, "private key");
  } else {
    std::unique_ptr<X509, Releases<X509_free>> anchor(
        PEM_read_bio_X509(reader(credentials.anchor_pem).get(), nullptr, nullptr, nullptr));
    check(X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()), anchor.get()) == 1, "anchor");
    SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  }
  return context;
}

OpensslEnd::OpensslEnd(SSL_CTX* context, bool server) {
  const Stopwatch stopwatch;
  ssl_.reset(SSL_new(context));
  in_ = BIO_new(BIO_s_mem());
  out_ = BIO_new(BIO_s_mem());
  BIO_ctrl(in_, BIO_C_SET_BUF_MEM_EOF_RETURN, -1, nullptr);
  SSL_set_bio(ssl_.get(), in_, out_);
  if (server) {
    SSL_set_accept_state(ssl_.get());
  } else {
    SSL_set_connect_state(ssl_.get());
    // The macro SSL_set_tlsext_host_name, without its C cast.
    SSL_ctrl(ssl_.get(), SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, const_cast<char*>(host));
    check(SSL_set1_host(ssl_.get(), host) == 1, "host");
  }
  seconds += stopwatch.elapsed();
}

void OpensslEnd::handshake() {
  const Stopwatch stopwatch;
  const int result = SSL_do_handshake(ssl_.get());
  seconds += stopwatch.elapsed();
  check(result == 1 || SSL_get_error(ssl_.get(), result) == SSL_ERROR_WANT_READ, "handshake");
}

std::vector<Byte> OpensslEnd::take_sent() {
  char* data = nullptr;
  const long size = BIO_get_mem_data(out_, &data);
  std::vector<Byte> bytes(data, data + size);
  BIO_reset(out_);
  return bytes;
}

void OpensslEnd::receive(Bytes bytes) {
  check(BIO_write(in_, bytes.data(), static_cast<int>(bytes.size())) == static_cast<int>(bytes.size()), "BIO_write");
}

void OpensslPair::shake_hands() {
  while (!client.connected() || !server.connected()) {
    client.handshake();
    server.receive(client.take_sent());
    server.handshake();
    client.receive(server.take_sent());
  }
}

}  // namespace limpid::bench

// Tries a TLS 1.2 handshake with mbedTLS and says which alert ended it: PORT.
#include <mbedtls/ctr_drbg.h>
#include <mbedtls/debug.h>
#include <mbedtls/entropy.h>
#include <mbedtls/net_sockets.h>
#include <mbedtls/ssl.h>
#include <stdio.h>
#include <string.h>

// Its log is the only place where the library says which alert came.
static void log_line(void* unused, int level, const char* file, int line, const char* text) {
  (void)unused, (void)level, (void)file, (void)line;
  const char* alert = strstr(text, "is a fatal alert message (msg ");
  int number = 0;
  if (alert != NULL && sscanf(alert, "is a fatal alert message (msg %d)", &number) == 1) printf("fatal alert %d\n", number);
}

int main(int argc, char** argv) {
  if (argc != 2) return 2;
  mbedtls_net_context net;
  mbedtls_entropy_context entropy;
  mbedtls_ctr_drbg_context generator;
  mbedtls_ssl_config config;
  mbedtls_ssl_context tls;
  mbedtls_net_init(&net);
  mbedtls_entropy_init(&entropy);
  mbedtls_ctr_drbg_init(&generator);
  mbedtls_ssl_config_init(&config);
  mbedtls_ssl_init(&tls);
  mbedtls_ctr_drbg_seed(&generator, mbedtls_entropy_func, &entropy, NULL, 0);
  mbedtls_ssl_config_defaults(&config, MBEDTLS_SSL_IS_CLIENT, MBEDTLS_SSL_TRANSPORT_STREAM, MBEDTLS_SSL_PRESET_DEFAULT);
  mbedtls_ssl_conf_authmode(&config, MBEDTLS_SSL_VERIFY_NONE);
  mbedtls_ssl_conf_rng(&config, mbedtls_ctr_drbg_random, &generator);
  mbedtls_debug_set_threshold(4);
  mbedtls_ssl_conf_dbg(&config, log_line, NULL);
  if (mbedtls_ssl_setup(&tls, &config) != 0 || mbedtls_ssl_set_hostname(&tls, "localhost") != 0) return 1;
  if (mbedtls_net_connect(&net, "127.0.0.1", argv[1], MBEDTLS_NET_PROTO_TCP) != 0) return 1;
  mbedtls_ssl_set_bio(&tls, &net, mbedtls_net_send, mbedtls_net_recv, NULL);
  printf("handshake %s\n", mbedtls_ssl_handshake(&tls) == 0 ? "done" : "refused");
  return 0;
}

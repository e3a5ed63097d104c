// TLS 1.3 by wolfSSL, as common.py's OwnPeer runs it; a client only.
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include <wolfssl/options.h>
#include <wolfssl/ssl.h>

static void fail(const char* what) {
  printf("failed: %s\n", what);
  exit(1);
}

// As wolfSSL writes them and as the RFCs do.
static const char* const suites[][2] = {{"TLS13-AES128-GCM-SHA256", "TLS_AES_128_GCM_SHA256"},
                                        {"TLS13-AES256-GCM-SHA384", "TLS_AES_256_GCM_SHA384"},
                                        {"TLS13-CHACHA20-POLY1305-SHA256", "TLS_CHACHA20_POLY1305_SHA256"}};

// The other name of a suite, of which `name` is the one in column `from`.
static const char* suite_name(const char* name, int from) {
  for (int i = 0; i < 3; ++i) {
    if (strcmp(name, suites[i][from]) == 0) return suites[i][1 - from];
  }
  return name;
}

static const char* group_name(const char* name) {
  return strcmp(name, "X25519") == 0 ? "x25519" : strcmp(name, "SECP256R1") == 0 ? "secp256r1"
         : strcmp(name, "SECP384R1") == 0                                          ? "secp384r1"
                                                                                   : name;
}

int main(int argc, char** argv) {
  if (argc != 7 || strcmp(argv[1], "client") != 0) return 2;
  const word16 group = strcmp(argv[5], "x25519") == 0      ? WOLFSSL_ECC_X25519
                       : strcmp(argv[5], "secp256r1") == 0 ? WOLFSSL_ECC_SECP256R1
                                                           : WOLFSSL_ECC_SECP384R1;
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((unsigned short)atoi(argv[2]))};
  inet_pton(AF_INET, "127.0.0.1", &address.sin_addr);
  const int fd = socket(AF_INET, SOCK_STREAM, 0);
  if (connect(fd, (struct sockaddr*)&address, sizeof address) != 0) fail("connect");

  wolfSSL_Init();
  WOLFSSL_CTX* context = wolfSSL_CTX_new(wolfTLSv1_3_client_method());
  if (wolfSSL_CTX_load_verify_locations(context, argv[3], NULL) != WOLFSSL_SUCCESS) fail("CA");
  if (wolfSSL_CTX_set_cipher_list(context, suite_name(argv[4], 1)) != WOLFSSL_SUCCESS) fail("suite");
  int groups[] = {group};
  if (wolfSSL_CTX_set_groups(context, groups, 1) != WOLFSSL_SUCCESS) fail("group");
  WOLFSSL* tls = wolfSSL_new(context);
  wolfSSL_check_domain_name(tls, "localhost");
  wolfSSL_UseSNI(tls, WOLFSSL_SNI_HOST_NAME, "localhost", 9);
  if (wolfSSL_UseKeyShare(tls, group) != WOLFSSL_SUCCESS) fail("key share");
  wolfSSL_set_fd(tls, fd);
  if (wolfSSL_connect(tls) != WOLFSSL_SUCCESS) {
    char reason[80];
    fail(wolfSSL_ERR_error_string((unsigned long)wolfSSL_get_error(tls, 0), reason));
  }
  printf("account {\"version\": \"%s\", \"suite\": \"%s\", \"group\": \"%s\"}\n", wolfSSL_get_version(tls),
         suite_name(wolfSSL_get_cipher_name(tls), 0), group_name(wolfSSL_get_curve_name(tls)));
  char buffer[4096];
  const int size = snprintf(buffer, sizeof buffer, "GET %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n", argv[6]);
  if (wolfSSL_write(tls, buffer, size) != size) fail("write");
  int received = 0;
  while ((received = wolfSSL_read(tls, buffer, sizeof buffer)) > 0) fwrite(buffer, 1, (size_t)received, stdout);
  if (wolfSSL_get_error(tls, received) != WOLFSSL_ERROR_ZERO_RETURN) fail("no close_notify");
  return 0;
}

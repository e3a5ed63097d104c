// A certification authority and a server below it, made in memory.
#pragma once

#include <optional>

#include "limpid/crypto/signature.hpp"
#include "limpid/x509/certificate.hpp"

namespace limpid::bare_machine {

inline constexpr std::string_view host_name = "bare.example";
inline constexpr UnixTime wall_time{1'800'000'000};

struct Credentials {
  Buffer anchor_der;        // of the CA's own certificate
  Buffer leaf_der;          // for host_name, signed by the CA
  Buffer certificate_list;  // the leaf as TLS sends it
  crypto::PrivateKey leaf_key;
};

// Nothing if x509 refuses, which is a wrong answer.
std::optional<Credentials> make_credentials(crypto::KeyType type, crypto::Generator& generator, Budget& budget,
                                            CpuFeatures cpu);

}  // namespace limpid::bare_machine

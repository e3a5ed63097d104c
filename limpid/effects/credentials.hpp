// Certificates and keys from files, checked on the way in.
#pragma once

#include <string>

#include "limpid/effects/passphrase.hpp"
#include "limpid/x509/certificate_list.hpp"
#include "limpid/x509/key.hpp"

namespace limpid::effects {

// What a server shows and signs with.
struct Credentials {
  x509::CertificateList chain;  // leaf first
  crypto::PrivateKey key;
  std::string staple{};     // an OCSP response about the leaf, DER; may be empty
  UnixTime staple_until{};  // when it has grown old
  std::string unstapled{};  // why one that is there is not, for a person
};

// The budget of what a process loads once, at its start; practically without limit. Not for use by several threads.
Budget& startup_budget();

// All certificates of a PEM or DER file, at least one.
Result<x509::CertificateList> load_certificates(const std::string& path);

// The first private key of a PEM or DER file. `passphrases` is asked only if it is encrypted.
Result<crypto::PrivateKey> load_private_key(const std::string& path, const PassphraseSource& passphrases = {});

// A pair that can serve at this moment: they belong together and the leaf has neither expired nor is it of the future.
// If there is a file CERTIFICATE_PATH.ocsp, it goes along as the staple, provided that it is a response which holds at
// this moment and says that the leaf is good (the chain then holds its issuer).
Result<Credentials> load_credentials(const std::string& certificate_path, const std::string& key_path, UnixTime now,
                                     const PassphraseSource& passphrases = {});

// Trust anchors from a bundle. One that does not parse is skipped; that some have keys which limpid cannot use does no
// harm.
Result<x509::CertificateList> load_roots(const std::string& path);

// Those that the host's administrator trusts: Debian's bundle, or the file that SSL_CERT_FILE names.
Result<x509::CertificateList> system_roots();

// A function of x509/ that writes a line, as a string: text_of([&](Writer& out) { write_time(out, time); }).
template <class Write>
std::string text_of(Write&& write) {
  Buffer text(startup_budget());
  Writer out(text);
  write(out);
  return std::string(as_text(Bytes(text.data(), text.size())));
}

}  // namespace limpid::effects

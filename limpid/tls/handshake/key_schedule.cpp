#include "limpid/tls/handshake/key_schedule.hpp"

namespace limpid::tls {

void hkdf_expand_label(HashAlgorithm algorithm, Bytes secret, std::string_view label, Bytes context, MutableBytes out,
                       CpuFeatures cpu) {
  // struct HkdfLabel { uint16 length; opaque label<7..255>; opaque context<0..255>; }: section 7.1.
  std::array<Byte, 2 + 1 + 255 + 1 + 255> room;
  Writer hkdf_label{MutableBytes(room)};
  hkdf_label.u16(static_cast<std::uint16_t>(out.size()));
  hkdf_label.vector8([&] {
    hkdf_label.text("tls13 ");
    hkdf_label.text(label);
  });
  hkdf_label.vector8([&] { hkdf_label.bytes(context); });
  crypto::hkdf_expand(algorithm, secret, hkdf_label.written(), out, cpu);
}

namespace {

HashSecret expand_to_digest(HashAlgorithm algorithm, Bytes secret, std::string_view label, Bytes context,
                            CpuFeatures cpu) {
  HashSecret out = HashSecret::zeros(crypto::digest_size(algorithm));
  hkdf_expand_label(algorithm, secret, label, context, out.mutable_bytes(), cpu);
  return out;
}

// Derive-Secret(., "derived", ""), which separates the stages.
HashSecret derived(HashAlgorithm algorithm, Bytes secret, CpuFeatures cpu) {
  return derive_secret(algorithm, secret, "derived", crypto::hash(algorithm, {}, cpu).bytes(), cpu);
}

// A loaded secret is as long as its hash, or is that of a default-constructed object.
bool is_consistent(HashAlgorithm algorithm, const HashSecret& secret) {
  if (secret.empty()) return algorithm == HashAlgorithm::sha256;
  return algorithm != HashAlgorithm::sha512 && secret.size() == crypto::digest_size(algorithm);
}

}  // namespace

HashSecret derive_secret(HashAlgorithm algorithm, Bytes secret, std::string_view label, Bytes transcript_hash,
                         CpuFeatures cpu) {
  return expand_to_digest(algorithm, secret, label, transcript_hash, cpu);
}

EarlySecret::EarlySecret(HashAlgorithm algorithm, Bytes psk, CpuFeatures cpu) : algorithm_(algorithm) {
  const HashSecret zeros = HashSecret::zeros(crypto::digest_size(algorithm));
  secret_ = crypto::hkdf_extract(algorithm, {}, psk.empty() ? zeros.bytes() : psk, cpu);
}

HashSecret EarlySecret::resumption_binder_key(CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "res binder", crypto::hash(algorithm_, {}, cpu).bytes(), cpu);
}

HashSecret EarlySecret::external_binder_key(CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "ext binder", crypto::hash(algorithm_, {}, cpu).bytes(), cpu);
}

HashSecret EarlySecret::client_early_traffic_secret(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "c e traffic", transcript_hash.bytes(), cpu);
}

HashSecret EarlySecret::early_exporter_master_secret(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "e exp master", transcript_hash.bytes(), cpu);
}

HandshakeSecret EarlySecret::into_handshake_secret(Bytes shared_secret, CpuFeatures cpu) && {
  const HashSecret salt = derived(algorithm_, bytes(), cpu);
  secret_.wipe();
  return {algorithm_, crypto::hkdf_extract(algorithm_, salt.bytes(), shared_secret, cpu)};
}

bool EarlySecret::restored(const LoadContext&) const { return is_consistent(algorithm_, secret_); }

HashSecret HandshakeSecret::client_handshake_traffic_secret(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "c hs traffic", transcript_hash.bytes(), cpu);
}

HashSecret HandshakeSecret::server_handshake_traffic_secret(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "s hs traffic", transcript_hash.bytes(), cpu);
}

MasterSecret HandshakeSecret::into_master_secret(CpuFeatures cpu) && {
  const HashSecret salt = derived(algorithm_, bytes(), cpu);
  secret_.wipe();
  const HashSecret zeros = HashSecret::zeros(crypto::digest_size(algorithm_));
  return {algorithm_, crypto::hkdf_extract(algorithm_, salt.bytes(), zeros.bytes(), cpu)};
}

bool HandshakeSecret::restored(const LoadContext&) const { return is_consistent(algorithm_, secret_); }

HashSecret MasterSecret::client_application_traffic_secret_0(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "c ap traffic", transcript_hash.bytes(), cpu);
}

HashSecret MasterSecret::server_application_traffic_secret_0(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "s ap traffic", transcript_hash.bytes(), cpu);
}

HashSecret MasterSecret::exporter_master_secret(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "exp master", transcript_hash.bytes(), cpu);
}

HashSecret MasterSecret::resumption_master_secret(const Digest& transcript_hash, CpuFeatures cpu) const {
  return derive_secret(algorithm_, bytes(), "res master", transcript_hash.bytes(), cpu);
}

bool MasterSecret::restored(const LoadContext&) const { return is_consistent(algorithm_, secret_); }

// "TLS-Exporter(label, context_value, key_length) = HKDF-Expand-Label(Derive-Secret(Secret, label, ""), "exporter",
// Hash(context_value), key_length)".
void export_keying_material(HashAlgorithm algorithm, const HashSecret& exporter_master_secret, std::string_view label,
                            Bytes context, MutableBytes out, CpuFeatures cpu) {
  const HashSecret secret =
      derive_secret(algorithm, exporter_master_secret.bytes(), label, crypto::hash(algorithm, {}, cpu).bytes(), cpu);
  hkdf_expand_label(algorithm, secret.bytes(), "exporter", crypto::hash(algorithm, context, cpu).bytes(), out, cpu);
}

HashSecret next_traffic_secret(HashAlgorithm algorithm, const HashSecret& traffic_secret, CpuFeatures cpu) {
  return expand_to_digest(algorithm, traffic_secret.bytes(), "traffic upd", {}, cpu);
}

TrafficKeys traffic_keys(wire::CipherSuite cipher_suite, const HashSecret& traffic_secret, CpuFeatures cpu) {
  const HashAlgorithm algorithm = wire::hash_of(cipher_suite);
  TrafficKeys keys;
  keys.key = SecretBytes<32>::zeros(crypto::aead_key_size(wire::aead_of(cipher_suite)));
  hkdf_expand_label(algorithm, traffic_secret.bytes(), "key", {}, keys.key.mutable_bytes(), cpu);
  hkdf_expand_label(algorithm, traffic_secret.bytes(), "iv", {}, keys.iv.mutable_bytes(), cpu);
  return keys;
}

HashSecret finished_key(HashAlgorithm algorithm, const HashSecret& base_key, CpuFeatures cpu) {
  return expand_to_digest(algorithm, base_key.bytes(), "finished", {}, cpu);
}

HashSecret finished_verify_data(HashAlgorithm algorithm, const HashSecret& base_key, const Digest& transcript_hash,
                                CpuFeatures cpu) {
  const HashSecret key = finished_key(algorithm, base_key, cpu);
  return crypto::hmac(algorithm, key.bytes(), transcript_hash.bytes(), cpu);
}

HashSecret resumption_psk(HashAlgorithm algorithm, const HashSecret& resumption_master_secret, Bytes ticket_nonce,
                          CpuFeatures cpu) {
  return expand_to_digest(algorithm, resumption_master_secret.bytes(), "resumption", ticket_nonce, cpu);
}

}  // namespace limpid::tls

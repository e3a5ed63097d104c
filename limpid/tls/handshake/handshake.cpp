#include "limpid/tls/handshake/handshake.hpp"

namespace limpid::tls::handshake {

std::expected<FinishedVerified, Error> verify_finished(const wire::Handshake& message, crypto::HashAlgorithm hash,
                                                       const HashSecret& base_secret,
                                                       const crypto::Digest& transcript_hash, CpuFeatures cpu) {
  const auto finished = wire::Finished::parse(message.body, crypto::digest_size(hash));
  if (!finished) return std::unexpected(finished.error());
  const HashSecret expected = finished_verify_data(hash, base_secret, transcript_hash, cpu);
  if (!constant_time_equal(expected.bytes(), finished->verify_data)) return refuse(Fault::finished_invalid);
  return FinishedVerified();
}

}  // namespace limpid::tls::handshake

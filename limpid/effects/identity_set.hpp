// Who answers the questions that TLS asks a server.
#pragma once

#include <memory>
#include <span>

#include "limpid/effects/clock.hpp"
#include "limpid/effects/credentials.hpp"
#include "limpid/stack/identity.hpp"

namespace limpid::effects {

// Identities with the budget that they charge, so that they can be made in one thread and end in another.
struct IdentitySet {
  explicit IdentitySet(std::uint16_t generation) : identities(budget, generation) {}
  Budget budget{std::size_t{1} << 40};
  stack::Identities identities;
};

// A copy of what was loaded; each thread has its own.
Result<std::unique_ptr<IdentitySet>> identities_of(std::span<const Credentials> credentials, std::uint16_t generation);

// Those of now, and those of before the last renewal, for handshakes that began with them.
class CurrentIdentities {
 public:
  explicit CurrentIdentities(std::unique_ptr<IdentitySet> first) : now_(std::move(first)) {}

  void renew(std::unique_ptr<IdentitySet> next) { before_ = std::exchange(now_, std::move(next)); }

  tls::Answer answer(const tls::Query& question, CpuFeatures cpu) {
    const UnixTime at = now().wall;
    const auto answer = now_->identities.answer(question, at, cpu);
    const auto* declined = std::get_if<tls::Declined>(&answer);
    // The key was chosen among those before the last renewal.
    if (declined != nullptr && declined->fault == tls::Fault::signing_failed && before_) {
      return before_->identities.answer(question, at, cpu);
    }
    return answer;
  }

 private:
  std::unique_ptr<IdentitySet> now_, before_;
};

}  // namespace limpid::effects

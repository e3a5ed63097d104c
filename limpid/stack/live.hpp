// Live states that leave their process, never twice (ARCHITECTURE.md, law 4). A state that was copied would use its
// keys' nonces again, so:
//
//   seal   consumes the live state; only the sealed bytes are left.
//   open   gives a live state again, but only to who holds the Claim on its id, and only by way of fresh entropy.
//   replay gives, without a claim, a state that can be stepped and looked at but not taken for a live one.
//
// Not guaranteed: that two machines that share no claims folder are not given the same bytes.
#pragma once

#include "limpid/core/snapshot.hpp"
#include "limpid/crypto/seal.hpp"
#include "limpid/tls/connection/vocabulary.hpp"

namespace limpid::stack {

// The right to go on with the state that was sealed under this id: nobody else has it, nor ever will. Used up by open.
class Claim {
 public:
  // For a driver that has just made sure of it for good, say by creating a file of that name with O_EXCL.
  static Claim granted(const crypto::SealId& id) { return Claim(id); }

  Claim(Claim&&) = default;
  Claim& operator=(Claim&&) = default;
  Claim(const Claim&) = delete;
  Claim& operator=(const Claim&) = delete;
  const crypto::SealId& id() const { return id_; }

 private:
  explicit Claim(const crypto::SealId& id) : id_(id) {}
  crypto::SealId id_;
};

// The claims on a series of states that were sealed together, under ids that count up from one that was claimed: who
// hands over thousands of connections claims once.
class ClaimSeries {
 public:
  explicit ClaimSeries(Claim first) : first_(first.id()) {}

  // The id in place n of the series that begins with `first`, whose last four bytes are zero. `first` is place 0.
  static crypto::SealId id(const crypto::SealId& first, std::uint32_t n) {
    crypto::SealId id = first;
    for (std::size_t i = 0; i < 4; ++i) id[15 - i] = static_cast<Byte>(n >> 8 * i);
    return id;
  }

  // The claim on place n, which is later than all that were asked for before: no place is given twice.
  std::optional<Claim> claim(std::uint32_t n) {
    if (n <= last_) return std::nullopt;
    last_ = n;
    return Claim::granted(id(first_, n));
  }

 private:
  crypto::SealId first_;
  std::uint32_t last_ = 0;
};

struct LiveFault {
  enum class Step : std::uint8_t { claim, seal, snapshot } step{};
  crypto::SealFault seal{};
  SnapshotFault snapshot{};
  std::string_view describe() const {
    switch (step) {
      case Step::claim:
        return "the claim is on another sealed state";
      case Step::seal:
        return crypto::describe(seal);
      case Step::snapshot:
        return limpid::describe(snapshot);
    }
    return "";
  }
};

// A live state that was opened and has not had its entropy yet. There is nothing else to do with it.
template <Machine S>
class Dormant {
 public:
  explicit Dormant(S state) : state_(std::move(state)) {}

  // The first step: `entropy` is fresh and used for nothing else.
  Stepped<S> wake(const typename S::Config& config, Time now, const std::array<Byte, 32>& entropy,
                  const Room<typename S::Action>& room) && {
    return step(config, std::move(state_), now, typename S::Event{tls::Entropy{entropy}}, room);
  }

 private:
  S state_;
};

// A state to look at and to experiment with: what it sends must reach no peer. Drivers take an S, and this is none.
template <Machine S>
class Replay {
 public:
  explicit Replay(S state) : state_(std::move(state)) {}
  const S& state() const { return state_; }
  Progress<typename S::Action> advance(const typename S::Config& config, Time now, const typename S::Event& event,
                                       const Room<typename S::Action>& room) {
    return S::advance(config, state_, now, event, room);
  }

 private:
  S state_;
};

// Overwrites a buffer that held keys.
inline void wipe(Buffer& buffer) { limpid::wipe({buffer.data(), buffer.size()}); }

// Seals a live state and ends it here: afterwards `state` is newborn and owns nothing. On failure it is as before. `id`
// and `salt` are fresh and random.
template <Machine S>
  requires(!std::is_reference_v<S>)
std::expected<Buffer, LiveFault> seal(S&& state, Instant now, const crypto::SealKey& key, const crypto::SealId& id,
                                      const crypto::SealSalt& salt, Budget& budget, CpuFeatures cpu) {
  auto saved = save(state, now, budget);
  if (!saved) return std::unexpected(LiveFault{LiveFault::Step::snapshot, {}, saved.error()});
  auto sealed = crypto::seal({saved->data(), saved->size()}, key, id, salt, budget, cpu);
  wipe(*saved);
  if (!sealed) return std::unexpected(LiveFault{LiveFault::Step::seal, sealed.error(), {}});
  state = S{};
  return std::move(*sealed);
}

namespace live {

template <Machine S>
std::expected<S, LiveFault> load_sealed(Bytes sealed, const crypto::SealKey& key, const LoadContext& context) {
  auto saved = crypto::open(sealed, key, context.budget, context.cpu);
  if (!saved) return std::unexpected(LiveFault{LiveFault::Step::seal, saved.error(), {}});
  auto state = load<S>({saved->data(), saved->size()}, context);
  wipe(*saved);
  if (!state) return std::unexpected(LiveFault{LiveFault::Step::snapshot, {}, state.error()});
  return std::move(*state);
}

}  // namespace live

// The live state, for who holds the claim, which is used up even if this fails: the connection is lost then.
template <Machine S>
std::expected<Dormant<S>, LiveFault> open(Claim claim, Bytes sealed, const crypto::SealKey& key,
                                          const LoadContext& context) {
  if (crypto::sealed_id(sealed) != claim.id()) return std::unexpected(LiveFault{LiveFault::Step::claim});
  auto state = live::load_sealed<S>(sealed, key, context);
  if (!state) return std::unexpected(state.error());
  return Dormant<S>(std::move(*state));
}

// The state without a claim.
template <Machine S>
std::expected<Replay<S>, LiveFault> replay(Bytes sealed, const crypto::SealKey& key, const LoadContext& context) {
  auto state = live::load_sealed<S>(sealed, key, context);
  if (!state) return std::unexpected(state.error());
  return Replay<S>(std::move(*state));
}

}  // namespace limpid::stack

// The canonical encoding of states, events and actions: one value has one encoding, one encoding at most one value.
//
// A struct lists its fields once,
//
//     static void fields(auto& self, auto&& visit) { visit(self.a, self.b); }
//
// and with that it can be saved, loaded, compared and digested. Beyond such structs these encode: bool, integers, enums
// with an ADL `constexpr bool is_valid(E)`, Bytes, std::string_view, Secret, SecretBytes, Instant (as what remains of
// it), Duration, UnixTime, std::array, std::optional, std::variant, Vec, Deque, Box. Integers are big-endian; lengths and
// counts are 32 bits.
//
// What cannot be saved as it is (expanded keys, tables) is left out of `fields` and rebuilt by an optional member
// `bool restored(const LoadContext&)`, which also checks invariants between fields: false refuses the snapshot.
// It must be deterministic and must not consume randomness.
#pragma once

#include <array>
#include <expected>
#include <optional>
#include <variant>

#include "limpid/core/box.hpp"
#include "limpid/core/cpu_features.hpp"
#include "limpid/core/deque.hpp"
#include "limpid/core/reader.hpp"
#include "limpid/core/secret.hpp"
#include "limpid/core/time.hpp"
#include "limpid/core/vec.hpp"
#include "limpid/core/writer.hpp"

namespace limpid {

struct LoadContext {
  Instant now;
  Budget& budget;
  CpuFeatures cpu{};
};

enum class SnapshotFault : std::uint8_t {
  not_a_snapshot,  // the magic is missing
  wrong_machine,   // of another kind of machine
  wrong_version,   // written by a limpid that encodes this machine differently
  malformed,       // truncated, not canonical, trailing bytes, or an invariant does not hold
  out_of_memory,   // the budget refused
};

constexpr std::string_view describe(SnapshotFault fault) {
  switch (fault) {
    case SnapshotFault::not_a_snapshot:
      return "not a limpid snapshot";
    case SnapshotFault::wrong_machine:
      return "a snapshot of another kind of machine";
    case SnapshotFault::wrong_version:
      return "a snapshot from another version of limpid";
    case SnapshotFault::malformed:
      return "the snapshot is damaged";
    case SnapshotFault::out_of_memory:
      return "the memory budget does not hold the snapshot's state";
  }
  return "";
}

// Stands in front of every saved state: what it is a state of, and which version of its encoding.
struct SnapshotKind {
  char name[5];  // four characters
  std::uint16_t version;
};

namespace snapshot {

template <class T>
concept HasFields = requires(T& value) { T::fields(value, [](auto&...) {}); };

template <class T, template <class...> class Template>
inline constexpr bool is = false;
template <class... Parameters, template <class...> class Template>
inline constexpr bool is<Template<Parameters...>, Template> = true;

template <class T>
inline constexpr bool is_secret = false;
template <std::size_t N>
inline constexpr bool is_secret<Secret<N>> = true;
template <class T>
inline constexpr bool is_secret_bytes = false;
template <std::size_t N>
inline constexpr bool is_secret_bytes<SecretBytes<N>> = true;
template <class T>
inline constexpr bool is_array = false;
template <class T, std::size_t N>
inline constexpr bool is_array<std::array<T, N>> = true;

template <class T>
concept ByteView = std::same_as<T, Bytes> || std::same_as<T, MutableBytes> || std::same_as<T, std::string_view>;

}  // namespace snapshot

// Appends the encoding of one value, without a header: for recordings and digests.
template <class T>
void encode(Writer& out, Instant now, const T& value);
// Reads what `encode` wrote. Views in the value point into what `in` reads. False if it is not canonical.
template <class T>
bool decode(Reader& in, const LoadContext& context, T& value);

namespace snapshot {

template <class Sequence>
void encode_all(Writer& out, Instant now, const Sequence& values) {
  if constexpr (std::same_as<Sequence, std::string_view>) {
    out.text(values);
  } else if constexpr (std::same_as<std::remove_cvref_t<decltype(*values.begin())>, Byte>) {
    out.bytes(Bytes(values.data(), values.size()));
  } else {
    for (const auto& value : values) encode(out, now, value);
  }
}

template <class T, std::size_t I = 0>
bool decode_alternative(Reader& in, const LoadContext& context, std::size_t index, T& value) {
  if constexpr (I == std::variant_size_v<T>) {
    return false;
  } else if (index == I) {
    return decode(in, context, value.template emplace<I>());
  } else {
    return decode_alternative<T, I + 1>(in, context, index, value);
  }
}

inline constexpr std::string_view magic = "limpid";

}  // namespace snapshot

template <class T>
void encode(Writer& out, Instant now, const T& value) {
  if constexpr (std::same_as<T, bool>) {
    out.u8(value ? 1 : 0);
  } else if constexpr (std::is_enum_v<T>) {
    encode(out, now, static_cast<std::underlying_type_t<T>>(value));
  } else if constexpr (std::integral<T>) {
    const auto bits = static_cast<std::uint64_t>(value);
    if constexpr (sizeof(T) == 1) out.u8(static_cast<std::uint8_t>(bits));
    if constexpr (sizeof(T) == 2) out.u16(static_cast<std::uint16_t>(bits));
    if constexpr (sizeof(T) == 4) out.u32(static_cast<std::uint32_t>(bits));
    if constexpr (sizeof(T) == 8) out.u64(bits);
  } else if constexpr (std::same_as<T, Instant>) {
    encode(out, now, value.microseconds - now.microseconds);
  } else if constexpr (std::same_as<T, Duration>) {
    encode(out, now, value.microseconds);
  } else if constexpr (std::same_as<T, UnixTime>) {
    encode(out, now, value.seconds);
  } else if constexpr (snapshot::ByteView<T> || snapshot::is<T, Vec> || snapshot::is<T, Deque>) {
    if (value.size() > UINT32_MAX) return out.fail();
    out.u32(static_cast<std::uint32_t>(value.size()));
    snapshot::encode_all(out, now, value);
  } else if constexpr (snapshot::is_array<T>) {
    snapshot::encode_all(out, now, value);
  } else if constexpr (snapshot::is_secret<T>) {
    out.bytes(value.bytes());
  } else if constexpr (snapshot::is_secret_bytes<T>) {
    out.vector8([&] { out.bytes(value.bytes()); });
  } else if constexpr (snapshot::is<T, std::optional> || snapshot::is<T, Box>) {
    out.u8(value ? 1 : 0);
    if (value) encode(out, now, *value);
  } else if constexpr (snapshot::is<T, std::variant>) {
    out.u8(static_cast<std::uint8_t>(value.index()));
    std::visit([&](const auto& held) { encode(out, now, held); }, value);
  } else if constexpr (std::same_as<T, std::monostate>) {
  } else {
    static_assert(snapshot::HasFields<const T>, "a saved struct lists its fields");
    T::fields(value, [&](const auto&... field) { (encode(out, now, field), ...); });
  }
}

template <class T>
bool decode(Reader& in, const LoadContext& context, T& value) {
  if constexpr (std::same_as<T, bool>) {
    const std::uint8_t encoded = in.u8();
    value = encoded == 1;
    return !in.failed() && encoded <= 1;
  } else if constexpr (std::is_enum_v<T>) {
    std::underlying_type_t<T> encoded{};
    if (!decode(in, context, encoded)) return false;
    value = static_cast<T>(encoded);
    return is_valid(value);
  } else if constexpr (std::integral<T>) {
    if constexpr (sizeof(T) == 1) value = static_cast<T>(in.u8());
    if constexpr (sizeof(T) == 2) value = static_cast<T>(in.u16());
    if constexpr (sizeof(T) == 4) value = static_cast<T>(in.u32());
    if constexpr (sizeof(T) == 8) value = static_cast<T>(in.u64());
    return !in.failed();
  } else if constexpr (std::same_as<T, Instant>) {
    std::int64_t remaining = 0;
    return decode(in, context, remaining) &&
           !__builtin_add_overflow(context.now.microseconds, remaining, &value.microseconds);
  } else if constexpr (std::same_as<T, Duration>) {
    return decode(in, context, value.microseconds);
  } else if constexpr (std::same_as<T, UnixTime>) {
    return decode(in, context, value.seconds);
  } else if constexpr (snapshot::ByteView<T>) {
    const Bytes view = in.take(in.u32());
    if constexpr (std::same_as<T, std::string_view>) {
      value = as_text(view);
    } else {
      // Only events hold mutable views, and only from a recording that its reader owns and may alter.
      value = T(const_cast<Byte*>(view.data()), view.size());
    }
    return !in.failed();
  } else if constexpr (snapshot::is<T, Vec> || snapshot::is<T, Deque>) {
    const std::size_t count = in.u32();
    // Every element takes at least a byte, so a lying count cannot claim memory that its snapshot does not back.
    if (in.failed() || count > in.remaining()) return false;
    value = T(context.budget);
    if (!value.resize(count)) return false;
    if constexpr (std::same_as<T, Buffer>) {
      copy(in.take(count), {value.data(), count});
    } else {
      for (auto& element : value) {
        if (!decode(in, context, element)) return false;
      }
    }
    return true;
  } else if constexpr (snapshot::is_array<T>) {
    for (auto& element : value) {
      if (!decode(in, context, element)) return false;
    }
    return true;
  } else if constexpr (snapshot::is_secret<T>) {
    const Bytes bytes = in.take(T::size);
    if (in.failed()) return false;
    copy(bytes, value.mutable_bytes());
    return true;
  } else if constexpr (snapshot::is_secret_bytes<T>) {
    const Bytes bytes = in.vector8();
    value = T(bytes);
    return !in.failed() && bytes.size() <= T::max_size;
  } else if constexpr (snapshot::is<T, std::optional>) {
    bool present = false;
    if (!decode(in, context, present)) return false;
    value.reset();
    return !present || decode(in, context, value.emplace());
  } else if constexpr (snapshot::is<T, Box>) {
    bool present = false;
    if (!decode(in, context, present)) return false;
    value.reset();
    if (!present) return true;
    value = T::make(context.budget);
    return value && decode(in, context, *value);
  } else if constexpr (snapshot::is<T, std::variant>) {
    const std::uint8_t index = in.u8();
    return !in.failed() && snapshot::decode_alternative(in, context, index, value);
  } else if constexpr (std::same_as<T, std::monostate>) {
    return true;
  } else {
    bool ok = true;
    T::fields(value, [&](auto&... field) { ok = (decode(in, context, field) && ...); });
    if constexpr (requires { value.restored(context); }) ok = ok && value.restored(context);
    return ok;
  }
}

// Saves a state, plaintext keys included: what leaves the process goes through crypto::seal first.
// `State::snapshot_kind` names machine and version.
template <class State>
std::expected<Buffer, SnapshotFault> save(const State& state, Instant now, Budget& budget) {
  Buffer saved(budget);
  Writer out(saved);
  out.text(snapshot::magic);
  out.text({State::snapshot_kind.name, 4});
  out.u16(State::snapshot_kind.version);
  encode(out, now, state);
  if (out.failed()) return std::unexpected(SnapshotFault::out_of_memory);
  return saved;
}

// load(save(s, now), now) equals s and save(load(x, now), now) equals x. Any other input is refused, never trusted:
// the state that comes back satisfies its invariants, whatever the bytes were.
template <class State>
std::expected<State, SnapshotFault> load(Bytes saved, const LoadContext& context) {
  Reader in(saved);
  if (in.take(snapshot::magic.size()) != as_bytes(snapshot::magic))
    return std::unexpected(SnapshotFault::not_a_snapshot);
  if (in.take(4) != as_bytes({State::snapshot_kind.name, 4})) return std::unexpected(SnapshotFault::wrong_machine);
  if (in.u16() != State::snapshot_kind.version) return std::unexpected(SnapshotFault::wrong_version);
  const std::uint64_t refusals = context.budget.refusals();
  State state{};
  if (!decode(in, context, state) || !in.finished()) {
    return std::unexpected(context.budget.refusals() != refusals ? SnapshotFault::out_of_memory
                                                                 : SnapshotFault::malformed);
  }
  return state;
}

}  // namespace limpid

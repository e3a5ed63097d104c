// Key material: wiped when it dies or moves away, compared in constant time, copied only by name, never printed.
#pragma once

#include <array>
#include <utility>

#include "limpid/core/constant_time.hpp"

namespace limpid {

template <std::size_t N>
class Secret {
 public:
  static constexpr std::size_t size = N;

  Secret() = default;  // all zero
  explicit Secret(std::span<const Byte, N> bytes) { std::copy(bytes.begin(), bytes.end(), bytes_.begin()); }
  Secret(Secret&& other) noexcept : bytes_(other.bytes_) { other.wipe(); }
  Secret& operator=(Secret&& other) noexcept {
    if (this != &other) {
      bytes_ = other.bytes_;
      other.wipe();
    }
    return *this;
  }
  Secret(const Secret&) = delete;
  Secret& operator=(const Secret&) = delete;
  ~Secret() { wipe(); }

  Secret clone() const { return Secret(bytes()); }
  void wipe() { limpid::wipe(bytes_); }

  std::span<const Byte, N> bytes() const { return bytes_; }
  std::span<Byte, N> mutable_bytes() { return bytes_; }

  friend bool operator==(const Secret& a, const Secret& b) { return constant_time_equal(a.bytes_, b.bytes_); }

 private:
  std::array<Byte, N> bytes_{};
};

// A secret of at most Max bytes whose length is public: what HKDF derives with the hash that was negotiated.
template <std::size_t Max>
class SecretBytes {
  static_assert(Max <= 255);

 public:
  static constexpr std::size_t max_size = Max;

  SecretBytes() = default;  // empty
  // Copies the first Max bytes of `bytes` at most.
  explicit SecretBytes(Bytes bytes) : SecretBytes(SecretBytes::zeros(bytes.size())) {
    copy(bytes.first(size_), mutable_bytes());
  }
  static SecretBytes zeros(std::size_t size) {
    SecretBytes secret;
    secret.size_ = static_cast<std::uint8_t>(std::min(size, Max));
    return secret;
  }
  SecretBytes(SecretBytes&& other) noexcept
      : storage_(std::move(other.storage_)), size_(std::exchange(other.size_, 0)) {}
  SecretBytes& operator=(SecretBytes&& other) noexcept {
    if (this == &other) return *this;
    storage_ = std::move(other.storage_);
    size_ = std::exchange(other.size_, 0);
    return *this;
  }

  SecretBytes clone() const { return SecretBytes(bytes()); }
  void wipe() {
    storage_.wipe();
    size_ = 0;
  }

  std::size_t size() const { return size_; }
  bool empty() const { return size_ == 0; }
  Bytes bytes() const { return Bytes(storage_.bytes()).first(size_); }
  MutableBytes mutable_bytes() { return MutableBytes(storage_.mutable_bytes()).first(size_); }

  friend bool operator==(const SecretBytes& a, const SecretBytes& b) {
    return constant_time_equal(a.bytes(), b.bytes());
  }

 private:
  Secret<Max> storage_;
  std::uint8_t size_ = 0;
};

}  // namespace limpid

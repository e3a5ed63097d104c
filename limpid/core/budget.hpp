// Memory is a budget. Pure code allocates only through a Budget, which may refuse; a refusal is an outcome, not a
// crash.
#pragma once

#include <cstddef>
#include <cstdint>

// The one hook below every container, supplied by whoever links the pure archives (effects/ uses malloc, the boot image
// its arena). `limpid_allocate` returns null or memory aligned to 16; `limpid_release` gets the same size back.
extern "C" void* limpid_allocate(std::size_t size);
extern "C" void limpid_release(void* memory, std::size_t size);

namespace limpid {

// Charges the bytes requested, not what the allocator rounds them to. Outlives every container that points to it.
class Budget {
 public:
  explicit Budget(std::size_t limit) : limit_(limit) {}
  Budget(const Budget&) = delete;
  Budget& operator=(const Budget&) = delete;

  // Null if the limit would be passed, if the hook has no memory, or if the refusal was planted.
  [[nodiscard]] void* allocate(std::size_t size);
  void release(void* memory, std::size_t size);

  // Sets memory aside without allocating it, for admission: what was reserved by a caller it may hand to a Budget of
  // its own. False, and nothing changed, if the limit would be passed.
  [[nodiscard]] bool reserve(std::size_t size);
  void unreserve(std::size_t size) { used_ -= size; }

  std::size_t limit() const { return limit_; }
  std::size_t used() const { return used_; }
  std::size_t peak() const { return peak_; }
  std::uint64_t allocations() const { return allocations_; }  // attempts, refused ones included
  std::uint64_t refusals() const { return refusals_; }

  // From now on it has this limit, and so much of it is used: for whoever repeats what was done under another budget.
  void pretend(std::size_t limit, std::size_t used) {
    limit_ = limit;
    used_ = used;
  }

  // Refuses the n-th attempt from now (1 is the next), once: for tests and fuzzers. 0 plants nothing.
  void refuse_attempt(std::uint64_t n) { planted_refusal_ = n == 0 ? 0 : allocations_ + n; }

 private:
  std::size_t limit_;
  std::size_t used_ = 0;
  std::size_t peak_ = 0;
  std::uint64_t allocations_ = 0;
  std::uint64_t refusals_ = 0;
  std::uint64_t planted_refusal_ = 0;
};

}  // namespace limpid

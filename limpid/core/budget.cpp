#include "limpid/core/budget.hpp"

namespace limpid {

bool Budget::reserve(std::size_t size) {
  if (size > limit_ - used_) return false;
  used_ += size;
  if (used_ > peak_) peak_ = used_;
  return true;
}

void* Budget::allocate(std::size_t size) {
  ++allocations_;
  if (allocations_ == planted_refusal_ || !reserve(size)) {
    ++refusals_;
    return nullptr;
  }
  void* memory = limpid_allocate(size);
  if (memory == nullptr) {
    unreserve(size);
    ++refusals_;
  }
  return memory;
}

void Budget::release(void* memory, std::size_t size) {
  if (memory == nullptr) return;
  limpid_release(memory, size);
  unreserve(size);
}

}  // namespace limpid

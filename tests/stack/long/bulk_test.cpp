#include "tests/stack/bulk.hpp"

namespace limpid::test {
namespace {

TEST(Bulk, OneGibibyteEachWay) {
  sim::TransportOptions options;
  options.largest_delivery = 100'000;
  options.largest_room = 1 << 17;
  options.pipe = 1 << 18;
  options.cpu = best_cpu();
  move_both_ways(std::uint64_t{1} << 30, options);
}

}  // namespace
}  // namespace limpid::test

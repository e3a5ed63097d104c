#include "tests/stack/bulk.hpp"

namespace limpid::test {
namespace {

TEST(Bulk, SixtyFourMebibytesEachWay) {
  sim::TransportOptions options;
  options.largest_delivery = 40'000;
  options.cpu = best_cpu();
  move_both_ways(std::uint64_t{64} << 20, options);
}

TEST(Bulk, TinyPiecesInTinyRooms) {
  sim::TransportOptions options;
  options.largest_delivery = 50;
  options.largest_room = 1300;
  options.pipe = 3000;
  options.cpu = best_cpu();
  move_both_ways(1 << 20, options);
}

}  // namespace
}  // namespace limpid::test

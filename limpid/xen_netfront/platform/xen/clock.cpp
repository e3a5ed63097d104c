#include "limpid/xen_netfront/platform/xen/clock.hpp"

#include "limpid/xen_netfront/platform/cpu.hpp"
#include "limpid/xen_netfront/platform/xen/abi.hpp"
#include "limpid/xen_netfront/platform/xen/hypervisor.hpp"

namespace limpid::xen_netfront::platform {
namespace {

// `read` is run again if the version said that its source was being written, or was written meanwhile.
template <class Read>
auto read_consistently(const std::uint32_t& version, Read&& read) {
  for (;;) {
    const std::uint32_t before = read_once(version);
    barrier();
    const auto value = read();
    barrier();
    if (before % 2 == 0 && before == read_once(version)) return value;
    asm volatile("pause");
  }
}

constexpr std::uint64_t nanoseconds_in_second = 1'000'000'000;

// xen.h, struct vcpu_time_info.
std::uint64_t nanoseconds(const vcpu_time_info& time, std::uint64_t ticks) {
  const int shift = read_once(time.tsc_shift);
  ticks = shift >= 0 ? ticks << shift : ticks >> -shift;
  std::uint64_t low = ticks, high;
  asm("mulq %2" : "+a"(low), "=d"(high) : "r"(std::uint64_t{read_once(time.tsc_to_system_mul)}) : "cc");
  return high << 32 | low >> 32;
}

// Of the beginning of system time: nanoseconds since 1970.
std::uint64_t wall_clock_base() {
  const shared_info& info = shared();
  return read_consistently(info.wc_version, [&] {
    const std::uint64_t seconds = std::uint64_t{read_once(info.wc_sec_hi)} << 32 | read_once(info.wc_sec);
    return seconds * nanoseconds_in_second + read_once(info.wc_nsec);
  });
}

}  // namespace

std::uint64_t system_time() {
  const vcpu_time_info& time = shared().vcpu_info[0].time;
  return read_consistently(time.version, [&] {
    return read_once(time.system_time) + nanoseconds(time, time_stamp() - read_once(time.tsc_timestamp));
  });
}

Duration since_entry() {
  const vcpu_time_info& time = shared().vcpu_info[0].time;
  const std::uint64_t passed =
      read_consistently(time.version, [&] { return nanoseconds(time, time_stamp() - entry_time_stamp()); });
  return {static_cast<std::int64_t>(passed / 1000)};
}

Time now() {
  const std::uint64_t system = system_time();
  return {{static_cast<std::int64_t>(system / 1000)},
          {static_cast<std::int64_t>((wall_clock_base() + system) / nanoseconds_in_second)}};
}

std::uint64_t system_time_of(Instant instant) {
  constexpr std::int64_t most = INT64_MAX / 1000;
  if (instant.microseconds <= 0) return 1;
  return static_cast<std::uint64_t>(instant.microseconds < most ? instant.microseconds : most) * 1000;
}

}  // namespace limpid::xen_netfront::platform

// Which instructions the kernels of crypto/ may use. A value passed in, part of neither configuration nor state: every
// choice gives the same bytes. Pure code never asks the CPU; effects/ and xen_netfront/platform do.
#pragma once

namespace limpid {

struct CpuFeatures {
  bool aes_pclmul = false;  // AES-NI, PCLMULQDQ and SSSE3

  friend constexpr bool operator==(const CpuFeatures&, const CpuFeatures&) = default;
};

inline constexpr CpuFeatures portable_cpu{};

}  // namespace limpid

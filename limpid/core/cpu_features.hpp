// Which instructions the kernels of crypto/ may use. A value passed in, part of neither configuration nor state: every
// choice gives the same bytes. Pure code never asks the CPU; effects/ and xen_netfront/platform do.
#pragma once

namespace limpid {

// The bits of AVX-512 are set only where the registers may be used, too: XCR0 has them enabled.
struct CpuFeatures {
  bool aes_pclmul = false;   // AES-NI, PCLMULQDQ and SSSE3
  bool sha = false;          // the SHA extensions, SSSE3 and SSE4.1
  bool bmi2_adx = false;     // BMI2 (mulx) and ADX (adcx, adox)
  bool avx512_ifma = false;  // AVX-512 F, BW, DQ, VL and IFMA
  bool vaes_avx512 = false;  // AVX-512 F, BW, DQ, VL, VAES, VPCLMULQDQ, and what aes_pclmul says

  friend constexpr bool operator==(const CpuFeatures&, const CpuFeatures&) = default;
};

inline constexpr CpuFeatures portable_cpu{};

}  // namespace limpid

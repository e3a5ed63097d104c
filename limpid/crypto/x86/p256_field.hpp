// P-256's field with MULX, ADCX and ADOX (bmi2_adx): two carry chains at a time. Assembly throughout, since compilers
// do not keep two chains in flags; so it needs no target attribute.
#pragma once

#include "limpid/crypto/p256.hpp"

namespace limpid::crypto::x86 {

struct P256Field : P256 {
  static Number multiply(const Number& a, const Number& b);
  static Number square(const Number& a);
};

// (t5) t4 t3 t2 t1 t0 += a * b[offset / 8], where t5 is new.
#define LIMPID_ADD_ROW(offset, t0, t1, t2, t3, t4, t5)                         \
  "movq " offset                                                               \
  "(%[b]), %%rdx\n"                                                            \
  "xorl %k[" t5 "], %k[" t5                                                    \
  "]\n" /* and both carries */                                                 \
  "mulxq 0(%[a]), %%rax, %%rcx\n adcxq %%rax, %[" t0 "]\n adoxq %%rcx, %[" t1  \
  "]\n"                                                                        \
  "mulxq 8(%[a]), %%rax, %%rcx\n adcxq %%rax, %[" t1 "]\n adoxq %%rcx, %[" t2  \
  "]\n"                                                                        \
  "mulxq 16(%[a]), %%rax, %%rcx\n adcxq %%rax, %[" t2 "]\n adoxq %%rcx, %[" t3 \
  "]\n"                                                                        \
  "mulxq 24(%[a]), %%rax, %%rcx\n adcxq %%rax, %[" t3 "]\n adoxq %%rcx, %[" t4 \
  "]\n"                                                                        \
  "adcxq %[" t5 "], %[" t4 "]\n adoxq %[" t5 "], %[" t5 "]\n adcq $0, %[" t5 "]\n"

// Makes t0 vanish by adding t0 * p, as P256::reduce_by_limb does: t0 * (p + 1) is t0 * 2^96 + t0 * p[3] * 2^192.
#define LIMPID_REDUCE(p3, t0, t1, t2, t3)                                                     \
  "movq %[" t0 "], %%rdx\n mulxq %[" p3 "], %%rax, %%rcx\n shlq $32, %%rdx\n shrq $32, %[" t0 \
  "]\n"                                                                                       \
  "addq %%rdx, %[" t1 "]\n adcq %[" t0 "], %[" t2 "]\n adcq %%rax, %[" t3 "]\n"

// r3 r2 r1 r0 = (top) t3 t2 t1 t0 - p if that is not negative, and the same without - p if it is.
#define LIMPID_SUBTRACT_ONCE(p1, p3, t0, t1, t2, t3, top, r3)                                               \
  "movq %[" t0 "], %%rax\n movq %[" t1 "], %%rcx\n movq %[" t2 "], %%rdx\n movq %[" t3 "], %[" r3           \
  "]\n"                                                                                                     \
  "movl $0xffffffff, %k[" p1                                                                                \
  "]\n"                                                                                                     \
  "subq $-1, %%rax\n sbbq %q[" p1 "], %%rcx\n sbbq $0, %%rdx\n sbbq %[" p3 "], %[" r3 "]\n sbbq $0, %[" top \
  "]\n"                                                                                                     \
  "cmovncq %%rax, %[" t0 "]\n cmovncq %%rcx, %[" t1 "]\n cmovncq %%rdx, %[" t2 "]\n cmovncq %[" r3 "], %[" t3 "]\n"

[[gnu::noinline]] inline P256::Number P256Field::multiply(const Number& a, const Number& b) {
  Limb t0, t1, t2, t3, t4, t5, p3 = prime[3];
  const Limb* b_or_p1 = b.limb;
  asm("movq 0(%[b]), %%rdx\n"
      "mulxq 0(%[a]), %[t0], %[t1]\n"
      "mulxq 8(%[a]), %%rax, %[t2]\n addq %%rax, %[t1]\n"
      "mulxq 16(%[a]), %%rax, %[t3]\n adcq %%rax, %[t2]\n"
      "mulxq 24(%[a]), %%rax, %[t4]\n adcq %%rax, %[t3]\n adcq $0, %[t4]\n"
      // clang-format off
      LIMPID_REDUCE("p3", "t0", "t1", "t2", "t3") "adcq %%rcx, %[t4]\n movl $0, %k[t5]\n adcq $0, %[t5]\n"
      LIMPID_ADD_ROW("8", "t1", "t2", "t3", "t4", "t5", "t0")
      LIMPID_REDUCE("p3", "t1", "t2", "t3", "t4") "adcq %%rcx, %[t5]\n adcq $0, %[t0]\n"
      LIMPID_ADD_ROW("16", "t2", "t3", "t4", "t5", "t0", "t1")
      LIMPID_REDUCE("p3", "t2", "t3", "t4", "t5") "adcq %%rcx, %[t0]\n adcq $0, %[t1]\n"
      LIMPID_ADD_ROW("24", "t3", "t4", "t5", "t0", "t1", "t2")
      LIMPID_REDUCE("p3", "t3", "t4", "t5", "t0") "adcq %%rcx, %[t1]\n adcq $0, %[t2]\n"
      LIMPID_SUBTRACT_ONCE("b", "p3", "t4", "t5", "t0", "t1", "t2", "t3")
      // clang-format on
      :
      [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5), [b] "+&r"(b_or_p1)
      : [a] "r"(a.limb), [p3] "r"(p3), "m"(a), "m"(b)
      : "rax", "rcx", "rdx", "cc");
  return {t4, t5, t0, t1};
}

[[gnu::noinline]] inline P256::Number P256Field::square(const Number& a) {
  Limb t0, t1, t2, t3, t4, t5, t6, t7;
  const Limb* a_or_p3 = a.limb;
  asm(  // The products of different limbs.
      "movq 0(%[a]), %%rdx\n"
      "mulxq 8(%[a]), %[t1], %[t2]\n"
      "mulxq 16(%[a]), %%rax, %[t3]\n addq %%rax, %[t2]\n"
      "mulxq 24(%[a]), %%rax, %[t4]\n adcq %%rax, %[t3]\n adcq $0, %[t4]\n"
      "movq 8(%[a]), %%rdx\n xorl %k[t5], %k[t5]\n"
      "mulxq 16(%[a]), %%rax, %%rcx\n adcxq %%rax, %[t3]\n adoxq %%rcx, %[t4]\n"
      "mulxq 24(%[a]), %%rax, %%rcx\n adcxq %%rax, %[t4]\n adoxq %%rcx, %[t5]\n adcq $0, %[t5]\n"
      "movq 16(%[a]), %%rdx\n mulxq 24(%[a]), %%rax, %[t6]\n addq %%rax, %[t5]\n adcq $0, %[t6]\n"
      // Twice that in one chain, the squares of the limbs in the other.
      "movq 0(%[a]), %%rdx\n xorl %k[t7], %k[t7]\n"
      "mulxq %%rdx, %[t0], %%rcx\n adcxq %[t1], %[t1]\n adoxq %%rcx, %[t1]\n"
      "movq 8(%[a]), %%rdx\n mulxq %%rdx, %%rax, %%rcx\n"
      "adcxq %[t2], %[t2]\n adoxq %%rax, %[t2]\n adcxq %[t3], %[t3]\n adoxq %%rcx, %[t3]\n"
      "movq 16(%[a]), %%rdx\n mulxq %%rdx, %%rax, %%rcx\n"
      "adcxq %[t4], %[t4]\n adoxq %%rax, %[t4]\n adcxq %[t5], %[t5]\n adoxq %%rcx, %[t5]\n"
      "movq 24(%[a]), %%rdx\n mulxq %%rdx, %%rax, %%rcx\n"
      "adcxq %[t6], %[t6]\n adoxq %%rax, %[t6]\n adcxq %[t7], %[t7]\n adoxq %%rcx, %[t7]\n"
      "movq $0xffffffff00000001, %[a]\n"
      // clang-format off
      LIMPID_REDUCE("a", "t0", "t1", "t2", "t3") "movq %%rcx, %[t0]\n adcq $0, %[t0]\n"
      LIMPID_REDUCE("a", "t1", "t2", "t3", "t0") "movq %%rcx, %[t1]\n adcq $0, %[t1]\n"
      LIMPID_REDUCE("a", "t2", "t3", "t0", "t1") "movq %%rcx, %[t2]\n adcq $0, %[t2]\n"
      LIMPID_REDUCE("a", "t3", "t0", "t1", "t2") "movq %%rcx, %[t3]\n adcq $0, %[t3]\n"
      "addq %[t4], %[t0]\n adcq %[t5], %[t1]\n adcq %[t6], %[t2]\n adcq %[t7], %[t3]\n"
      "movl $0, %k[t7]\n adcq $0, %[t7]\n"
      LIMPID_SUBTRACT_ONCE("t5", "a", "t0", "t1", "t2", "t3", "t7", "t4")
      // clang-format on
      : [t0] "=&r"(t0), [t1] "=&r"(t1), [t2] "=&r"(t2), [t3] "=&r"(t3), [t4] "=&r"(t4), [t5] "=&r"(t5),
        [t6] "=&r"(t6), [t7] "=&r"(t7), [a] "+&r"(a_or_p3)
      : "m"(a)
      : "rax", "rcx", "rdx", "cc");
  return {t0, t1, t2, t3};
}

#undef LIMPID_ADD_ROW
#undef LIMPID_REDUCE
#undef LIMPID_SUBTRACT_ONCE

}  // namespace limpid::crypto::x86

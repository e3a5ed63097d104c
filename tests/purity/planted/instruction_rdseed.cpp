// crypto: instruction rdseed 
unsigned long long planted() {
  unsigned long long value;
  asm volatile("rdseed %0" : "=r"(value));
  return value;
}

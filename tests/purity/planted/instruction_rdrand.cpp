// crypto: instruction rdrand 
unsigned long long planted() {
  unsigned long long value;
  asm volatile("rdrand %0" : "=r"(value));
  return value;
}

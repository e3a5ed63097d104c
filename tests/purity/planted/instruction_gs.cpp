// tls: instruction reads a segment
long planted() {
  long value;
  asm volatile("mov %%gs:8, %0" : "=r"(value));
  return value;
}

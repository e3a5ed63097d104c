// tls: instruction reads a segment
long planted() {
  long thread;
  asm volatile("mov %%fs:0, %0" : "=r"(thread));
  return thread;
}

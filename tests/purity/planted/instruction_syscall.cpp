// crypto: instruction syscall 
long planted() {
  long result = 39;
  asm volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
  return result;
}

// tls: section .bss
int planted() {
  static int calls;
  return ++calls;
}

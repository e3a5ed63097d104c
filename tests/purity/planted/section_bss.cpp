// tls: section .bss
int planted_counter;

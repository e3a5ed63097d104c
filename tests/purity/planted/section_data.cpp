// tls: section .data
int planted_counter = 7;

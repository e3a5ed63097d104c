// tls: section .init_array
int first();
const int planted = first();
int second() { return planted; }

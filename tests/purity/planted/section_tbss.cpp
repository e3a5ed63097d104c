// tls: section .tbss
thread_local int planted_counter;

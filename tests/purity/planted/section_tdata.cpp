// tls: section .tdata
thread_local int planted_counter = 7;

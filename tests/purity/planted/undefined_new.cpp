// tls: undefined symbol _Znwm
int* planted() { return new int(7); }

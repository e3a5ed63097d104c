// tls: include of HEADER
#define HEADER <time.h>
#include HEADER

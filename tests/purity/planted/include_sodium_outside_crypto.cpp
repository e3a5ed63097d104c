// tls: include of <sodium.h>
#include <sodium.h>

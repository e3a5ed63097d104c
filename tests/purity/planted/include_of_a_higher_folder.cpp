// tls: include of "limpid/x509/certificate.hpp"
#if 0
#include "limpid/x509/certificate.hpp"
#endif

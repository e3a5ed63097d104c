// tls: include of <vector>
#include <vector>

// tls: undefined symbol _ZN6limpid4x5096secretEv
// Declared by hand, so that no include gives it away.
namespace limpid::x509 {
int secret();
}
int planted() { return limpid::x509::secret(); }

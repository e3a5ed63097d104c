# The crypto tests on a CPU without AES-NI, PCLMULQDQ, AVX and BMI: what the libraries run unasked must not need them.
# ctest: long 300
command -v qemu-x86_64 >/dev/null || { echo "skipped: qemu-user is not installed"; exit 77; }
exec qemu-x86_64 -cpu Nehalem "$LIMPID_BUILD_DIR/tests/crypto/crypto_tests"

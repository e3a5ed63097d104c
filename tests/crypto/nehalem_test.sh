# The crypto tests on a CPU without AES-NI, PCLMULQDQ, AVX and BMI: what the libraries run unasked must not need them.
# ctest: long 600
command -v qemu-x86_64 >/dev/null || { echo "skipped: qemu-user is not installed"; exit 77; }
# The largest RSA keys take as long there as all the rest, and go the way of the smaller ones.
exec qemu-x86_64 -cpu Nehalem "$LIMPID_BUILD_DIR/tests/crypto/crypto_tests" \
  --gtest_filter="-*8192*:*4096*:*3072*:Rsa.OfTheLargest*:Rsa.EveryExponent*:Rsa.KeysOfEverySize*"

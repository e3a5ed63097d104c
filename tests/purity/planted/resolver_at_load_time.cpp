// crypto: symbol chosen at load time planted
extern "C" {
int slow() { return 1; }
auto choose() { return slow; }
int planted() __attribute__((ifunc("choose")));
}

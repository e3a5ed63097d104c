// tls: undefined symbol _ZSt20__throw_length_errorPKc
namespace std {
void __throw_length_error(const char*);
}
void planted() { std::__throw_length_error("what a growing std::vector calls"); }

// tls: undefined symbol getenv
extern "C" [[gnu::weak]] char* getenv(const char*);
char* planted() { return getenv != nullptr ? getenv("HOME") : nullptr; }

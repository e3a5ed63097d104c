"""A real Xen with a real Linux netback, in QEMU's software emulation, from Debian's packages; nothing is installed."""

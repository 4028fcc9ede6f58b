//! Nothing: this package exists to pin libbpf's sources.

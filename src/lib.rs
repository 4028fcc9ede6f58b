//! bpflink


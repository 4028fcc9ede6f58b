// SPDX-License-Identifier: MIT OR Apache-2.0
/* The library's own object of struct_ops variables. */
#include "../../../tests/bpf/struct_ops.bpf.c"

/* libbpf's CO-RE arithmetic once more, as a big-endian host would compile it.
 *
 * One relocation kind (the left shift that lifts a bitfield) depends on the
 * byte order that libbpf itself was compiled for. Everything that reads the
 * byte order is included before it is changed.
 */
#include <endian.h>
#include <linux/bpf.h>
#include <linux/btf.h>
#include <linux/err.h>
#include <linux/filter.h>
#include <linux/string.h>
#include <stdio.h>
#include <string.h>
#include <errno.h>
#include <ctype.h>

#define __bpf_core_types_are_compat big_endian__bpf_core_types_are_compat
#define __bpf_core_types_match big_endian__bpf_core_types_match
#define bpf_core_calc_relo_insn big_endian_bpf_core_calc_relo_insn
#define bpf_core_format_spec big_endian_bpf_core_format_spec
#define bpf_core_parse_spec big_endian_bpf_core_parse_spec
#define bpf_core_patch_insn big_endian_bpf_core_patch_insn

#include "libbpf.h"
#include "bpf.h"
#include "btf.h"
#include "libbpf_internal.h"

#undef __BYTE_ORDER__
#define __BYTE_ORDER__ __ORDER_BIG_ENDIAN__
#include "relo_core.c"

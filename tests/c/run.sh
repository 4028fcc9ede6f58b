#!/usr/bin/env bash
# The C ABI from C and C++: against the installed library, in every strictness, under
# sanitizers and valgrind, and with the cases of the Rust tests.
#
#   tests/c/run.sh               BPFLINK_PREFIX= where the library is installed already
#
# The sanitizers see what C does with what the library gave and what the allocator is
# asked for on both sides; valgrind sees every access of both.
CHECK_NAME=${CHECK_NAME:-c}
# shellcheck source=../../scripts/checks/lib.sh
. "$(dirname "$0")/../../scripts/checks/lib.sh"

stage
export LD_LIBRARY_PATH=$STAGE/lib
HERE=$TOP/tests/c
SAMPLE=$WORK/sample.bpf.o
CASES=$WORK/cases
strict=(-Wall -Wextra -Wpedantic -Wshadow -Werror -pthread -g)
names=(nulls structs stream targets lifetimes threads replay struct_ops)

sources() { # of a test program
	case $1 in
	replay) echo "$HERE/replay.c" "$HERE/text.c" ;;
	*) echo "$HERE/$1.c" ;;
	esac
}

# shellcheck disable=SC2046 # flags are words
build() { # FOLDER COMPILER...: all test programs, into WORK/FOLDER
	local folder=$1 name
	shift
	mkdir -p "$WORK/$folder"
	for name in "${names[@]}" layout; do
		"$@" "${strict[@]}" $(pkg-config --cflags bpflink) -o "$WORK/$folder/$name" \
			$(sources "$name") $(pkg-config --libs bpflink) || return
	done
}

# WHAT COMMAND...: a test program, whose last line counts its checks.
counted() {
	local what=$1 p f status
	shift
	"$@" >"$WORK/output" 2>"$WORK/errors"
	status=$?
	if read -r p f < <(tail -n 1 "$WORK/output") && [ "${p:-0}" -gt 0 ] && [ -n "$f" ]; then
		# A sanitizer's or valgrind's complaint is in the status alone.
		[ "$status" = 0 ] || [ "$f" -gt 0 ] || f=1
	else
		p=0 f=1
	fi
	count "$p" "$f"
	if [ "$f" = 0 ]; then
		echo "ok: $what ($p)"
	else
		echo "FAILED: $what"
		head -n 40 "$WORK/errors" | sed 's/^/    /'
	fi
}

have_kernel() { [ -r /sys/kernel/btf/vmlinux ]; }

all_programs() { # WHAT FOLDER CASE... -- RUNNER...
	local what=$1 folder=$2 name kernel=()
	shift 2
	local cases=()
	while [ $# -gt 0 ] && [ "$1" != -- ]; do
		cases+=("$1")
		shift
	done
	shift
	! have_kernel || kernel=(kernel)
	for name in nulls structs lifetimes; do
		counted "$name, $what" "$@" "$WORK/$folder/$name" "$SAMPLE"
	done
	counted "stream, $what" "$@" "$WORK/$folder/stream"
	counted "struct_ops, $what" "$@" "$WORK/$folder/struct_ops" "$WORK/struct_ops.bpf.o"
	counted "targets, $what" "$@" "$WORK/$folder/targets"
	counted "threads, $what" "$@" "$WORK/$folder/threads" "$SAMPLE" "${kernel[@]}"
	[ ${#cases[@]} = 0 ] || counted "replay of ${#cases[@]} cases, $what" "$@" "$WORK/$folder/replay" "$CASES" "${cases[@]}"
}

sanitizer_is_linked() { # FOLDER: in every program, and it sees what it is for
	local name
	for name in "${names[@]}"; do
		nm "$WORK/$1/$name" >"$WORK/names"
		grep -q __asan_init "$WORK/names" && grep -q __ubsan_handle "$WORK/names" || return
	done
	cat >"$WORK/wrong.c" <<-'END'
		#include <stdlib.h>
		int main(int argc, char **argv)
		{
			char *bytes = malloc(8);
			(void)argv;
			bytes[8 * argc] = 1;
			free(bytes);
			return 0;
		}
	END
	gcc -fsanitize=address,undefined -o "$WORK/wrong" "$WORK/wrong.c" && ! "$WORK/wrong"
}

# A case with one byte of its expectation changed must be told from what C says.
replay_can_fail() {
	sed '0,/^set /s//sat /' "$1" >"$WORK/changed.case"
	! cmp -s "$1" "$WORK/changed.case" && ! "$WORK/c99/replay" "$CASES" "$WORK/changed.case"
}

same_layout() { # a change is made known by BPFLINK_ABI and this file
	"$WORK/c99/layout" >"$WORK/layout.txt" && diff -u "$HERE/layout.txt" "$WORK/layout.txt"
}

every_struct_has_a_layout() {
	diff <(sed -n 's/^typedef struct \(bpflink_[a-z_]*\) {$/\1/p' include/bpflink.h | sort) \
		<(sed -n 's/^\(bpflink_[a-z_]*\) [0-9]*$/\1/p' "$HERE/layout.txt" | sort)
}

same_symbols() {
	nm -D --defined-only "$STAGE/lib/libbpflink.so" | awk '{ print $3 }' | LC_ALL=C sort | diff -u "$HERE/symbols.txt" -
}

try "the sample object" make --no-print-directory -s -C examples/c OUT="$WORK" CLANG="$(clang)" sample.bpf.o
try "an object of struct_ops" "$(clang)" -target bpfel -O2 -g -c -o "$WORK/struct_ops.bpf.o" tests/bpf/struct_ops.bpf.c
try "the cases of the Rust tests" scripts/record "$CASES"
mapfile -t cases < <(find "$CASES" -name '*.case' | LC_ALL=C sort)
some=() # for the slow ones
for ((i = 0; i < ${#cases[@]}; i += 25)); do some+=("${cases[i]}"); done
link_case=$(grep -l '^link 0' "${cases[@]:0:400}" | head -n 1)

try "C99" build c99 gcc -std=c99 -D_POSIX_C_SOURCE=200809L -Wstrict-prototypes
try "C99, clang" build c99-clang "$(clang)" -std=c99 -D_POSIX_C_SOURCE=200809L -Wstrict-prototypes
try "C++17" build cpp g++ -std=c++17 -x c++
try "ASAN and UBSAN" build asan gcc -std=c99 -fsanitize=address,undefined -fno-sanitize-recover=all
try "the sanitizers are linked, and see" sanitizer_is_linked asan
try "layout of every struct" same_layout
try "every struct has one" every_struct_has_a_layout
try "exported symbols" same_symbols
try "a case that differs is told" replay_can_fail "$link_case"

all_programs "C99" c99 "${cases[@]}" -- env
all_programs "C++17" cpp "${some[@]}" -- env
all_programs "ASAN and UBSAN" asan "${cases[@]}" -- env
if command -v valgrind >/dev/null; then
	all_programs "valgrind" c99 "${some[@]}" -- valgrind --quiet --error-exitcode=9 --leak-check=full --fair-sched=yes
else
	skip "the C programs under valgrind" valgrind
fi
have_kernel || skip "64 threads on the running kernel" "a kernel with BTF"
finish

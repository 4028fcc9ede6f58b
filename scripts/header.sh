#!/usr/bin/env bash
# Writes the C header from src/capi to the file named (include/bpflink.h by default).
# cbindgen is run file by file, in the order that a reader wants: each file's constants,
# types and functions stay together, below the file's own first line as a heading.
set -euo pipefail
cd "$(dirname "$0")/.."
out=${1:-include/bpflink.h}
cbindgen=${CBINDGEN:-cbindgen}
parts=(version status error log object map btf target feature options programs link program
	program_details jump_table attach struct_ops stream names)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() { echo "header.sh: $*" >&2; exit 1; }

listed=$(printf '%s.rs\n' "${parts[@]}" mod pointer pointer_test | sort)
[ "$listed" = "$(cd src/capi && printf '%s\n' *.rs | sort)" ] ||
	fail "src/capi and the list of parts differ"

for part in "${parts[@]}"; do
	heading=$(sed -n '1s|^//! ||p' "src/capi/$part.rs")
	printf '\n/* ---- %s */\n\n' "$heading"
	"$cbindgen" --config cbindgen.toml "src/capi/$part.rs" 2>"$work/log" >"$work/part" ||
		{ cat "$work/log" >&2; fail "cbindgen failed on $part.rs"; }
	# What cbindgen cannot express it drops with a warning and exit status 0. Two kinds are
	# as they should be: compile-time assertions, and types that another part defines.
	if grep -E 'WARN|ERROR' "$work/log" | grep -vE "Skip \w+::_ |Can't find (bpf|bpflink)_\w+\." >&2; then
		fail "cbindgen dropped something of $part.rs"
	fi
	cat -s "$work/part"
done >"$work/parts"

sed -e "/@PARTS@/{
	r $work/parts
	d
}" scripts/header-frame.h | cat -s >"$work/bpflink.h"
mkdir -p "$(dirname "$out")"
cp "$work/bpflink.h" "$out"

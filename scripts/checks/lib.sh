# What every check uses; sourced, not run. A check calls try, skip or count for each thing
# that it looks at, and `finish` at its end.
# shellcheck shell=bash
set -uo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/../.." || exit
. scripts/env.sh

TOP=$PWD
CHECK_NAME=${CHECK_NAME:-$(basename "$0")}
CHECK_DIR=${CHECK_DIR:-$TOP/build/check}
export BPFLINK_SKIP_LOG=${BPFLINK_SKIP_LOG:-$CHECK_DIR/$CHECK_NAME.skipped}
WORK=$CHECK_DIR/$CHECK_NAME
export TARGET=${CARGO_TARGET_DIR:-$TOP/target}
rm -rf "$WORK"
mkdir -p "$WORK"
passed=0 failed=0

# WHAT COMMAND...: one thing that must hold; its output is shown where it does not.
try() {
	local what=$1
	shift
	if "$@" >"$WORK/output" 2>&1; then
		passed=$((passed + 1))
		echo "ok: $what"
	else
		failed=$((failed + 1))
		echo "FAILED: $what"
		sed 's/^/    /' "$WORK/output"
	fi
}

# WHAT REASON: cannot be looked at here.
skip() {
	echo "SKIPPED $1: needs $2" | tee -a "$BPFLINK_SKIP_LOG"
}

# NAME/ARCH: whether this kernel was fetched. (grep -q at the end of a pipe would end it early,
# and what still writes into it would count as failed.)
fetched() {
	kernels/fetch.py --cached "$1" >"$WORK/cached" 2>/dev/null
	grep -q "^kernel $1: " "$WORK/cached"
}

# PASSED FAILED: as a program that ran many tests says. A test that skips itself counts as
# passed for most runners: take it off again (see itself).
count() {
	passed=$((passed + $1)) failed=$((failed + $2))
}

# Where the library is installed for the checks, as a user would; BPFLINK_PREFIX= where it is
# installed already.
STAGE=${BPFLINK_PREFIX:-$CHECK_DIR/prefix}
export PKG_CONFIG_PATH=$STAGE/lib/pkgconfig
stage() {
	[ -z "${BPFLINK_PREFIX:-}" ] || return 0
	make --no-print-directory -s install PREFIX="$STAGE" >"$WORK/stage" 2>&1 ||
		{ cat "$WORK/stage"; count 0 1; finish; }
}

# How many lines the skip log has.
itself() {
	if [ -e "$BPFLINK_SKIP_LOG" ]; then wc -l <"$BPFLINK_SKIP_LOG"; else echo 0; fi
}

finish() {
	local skipped
	skipped=$(itself)
	echo "$passed $failed $skipped" >"$CHECK_DIR/$CHECK_NAME.counts"
	echo "$CHECK_NAME: $passed passed, $failed failed, $skipped skipped"
	[ "$failed" = 0 ]
	exit
}

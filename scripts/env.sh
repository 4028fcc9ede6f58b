# Where tools and fetched things live, and which versions; sourced, not run.
# shellcheck shell=bash
export BPFLINK_CACHE=${BPFLINK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bpflink}

CBINDGEN_VERSION=0.29.4
ZIG_VERSION=0.15.2
# For a machine whose own Go is older than the modules here ask for.
GO_VERSION=1.25.4

export CBINDGEN=$BPFLINK_CACHE/tools/cbindgen-$CBINDGEN_VERSION/bin/cbindgen
export ZIG=$BPFLINK_CACHE/tools/zig-$ZIG_VERSION/bin/zig
export GO_HOME=$BPFLINK_CACHE/tools/go-$GO_VERSION

if [ -x "$GO_HOME/bin/go" ]; then
	PATH=$GO_HOME/bin:$PATH
	export GOTOOLCHAIN=local
fi

# Debian keeps bpftool in /usr/sbin, which not every user has in the path.
export PATH=$PATH:/usr/sbin:/sbin

# clang that knows BPF's instructions up to v4, else the newest that is there.
clang() {
	local name
	for name in clang-19 clang-20 clang-21 clang-18 clang; do
		command -v "$name" && return
	done
	return 1
}

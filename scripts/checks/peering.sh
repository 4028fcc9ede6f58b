# What the checks share that compare with other linkers; sourced after lib.sh.
# shellcheck shell=bash

# The witnesses, the comparator, and the command.
build_peers() {
	make --no-print-directory -s -C peers all bpflink
}

# FOLDER: a fetched kernel as the comparator takes it; `with` behind it: with its modules.
kernel_of() {
	local release
	release=$(basename "$1")
	echo "$1/btf@${release%%[-+]*}${2:+,$1/modules}"
}

# NAME ARCH: its folder, or nothing and a loud line.
fetched() {
	local release
	release=$(kernels/fetch.py --cached "$1/$2" 2>/dev/null | sed -n 's/^kernel [^:]*: \([^,]*\),.*/\1/p' | head -1)
	if [ -n "$release" ]; then
		echo "$BPFLINK_CACHE/kernels/$release"
	else
		skip "comparison on kernel $1/$2" "kernels/fetch.py $1/$2" >&2
	fi
}

# FOLDER: whether it has objects that are also there as another compiler or other options make them.
is_variant() { [[ ${1##*/} =~ -(clang[0-9]+|O1|v[24])(-|$) ]]; }

# TARGETS -- OBJECTS: all witnesses, and kernels with modules only for what is no variant; counts programs that are equal, and what is not explained.
compare() {
	local arguments=(--jobs "$(nproc)") plain=() objects status equal unexplained
	while [ "$1" != -- ]; do arguments+=(--btf "$1"); shift; done
	shift
	for objects; do
		if is_variant "$objects"; then arguments+=(--no-modules "$objects"); else plain+=("$objects"); fi
	done
	"$TARGET/debug/bpflink-peers" run --libbpf build/peers/libbpf-link --cilium build/peers/cilium-link \
		--aya build/peers/aya-link "${arguments[@]}" \
		${DOCUMENT:+--document "$DOCUMENT"} ${README:+--readme "$README"} "${plain[@]}" >"$WORK/compared" 2>&1
	status=$?
	grep -v '^class ' "$WORK/compared"
	read -r equal unexplained < <(sed -n 's/^peers: \([0-9]*\) equal, \([0-9]*\) unexplained$/\1 \2/p' "$WORK/compared")
	count "${equal:-0}" "${unexplained:-0}"
	[ "$status" = 0 ] || [ "${unexplained:-0}" -gt 0 ] || count 0 1
}

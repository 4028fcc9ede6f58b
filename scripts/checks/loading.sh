# What the checks share that load objects with libbpf and with the example loader; sourced
# after lib.sh.
# shellcheck shell=bash

# Both as static programs, for a booted kernel has nothing else.
build_loaders() {
	make --no-print-directory -s -C peers libbpf-load &&
		make --no-print-directory -s -C examples/c OUT="$WORK" STATIC=1 LDFLAGS=-static "$WORK/loader" &&
		strip "$WORK/loader"
}

# The kernels: this one where it can load programs, and those named that were fetched.
choose_kernels() {
	local name
	kernels=()
	for name; do
		if [ "$name" = running ]; then
			if [ -r /sys/kernel/btf/vmlinux ] && bpftool prog list >/dev/null 2>&1; then
				kernels+=(--kernel running)
			else
				skip "loading into the running kernel" "bpf(2) and the running kernel's BTF"
			fi
		elif fetched "$name/amd64"; then
			kernels+=(--kernel "$name")
		else
			skip "kernel $name" "kernels/fetch.py $name/amd64"
		fi
	done
}

# TITLE FOLDER KERNEL... and load.py's options after `--`: counts the programs.
load_on() {
	local title=$1 folder=$2 names=()
	shift 2
	while [ $# -gt 0 ] && [ "$1" != -- ]; do names+=("$1"); shift; done
	shift
	choose_kernels "${names[@]}"
	[ ${#kernels[@]} -gt 0 ] || return 0
	corpus/load.py --loader "$WORK/loader" --libbpf build/peers/libbpf-load --title "$title" \
		"${kernels[@]}" "$@" "$folder" | tee "$WORK/compared"
	local status=${PIPESTATUS[0]} bad all
	bad=$(grep -cE '^(LOST|ACCEPTED|ERRNO|CRASHED) ' "$WORK/compared")
	all=$(sed -n 's/.*; \([0-9]*\) programs: .*/\1/p' "$WORK/compared" | awk '{ sum += $1 } END { print sum + 0 }')
	count "$((${all:-0} - bad))" "$bad"
	[ "$status" = 0 ] || [ "$bad" -gt 0 ] || count 0 1
	[ "${all:-0}" -gt 0 ] || count 0 1
}

#!/usr/bin/env bash
# Loads real programs, the libbpf-tools of BCC, into the running kernel with the example
# loader, and prints which load and which do not, with each reason, as a table in Markdown.
# Where libbpf is installed, what libbpf itself loads is compared, program by program.
#
#   load-tools.sh [OBJECT]...     default: $BPFLINK_CACHE/objects/libbpf-tools/*.bpf.o
#   LOADER=path                   else it is built with pkg-config
#   LEAST=n                       exit status 1 where fewer objects load whole (10)
# Needs root. corpus/libbpf_tools.py makes the objects.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cache=${BPFLINK_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/bpflink}
[ $# -gt 0 ] || set -- "$cache"/objects/libbpf-tools/*.bpf.o
[ -e "$1" ] || { echo "load-tools: no objects in $cache: run corpus/libbpf_tools.py" >&2; exit 1; }

if [ -z "${LOADER:-}" ]; then
	make -s -C "$here/c" OUT="$work" "$work/loader"
	LOADER=$work/loader
fi
for object; do
	# An object of which something is refused is a line of the table, not an error here.
	"$LOADER" --table "$object" 2>"$work/stderr" || [ $? = 1 ] ||
		{ cat "$work/stderr" >&2; exit 1; }
done >"$work/ours"

: >"$work/libbpf"
if pkg-config --exists libbpf 2>/dev/null; then
	# shellcheck disable=SC2046
	cc -O1 $(pkg-config --cflags libbpf) "$here/libbpf-each.c" -o "$work/each" $(pkg-config --libs libbpf)
	"$work/each" "$@" >"$work/libbpf"
fi

# Reasons without the place, which differs from program to program; those alike are counted.
awk -F'\t' -v least="${LEAST:-10}" '
	function reason(text) {
		sub(/^.*\): /, "", text)
		sub(/^[^ ]*\.o: /, "", text)
		return text
	}
	FILENAME ~ /libbpf$/ { libbpf[$1, $2] = $3; compared = 1; next }
	!($1 in programs) { order[++objects] = $1 }
	{
		programs[$1]++
		if ($3 == "loaded") loaded[$1]++
		else if (!(($1, reason($4)) in count)) reasons[$1, ++kinds[$1]] = reason($4)
		if ($3 != "loaded") count[$1, reason($4)]++
		if (compared && libbpf[$1, $2] != $3) differ[$1] = differ[$1] " " $2
		total++; good += $3 == "loaded"
	}
	END {
		print "| object | programs | loaded | " (compared ? "libbpf differs in | " : "") "not loaded, because |"
		print "| --- | --- | --- | " (compared ? "--- | " : "") "--- |"
		for (i = 1; i <= objects; i++) {
			o = order[i]; why = ""
			for (k = 1; k <= kinds[o]; k++)
				why = why (k > 1 ? "; " : "") reasons[o, k] \
					(count[o, reasons[o, k]] > 1 ? " (" count[o, reasons[o, k]] " programs)" : "")
			whole += loaded[o] == programs[o]
			print "| " o " | " programs[o] " | " loaded[o] + 0 " | " \
				(compared ? substr(differ[o], 2) " | " : "") why " |"
		}
		print ""
		print whole " of " objects " objects load whole, " good " of " total " programs."
		exit whole < least
	}
' "$work/libbpf" "$work/ours"

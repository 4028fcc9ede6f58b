"""The page that the numbers are written to."""
from contestants import NAMES
from figures import duration, quartiles, ratios, spread, times

PEERS = ("libbpf", "aya", "cilium")


def table(head, rows):
    """Markdown; the first column to the left, numbers to the right."""
    lines = ["| " + " | ".join(head) + " |", "| --- |" + " ---: |" * (len(head) - 1)]
    lines += ["| " + " | ".join(map(str, row)) + " |" for row in rows]
    return "\n".join(lines)


def compared(result):
    """What each took, and how many times as much as bpflink."""
    ours = result.runs[result.ours]
    rows = []
    for name, runs in result.runs.items():
        by = ["1", "1"] if name == result.ours else [
            times(ratios(runs.wall, ours.wall)), times(ratios(runs.cpu, ours.cpu))]
        rows.append([NAMES[name], spread(runs.wall), duration(min(runs.wall)), spread(runs.cpu), *by])
    head = ["", "wall", "least", "processor", "wall, × bpflink", "processor, × bpflink"]
    return "\n\n".join([f"### {result.title}", table(head, rows), *result.notes])


def grown(results):
    """Large objects: time at full size, and how it grew from half of it."""
    rows = []
    for result in results:
        ours = result.runs[result.ours]
        for name, runs in result.runs.items():
            lower, middle, upper = quartiles(result.growth[name])
            by = "1" if name == result.ours else times(ratios(runs.cpu, ours.cpu))
            odd = " (computes something else)" if name in result.different else ""
            rows.append([result.title if name == result.ours else "", NAMES[name] + odd, spread(runs.cpu), by,
                         f"{middle:.2f} ({lower:.2f}–{upper:.2f})",
                         f"{result.counted:.2f}" if name == result.ours and result.counted else ""])
        rows += [["", NAMES[name], "does not link it, or not within five seconds of processor time", "", "", ""] for name in result.left_out]
    return table(["", "", "processor", "× bpflink", "grew by", "instructions grew by"], rows)


def threaded(results):
    """Objects in a second, in one, two and four threads."""
    rows = []
    for name, by_count in results.items():
        rates = {count: quartiles([1e9 / wall for wall in runs.wall]) for count, runs in by_count.items()}
        rows.append([NAMES[name], *(f"{m:,.0f} ({lo:,.0f}–{hi:,.0f})" for lo, m, hi in rates.values()),
                     f"{rates[2][1] / rates[1][1]:.2f}×", f"{rates[4][1] / rates[1][1]:.2f}×"])
    return table(["objects in a second", "1 thread", "2 threads", "4 threads", "2 over 1", "4 over 1"], rows)


def memory(rows):
    lines = []
    for name, (own, counted) in rows.items():
        size, calls, most = counted or (None, None, None)
        lines.append([NAMES[name], f"{own:,} kB", *(f"{x / 1000:,.0f} kB" if x else "" for x in (size, most)),
                      f"{calls:,}" if calls else ""])
    return table(["", "own memory at the most", "allocated in all", "allocated at the most", "allocations"], lines)


def instructions(cold, warm, relocations):
    def cell(value, ours):
        return f"{value:,.0f} ({value / ours:.1f}×)" if value else "valgrind cannot run it"

    first = {"cold": cold["bpflink-shared"], "warm": warm["bpflink-crate"]}
    rows = [[NAMES[n], cell(cold[n], first["cold"]), ""] for n in cold if n.startswith("bpflink")]
    rows += [[NAMES["bpflink-crate"], "", cell(first["warm"], first["warm"])]]
    rows += [[NAMES[n], cell(cold[n], first["cold"]), cell(warm[n], first["warm"])] for n in PEERS if n in cold]
    each = first["warm"] / relocations
    return table(["", "a cold process, all of it", "one link more"], rows) + (
        f"\n\nOne link more has {relocations} relocations: {each:,.0f} instructions for each, all stages "
        "and the opening of the object among them. CO-RE alone is counted by `make check-instructions`.")


def size(resources):
    by_owner, largest = resources.functions()
    listed = [[f"`{name}`", f"{n / 1000:.0f} kB"] for n, name in resources.sections()[:6]]
    owners = [[name, f"{n / 1000:.0f} kB"] for name, n in by_owner if n >= 5000]
    top = [[f"`{name}`", f"{n / 1000:.0f} kB"] for n, name in largest[:10]]
    needs = ", ".join(f"`{name}`" for name in resources.needed())
    return "\n\n".join([
        f"`libbpflink.so`, stripped: {resources.stripped_size() / 1000:,.0f} kB. It needs {needs}.",
        table(["section", "size"], listed),
        "Code by where it comes from. `core`, `alloc`, `std` and `hashbrown` hold what is made of their generic "
        "code for types of this library; `gimli`, `addr2line` and `rustc_demangle` are the backtraces of "
        "Rust's standard library.",
        table(["from", "size"], owners),
        table(["largest functions", "size"], top)])

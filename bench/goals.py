"""The figures that are aimed at, beside what was measured."""
from figures import quartiles, ratios
from report import PEERS, table


def ratio(result, name, kind, ours=None):
    """The median of how many times as much as bpflink."""
    theirs, own = getattr(result.runs[name], kind), getattr(result.runs[ours or result.ours], kind)
    return quartiles(ratios(theirs, own))[1]


def beyond(result, name, kind):
    """The same of what each takes more than a process that does nothing."""
    nothing = getattr(result.runs["nothing"], kind)
    theirs, ours = ([took - idle for took, idle in zip(getattr(result.runs[of], kind), nothing)]
                    for of in (name, result.ours))
    return quartiles(ratios(theirs, ours))[1]


def fastest(result, kind, by=ratio, peers=PEERS):
    return min(by(result, name, kind) for name in peers if name in result.runs)


def on_musl(result, name, kind):
    """The ratio to bpflink without glibc."""
    return ratio(result, name, kind, "bpflink-musl")


def reachable(result, kind):
    """How many times as long as a single pass over the bytes the fastest peer takes: what a process
    reaches that is started as they are and does nothing else."""
    return fastest(result, kind) / ratio(result, "floor", kind)


def row(what, goal, wall, cpu, holds):
    return [what, goal, wall, cpu, "yes" if holds else "**no**"]


def at_least(what, least, of):
    """`of` gives the ratio by wall and by processor time."""
    wall, cpu = of("wall"), of("cpu")
    return row(what, f"at least {least}×", f"{wall:.1f}×", f"{cpu:.1f}×", cpu >= least)


def goals(cold, wide, warm, scale, memory, kernel, fixed, library):
    """`wide` is the result of 500 types; `kernel` what its BTF alone allocates at the
    most; `fixed` the instructions and the relocations of CO-RE alone (instructions.py);
    `library` the bytes of the stripped one."""
    floor = {kind: 1 / ratio(cold, "floor", kind) for kind in ("wall", "cpu")}
    rows = [
        at_least("cold, against the fastest peer", 8, lambda kind: fastest(cold, kind)),
        at_least("against the fastest peer, without what a process takes that does nothing", 8,
                 lambda kind: fastest(cold, kind, beyond)),
        ["what a process reaches that does nothing but pass over that BTF's bytes once", "",
         *(f"{reachable(cold, kind):.1f}×" for kind in ("wall", "cpu")), ""],
        row("cold, against one pass over the bytes of that BTF", "at most 3×",
            f"{floor['wall']:.2f}×", f"{floor['cpu']:.2f}×", floor["cpu"] <= 3)]
    if "bpflink-musl" in cold.runs:
        rows.insert(1, at_least("the same of static programs on musl, against the fastest peer of either kind", 8,
                                lambda kind: fastest(cold, kind, on_musl, (*PEERS, "libbpf-musl"))))
    for name, least in (("cilium", 5), ("libbpf", 50)):
        if name in wide.runs:
            rows.append(at_least(f"500 distinct local types, cold, against {name}", least,
                                 lambda kind, name=name: ratio(wide, name, kind)))
    rows.append(at_least("warm, one object, against the fastest peer", 10, lambda kind: fastest(warm, kind)))
    each = fixed[0] / fixed[1]
    rows.append(row("warm, CO-RE alone, instructions for each relocation", "under 3,000", f"{each:,.0f}", "", each < 3000))
    own, _ = memory["bpflink-shared"]
    rows.append(row("memory of its own, with the index of names", "under 2,000 kB", f"{own:,} kB", "", own < 2000))
    if kernel:
        rows.append(row("memory allocated for the kernel's BTF, without", "under 600 kB",
                        f"{kernel / 1000:,.0f} kB", "", kernel < 600_000))
    rows.append(row("the shared library, stripped", "under 1,000 kB", f"{library / 1000:,.0f} kB", "", library < 1_000_000))
    # Instructions where they could be counted: other processes change how long a cache serves.
    grown, title = max((r.counted or quartiles(r.growth[r.ours])[1], r.title) for r in scale)
    rows.append(row(f"twice the size, at the worst ({title})", "at most 2.2×", f"{grown:.2f}×", "", grown <= 2.2))
    return table(["measure", "goal", "by wall time, or counted", "by processor time", "reached"], rows)

"""The works that are measured. Each gives a Result: what each contestant took, and words."""
import glob
import os
import subprocess

import contestants
import resources
from contestants import BUILD, Server, once, processes, program
from figures import Runs

RUNNING = "/sys/kernel/btf/vmlinux"
INPUTS = os.path.join(BUILD, "inputs")
# 35 CO-RE relocations, many of them of types that only some kernels have.
ONE = "biolatency"
# Seconds of processor time that a contestant may take for one link of a large object, and
# that all of them together should for one work.
PATIENCE = 5
ENOUGH = 10
# Nanoseconds that a measurement lasts at least: short works are repeated.
LONG_ENOUGH = 30_000_000


class Result:
    """`runs` by contestant, in nanoseconds for one `unit`; `ours` is whom they are compared with."""

    def __init__(self, key, title, runs, ours, notes=()):
        self.key, self.title, self.runs, self.ours = key, title, runs, ours
        self.notes = list(notes)


def cache():
    return os.environ.get("BPFLINK_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bpflink")


def tools():
    """The libbpf-tools by name."""
    found = sorted(glob.glob(os.path.join(cache(), "objects/libbpf-tools/*.bpf.o")))
    return {os.path.basename(path).removesuffix(".bpf.o"): path for path in found}


def make(*arguments):
    """What the crate's program writes into INPUTS; its output."""
    os.makedirs(INPUTS, exist_ok=True)
    call = [program("bpflink-crate"), *arguments, INPUTS]
    return subprocess.run(call, check=True, capture_output=True, text=True).stdout


def same_answers(names, *arguments):
    """Fails unless all of them compute the same of an object."""
    answers = {name: once(name, "cold", *arguments)[0] for name in names}
    if len(set(answers.values())) != 1 or not answers[names[0]].endswith(" 0"):
        raise SystemExit(f"{arguments}: not all compute the same: {answers}")
    return answers[names[0]].split()


def cold(key, title, path, rounds, cpu, names):
    """Process start to final instructions, for the running kernel."""
    _, programs, instructions, _ = same_answers(names, path)
    bare = [[program("floor")], [program("floor"), RUNNING]]
    commands = [*bare, *([program(name), "cold", path] for name in names)]
    runs = processes(commands, rounds, cpu)
    return Result(key, title, dict(zip(["nothing", "floor", *names], runs)), names[0],
                  [f"{programs} programs, {instructions} instructions: the same of all."])


def wide(rounds, cpu, names):
    """The same with many local types; those that take a second each take fewer turns."""
    for count in (1, 100, 500):
        make("wide", str(count))
        path = os.path.join(INPUTS, f"wide-{count}.bpf.o")
        yield cold(f"wide-{count}", f"Cold, {count} distinct local types", path,
                   rounds if count == 1 else max(rounds // 4, 5), cpu, names)


def agreeing(servers, paths):
    """The objects of which all say the same; of the others, who says something else."""
    equal, different = [], {}
    for path in paths:
        answers = {server.name: server.digest(path) for server in servers}
        ours = answers[servers[0].name]
        if ours is None or ours[3] != "0":
            raise SystemExit(f"{path}: bpflink does not link it")
        others = [name for name, answer in answers.items() if answer != ours]
        if "libbpf" in others:
            raise SystemExit(f"{path}: libbpf computes something else")
        if others:
            different[path] = others
        else:
            equal.append(path)
    return equal, different


def in_turn(asked, rounds):
    """`asked` lists (server, (command, argument..., paths), divisor): each is asked in turn,
    `rounds` times, or fewer where that takes too long. What it took before tells how often a
    short work is repeated."""
    runs = [Runs() for _ in asked]
    first = [server.time(*words[:-1], 1, *words[-1]) for server, words, _ in asked]
    if sum(cpu for _, cpu in first) < ENOUGH * 1e8:
        first = [server.time(*words[:-1], 1, *words[-1]) for server, words, _ in asked]
    repeat = [max(1, min(1000, LONG_ENOUGH // max(cpu, 1))) for _, cpu in first]
    each = sum(cpu * times for (_, cpu), times in zip(first, repeat))
    rounds = max(3, min(rounds, int(ENOUGH * 1e9 / each)))
    for _ in range(rounds):
        for run, (server, words, divisor), times in zip(runs, asked, repeat):
            took = server.time(*words[:-1], times, *words[-1])
            run.add(*(t / times / divisor for t in took))
    return runs


def warm(key, title, paths, rounds, servers):
    """The kernel's BTF is there; open to final instructions, for one object."""
    runs = in_turn([(server, ("link", paths), len(paths)) for server in servers], rounds)
    return Result(key, title, dict(zip((s.name for s in servers), runs)), servers[0].name)


def scale(rounds, cpu, names):
    """Large objects at half and at full size: for each case the Result of the full size, of
    each contestant how many times as long it took as half of it (growth), and of bpflink how many
    times as many instructions (counted)."""
    for line in make("scale").splitlines():
        case, half, full, says = line.split(" ", 3)
        asked, left_out = [], []
        for name in names:
            pair = [large(name, case, size, cpu) for size in (half, full)]
            if all(pair):
                asked.append(pair)
                continue
            left_out.append(name)
            for server, *_ in filter(None, pair):
                server.end()
        answers = {server.name: answer for _, (server, _, answer) in asked}
        different = [name for name in answers if answers[name] != answers[names[0]]]
        servers = [(server, ("link", [path]), 1) for pair in asked for server, path, _ in pair]
        runs = in_turn(servers, rounds)
        growth = {asked[i // 2][1][0].name: [b / a for a, b in zip(runs[i].cpu, runs[i + 1].cpu)]
                  for i in range(0, len(runs), 2)}
        for server, _, _ in servers:
            server.end()
        result = Result(f"scale-{case}", f"{int(full):,} {says}",
                        {server.name: run for (server, _, _), run in list(zip(servers, runs))[1::2]}, names[0])
        result.counted = resources.growth(os.path.join(INPUTS, case), half, full)
        result.growth, result.left_out, result.different = growth, left_out, different
        yield result


def large(name, case, size, cpu):
    """A contestant that has linked the object once: (server, path, answer), or None."""
    stem = os.path.join(INPUTS, f"{case}-{size}")
    server = Server(name, f"{stem}.btf", cpu)
    answer = server.digest(f"{stem}.bpf.o", PATIENCE)
    if answer and answer[3] == "0":
        return server, f"{stem}.bpf.o", answer
    server.end()
    return None


def threads(paths, rounds, names):
    """Objects in a second, in so many threads over one BTF; each links all objects."""
    asked = []
    for name in names:
        server = Server(name)
        asked += [(server, ("threads", count, paths), count * len(paths)) for count in (1, 2, 4)]
    runs = in_turn(asked, rounds)
    for server, _, _ in asked[::3]:
        server.end()
    return {name: {count: run for count, run in zip((1, 2, 4), runs[3 * i:3 * i + 3])}
            for i, name in enumerate(names)}


def anew(key, title, path, kernels_, rounds, cpu, names):
    """One process that links an object for each of these kernels, whose BTF is read anew."""
    servers = [Server(name, cpu=cpu) for name in ["floor", *names]]
    runs = {server.name: Runs() for server in servers}
    for number in range(-1, rounds):
        for server in servers:
            took = server.time("kernels", path, *kernels_)
            if number >= 0:
                runs[server.name].add(*(t / len(kernels_) for t in took))
    for server in servers:
        server.end()
    return Result(key, title, runs, names[0])


def fresh(path, rounds, cpu, names):
    """The cold link without the process around it."""
    return anew("fresh", "The same inside a process that has done it before: the running kernel's BTF read anew",
                path, [RUNNING] * 5, rounds, cpu, names)


def kernels(path, rounds, cpu, names):
    """One object for 20 kernels."""
    found = sorted(glob.glob(os.path.join(cache(), "kernels/*amd64/btf")) +
                   glob.glob(os.path.join(cache(), "kernels/*arm64/btf")))
    known = [RUNNING, *found]
    for btf in known:
        same_answers(names, path, btf)
    result = anew("kernels", "One object for 20 kernels, for each of them", path,
                  [known[i % len(known)] for i in range(20)], rounds, cpu, names)
    said = ", ".join(["the running one", *(os.path.basename(os.path.dirname(b)) for b in found)])
    result.notes.append(f"{len(known)} kernels ({said}), in turn until there are 20; nothing is kept from one to the next.")
    return result


def relocations(paths):
    """The CO-RE relocations of these objects, by bpflink's count."""
    call = [program("bpflink-crate"), "count", *paths]
    return int(subprocess.run(call, check=True, capture_output=True, text=True).stdout)


def there():
    """(cold, warm) contestants that were built."""
    return contestants.there(contestants.COLD), [
        n for n in contestants.WARM if os.access(program(n), os.X_OK)]

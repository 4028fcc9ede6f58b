"""The works that are measured. Each returns a Result: contestants, their Runs, and words."""
import glob
import os

import contestants
from contestants import Server, digest_of, once, processes, program, there
from figures import Runs

RUNNING = "/sys/kernel/btf/vmlinux"
# 35 CO-RE relocations, many of them of types that only some kernels have.
ONE = "biolatency"


class Result:
    def __init__(self, title, runs, ours, notes=()):
        self.title, self.runs, self.ours, self.notes = title, runs, ours, list(notes)


def tools():
    """The libbpf-tools by name."""
    cache = os.environ.get("BPFLINK_CACHE") or os.path.join(
        os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "bpflink")
    found = sorted(glob.glob(os.path.join(cache, "objects/libbpf-tools/*.bpf.o")))
    return {os.path.basename(path).removesuffix(".bpf.o"): path for path in found}


def same_answers(names, *arguments):
    """Fails unless all of them compute the same of an object."""
    answers = {name: once(name, "cold", *arguments)[0] for name in names}
    if len(set(answers.values())) != 1 or not answers[names[0]].endswith(" 0"):
        raise SystemExit(f"{arguments}: not what the others compute: {answers}")
    return answers[names[0]]


def cold(title, path, rounds, cpu, btf=None):
    """Process start to final instructions."""
    names = there(contestants.COLD)
    target = [btf] if btf else []
    answer = same_answers(names, path, *target)
    bare = [[program("floor")], [program("floor"), btf or RUNNING]]
    commands = [*bare, *([program(name), "cold", path, *target] for name in names)]
    runs = processes(commands, rounds, cpu)
    _, programs, instructions, _ = answer.split()
    return Result(title, dict(zip(["nothing", "floor", *names], runs)), names[0],
                  [f"{programs} programs, {instructions} instructions, the same of all."])


def agreeing(servers, paths):
    """The objects of which all say the same, and of the others who differs."""
    equal, different = [], {}
    for path in paths:
        answers = {server.name: server.digest(path) for server in servers}
        ours = answers[servers[0].name]
        if ours is None or ours[3] != "0":
            raise SystemExit(f"{path}: bpflink does not link it")
        others = [name for name, answer in answers.items() if answer != ours]
        if others:
            different[path] = others
        else:
            equal.append(path)
    return equal, different


def warm(title, paths, times, rounds, cpu, servers):
    """The kernel's BTF is there; open to final instructions, for each object."""
    runs = {server.name: Runs() for server in servers}
    for number in range(-1, rounds):
        for server in servers:
            took = server.time("link", times, *paths)
            if took is None:
                raise SystemExit(f"{server.name} gave up")
            if number >= 0:
                runs[server.name].add(*(t / times for t in took))
    return Result(title, runs, servers[0].name)

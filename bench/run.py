#!/usr/bin/env python3
"""Measures bpflink beside libbpf, cilium/ebpf and aya-obj, and writes docs/benchmarks.md with
its plot: `make bench`. Needs the libbpf-tools (corpus/libbpf_tools.py) and valgrind; for links
of many kernels those that kernels/fetch.py fetched."""
import argparse
import os
import sys

import machine
import plot
import resources
import works
from contestants import BUILD, COLD, NAMES, USUAL, Server, program
from figures import ratios, spread, times
from goals import goals
from instructions import fixed as instructions_of
from report import compared, grown, instructions, memory, size, threaded

TOP = os.path.normpath(os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))
METHOD = """\
Every number is of one run, in which the contestants took turns in each round. The table gives the median and, in
brackets, the quartiles; ratios are those of each round. *Processor* is user and system time. Where the
machine is shared, wall time is that of a process that waits, too; the least of it and processor time are not.

What each does is the same: from the object's bytes to final instructions, func_info, line_info and program BTF, by its
fastest public way. That all compute the same instructions is asserted. bpflink is given no target: where it must ask the
running kernel what it supports, it asks, and so does libbpf; that is measured. All else that is the kernel's work is not:
libbpf's other calls of bpf(2) are answered at once, aya-obj and cilium/ebpf are told that the kernel has every feature.
*Warm*, libbpf is handed a parsed BTF of the kernel, which it cannot keep by itself; and all keep the memory that they free,
as glibc is told to."""


def show(result):
    """On the terminal, as soon as it is known."""
    print(f"\n## {result.title}")
    ours = result.runs[result.ours]
    for name, runs in result.runs.items():
        by = "" if name == result.ours else (
            f"  {times(ratios(runs.wall, ours.wall)):>24} {times(ratios(runs.cpu, ours.cpu)):>24}")
        print(f"{NAMES[name]:36} wall {spread(runs.wall):32} processor {spread(runs.cpu):32}{by}", flush=True)
    return result


def arguments():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--cpu", type=int, default=os.cpu_count() - 1, help="where all but the threads run")
    parser.add_argument("--only", help="cold, wide, warm, scale, threads or kernels: on the terminal alone")
    parser.add_argument("--page", default=os.path.join(TOP, "docs", "benchmarks.md"))
    return parser.parse_args()


class Bench:
    def __init__(self, args):
        self.rounds, self.cpu, self.few = args.rounds, args.cpu, max(args.rounds // 6, 5)
        self.cold_names, self.warm_names = works.there()
        self.tools = works.tools()
        if works.ONE not in self.tools:
            sys.exit("needs the libbpf-tools: corpus/libbpf_tools.py")
        self.one = self.tools[works.ONE]

    def cold(self):
        return [show(works.cold("cold", f"Cold: {works.ONE}", self.one, self.rounds, self.cpu, self.cold_names)),
                show(works.fresh(self.one, self.rounds // 2, self.cpu, self.warm_names))]

    def wide(self):
        names = [n for n in self.cold_names if n in USUAL]
        return [show(r) for r in works.wide(self.rounds, self.cpu, names)]

    def warm(self):
        servers = [Server(name, cpu=self.cpu) for name in self.warm_names]
        self.equal, different = works.agreeing(servers, self.tools.values())
        self.relocations = works.relocations([self.one])
        some = works.relocations(self.equal)
        notes = [f"{len(self.equal)} of {len(self.tools)} objects, {some} relocations."]
        for path, who in different.items():
            notes.append(f"Left out: {os.path.basename(path)}, of which "
                         f"{', '.join(NAMES[n] for n in who)} says something else or nothing.")
        results = [works.warm("warm-one", f"Warm: {works.ONE}", [self.one], self.rounds, servers),
                   works.warm("warm-all", "Warm: an object of the libbpf-tools, on average", self.equal,
                              self.few, servers)]
        results[0].notes.append(f"{self.relocations} relocations.")
        results[1].notes += notes
        for server in servers:
            server.end()
        return [show(r) for r in results]

    def scale(self):
        results = []
        for result in works.scale(self.few, self.cpu, self.warm_names):
            show(result)
            for name, growth in result.growth.items():
                print(f"  {NAMES[name]} grew by {sorted(growth)[len(growth) // 2]:.2f}"
                      f"{' and computes something else' if name in result.different else ''}")
            print(f"  bpflink by {result.counted or 0:.2f} in instructions")
            print("  left out:", ", ".join(result.left_out) or "none", flush=True)
            results.append(result)
        return results

    def threads(self):
        found = works.threads(self.equal, self.few, self.warm_names)
        print("\n## Threads\n" + threaded(found), flush=True)
        return found

    def kernels(self):
        return [show(works.kernels(self.one, self.few, self.cpu, self.warm_names))]


def page(bench, results, kept, kernel, loud):
    cold, wide, warm, scale, threads, kernels = results
    fixed = instructions_of("relocate", os.path.join(BUILD, "instructions"))
    rest = {"cold": resources.cold_instructions(bench.cold_names, bench.one),
            "warm": resources.warm_instructions(bench.warm_names, bench.one)}
    return "\n\n".join([
        "# Benchmarks", "Written by `make bench`, with the plot: not to be edited.",
        *([f"**{loud}**"] if loud else []),
        "\n".join(f"* {line}" for line in machine.about()), METHOD,
        "![processor time of each](benchmarks.svg)",
        "## Goals", goals(cold[0], wide[-1], warm[0], scale, kept, kernel, fixed,
                          resources.stripped_size()),
        "## One process, one link", "From before the process starts to after its end; each just after others of its kind, so that none finds "
        "caches and free pages as a larger one left them (`bench/c/measure.c`). The programs on musl have nothing of glibc, whose start takes longer "
        "on some machines than the link (it asks the processor what it is, which a virtual machine answers slowly), "
        "and an allocator that gives nothing back (`bench/c/arena.c`).",
        *map(compared, cold + wide),
        "## A process that goes on", *map(compared, warm),
        "## Large objects", "At full size; and how many times as long as at half of it.", grown(scale),
        "## Threads", "Each links all objects, over one shared BTF of the kernel; not pinned to a processor.",
        threaded(threads),
        "## Many kernels", *map(compared, kernels),
        "## Memory", "Of the process that links once. Memory of its own is the peak without mapped files. "
        "Allocated is what malloc was asked for (of Go, its own allocator).",
        memory(kept),
        "## Instructions", "By valgrind: what no other process disturbs.",
        instructions(rest["cold"], rest["warm"], bench.relocations),
        "## The library's size", size(resources)]) + "\n"


def picture(cold, wide, warm, kernels):
    def processor(result):
        beside = set(COLD) - set(USUAL) | {"nothing"}
        return {name: runs.cpu for name, runs in result.runs.items() if name not in beside}

    return plot.bars([("one process, one link", processor(cold[0])),
                      ("the same, 500 types", processor(wide[-1])),
                      ("one link more", processor(warm[0])),
                      ("another kernel", processor(kernels[0]))])


def main():
    args = arguments()
    bench = Bench(args)
    loud = machine.warning()
    print("\n".join(machine.about()))
    if loud:
        print("WARNING:", loud)
    if args.only:
        if args.only == "threads":
            bench.warm()
        getattr(bench, args.only)()
        return
    results = [bench.cold(), bench.wide(), bench.warm(), bench.scale(), bench.threads(), bench.kernels()]
    kept = resources.memory(bench.cold_names, bench.one)
    kernel = resources.allocated(program("kernel"))
    loud = loud or machine.warning(own=1)
    text = page(bench, results, kept, kernel and kernel[2], loud)
    cold, wide, warm, _, _, kernels = results
    with open(args.page, "w", encoding="utf-8") as file:
        file.write(text)
    with open(args.page.removesuffix(".md") + ".svg", "w", encoding="utf-8") as file:
        file.write(picture(cold, wide, warm, kernels))
    print(f"\n{args.page} is written")
    if loud:
        print("WARNING:", loud)


main()

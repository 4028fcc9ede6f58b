#!/usr/bin/env python3
"""Measures bpflink beside libbpf, cilium/ebpf and aya-obj: `make bench`."""
import argparse
import os

import contestants
import works
from contestants import NAMES, Server, there
from figures import quartiles, ratios, spread, times


def show(result):
    print(f"\n## {result.title}")
    ours = result.runs[result.ours]
    for name, runs in result.runs.items():
        low = min(runs.wall)
        ratio = "" if name == result.ours else f"  wall {times(ratios(runs.wall, ours.wall))} cpu {times(ratios(runs.cpu, ours.cpu))}"
        print(f"{NAMES[name]:36} wall {spread(runs.wall):32} min {low / 1e6:.3f} ms  cpu {spread(runs.cpu):32}{ratio}")
    for note in result.notes:
        print(note)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=60)
    parser.add_argument("--cpu", type=int, default=os.cpu_count() - 1, help="where to run")
    args = parser.parse_args()
    load = os.getloadavg()[0]
    if load > 0.5:
        print(f"WARNING: others are at work on this machine (load {load:.1f}): trust processor time")
    tools = works.tools()
    one = tools[works.ONE]
    show(works.cold("Cold", one, args.rounds, args.cpu))
    servers = [Server(name, cpu=args.cpu) for name in there(contestants.WARM)]
    equal, different = works.agreeing(servers, tools.values())
    for path, who in different.items():
        print(os.path.basename(path), "differs:", who)
    show(works.warm("Warm, one object", [one], 10, args.rounds, args.cpu, servers))
    show(works.warm(f"Warm, {len(equal)} objects", equal, 1, args.rounds // 4, args.cpu, servers))


main()

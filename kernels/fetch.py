#!/usr/bin/env python3
"""Fetches real kernels: their BTF, their modules' BTF, and an image that boots.

Reads `list` beside this file, takes the packages from Debian through an apt state of
its own, and keeps per release, in the cache outside the tree, kernels/RELEASE/:
  vmlinux       what qemu boots: the ELF file on amd64, the packaged image elsewhere
  btf           vmlinux's BTF, byte for byte what /sys/kernel/btf/vmlinux would show
  modules/*.btf the modules' split BTF     ko/*.ko  a few modules, uncompressed
  config        the kernel's configuration release   the release string
  facts.json    byte order, number of types, whether sorted
"""

import argparse
import fnmatch
import json
import lzma
import re
import shutil
import subprocess
import sys
import tarfile
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "corpus"))

import btf_facts  # noqa: E402
import headers  # noqa: E402
import image  # noqa: E402
from debian import MIRROR, Apt, Unavailable, cache_root, locked  # noqa: E402

# Kept as loadable files, for tests that need a module in a booted kernel.
KEPT = {"tun", "dummy", "nf_conntrack", "nf_defrag_ipv4", "nf_defrag_ipv6", "libcrc32c", "veth"}

# Releases tried per suite when the pinned one is not to be had.
TRIES = 3


class Wanted:
    """One line of the list."""

    def __init__(self, line):
        self.name, self.arch, self.release, self.pattern, types, suites = line.split()
        self.types, self.suites = int(types), suites.split(",")

    def __str__(self):
        return f"{self.name}/{self.arch}"


def wanted_kernels():
    """The lines of the list."""
    lines = (HERE / "list").read_text().splitlines()
    return [Wanted(line) for line in lines if line.strip() and not line.startswith("#")]


def store():
    """The folder with one folder per release."""
    return cache_root() / "kernels"


def natural(release):
    """A key that orders releases by their numbers."""
    return [int(part) if part.isdigit() else part for part in re.split(r"(\d+)", release)]


def cached(want):
    """The release in the cache that serves a line: the pinned one, else the newest."""
    have = [p.parent.name for p in store().glob("*/facts.json")]
    if want.release in have:
        return want.release
    marks = [r for r in have if _suites_of(r) & set(want.suites)]
    matching = fnmatch.filter(marks, want.pattern)
    return max(matching, key=natural, default=None)


def _suites_of(release):
    return {json.loads((store() / release / "facts.json").read_text())["suite"]}


def packages(names, release):
    """The packages that together hold the image and the modules of a release."""
    for stem in ("linux-binary", "linux-binary-unsigned"):
        if f"{stem}-{release}" in names:
            parts = [f"linux-modules-{release}", f"linux-base-{release}"]
            return [f"{stem}-{release}"] + [part for part in parts if part in names]
    if f"linux-image-{release}" in names:
        return [f"linux-image-{release}"]
    return [f"linux-image-{release}-unsigned"]


def releases(names, want):
    """The suite's releases for a line: the pinned one first, then newest to oldest."""
    found = set()
    for name in names:
        match = re.fullmatch(r"linux-(?:image|binary)-(?:unsigned-)?(\d.*?)(?:-unsigned)?", name)
        if match and fnmatch.fnmatch(match[1], want.pattern) and "-rt-" not in match[1]:
            found.add(match[1])
    found = sorted(found, key=natural, reverse=True)[:TRIES]
    return [want.release] * (f"linux-image-{want.release}" in names
                             or f"linux-binary-{want.release}" in names) + [
        release for release in found if release != want.release]


def fetch(want):
    """Brings one kernel into the cache and returns its release."""
    reasons = []
    offers = []
    for suite in want.suites:
        base = MIRROR + "-security" if suite.endswith("-security") else MIRROR
        apt = Apt(suite, (want.arch,), base=base)
        try:
            apt.update()
            offers.append((apt, apt.names(r"^linux-(image|binary|modules|base)-")))
        except Unavailable as reason:
            reasons.append(f"{suite}: {reason}")
    tries = [(r != want.release, i, apt, names, r)
             for i, (apt, names) in enumerate(offers) for r in releases(names, want)]
    for _, _, apt, names, release in sorted(tries, key=lambda one: one[:2]):
        try:
            install(want, apt, packages(names, release), release)
            return release
        except (Unavailable, image.BadImage, btf_facts.BadBtf) as reason:
            reasons.append(f"{release}: {reason}")
    raise Unavailable("; ".join(reasons) or f"no suite lists {want.pattern}")


def install(want, apt, names, release):
    """Fetches and unpacks a release's packages into its folder, all or nothing."""
    part = store() / f".part-{release}"
    shutil.rmtree(part, ignore_errors=True)
    (part / "modules").mkdir(parents=True)
    (part / "ko").mkdir()
    try:
        if want.arch in headers.ARCHES:
            headers.encode(apt, release, part)
        else:
            for uri in [apt.binary_uri(name) for name in names]:
                deb = apt.fetch(uri, part)
                unpack(deb, part)
                deb.unlink()
            boot_image(want, part)
        facts = finish(want, part, release, apt.suite)
        (part / "facts.json").write_text(json.dumps(facts, indent=1) + "\n")
        shutil.rmtree(store() / release, ignore_errors=True)
        part.rename(store() / release)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def unpack(deb, part):
    """Takes the image, the configuration and the modules' BTF out of a package."""
    pipe = subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(deb)], stdout=subprocess.PIPE)
    with tarfile.open(fileobj=pipe.stdout, mode="r|") as archive:
        for member in archive:
            if not member.isfile():
                continue
            name = member.name.rsplit("/", 1)[-1]
            if name.startswith("vmlinu"):
                (part / "image").write_bytes(archive.extractfile(member).read())
            elif name == "config" or name.startswith("config-"):
                (part / "config").write_bytes(archive.extractfile(member).read())
            elif re.search(r"\.ko(\.xz)?$", name):
                module(archive.extractfile(member).read(), name, part)
    if pipe.wait() != 0:
        raise Unavailable(f"dpkg-deb cannot read {deb.name}")


def module(data, name, part):
    """Keeps one module's BTF, and the module itself if it is among the kept."""
    if name.endswith(".xz"):
        data = lzma.decompress(data)
    stem = name.split(".ko")[0].replace("-", "_")
    btf = image.section(data, b".BTF")
    if btf is not None:
        (part / "modules" / f"{stem}.btf").write_bytes(btf)
    if stem in KEPT:
        (part / "ko" / f"{stem}.ko").write_bytes(data)


def boot_image(want, part):
    """Makes the image bootable, and takes its BTF out."""
    packed = part / "image"
    if not packed.exists():
        raise Unavailable("its packages hold no kernel image")
    kernel, btf = image.unpack(packed.read_bytes(), want.arch)
    packed.unlink()
    (part / "vmlinux").write_bytes(kernel)
    (part / "btf").write_bytes(btf)


def finish(want, part, release, suite):
    """Checks the BTF against the list, and returns what is to be known of it."""
    (part / "release").write_text(release + "\n")
    facts = btf_facts.facts((part / "btf").read_bytes())
    exact = release == want.release and want.arch not in headers.ARCHES
    if facts["types"] < want.types // 2 or (exact and facts["types"] != want.types):
        raise btf_facts.BadBtf(f"{facts['types']} types, the list says {want.types}")
    modules = sorted((part / "modules").glob("*.btf"))
    for path in modules:
        try:
            btf_facts.Header(path.read_bytes())
        except btf_facts.BadBtf as reason:
            raise btf_facts.BadBtf(f"{path.stem}: {reason}") from reason
    facts.update(arch=want.arch, suite=suite, release=release, modules=len(modules))
    return facts


def line(want, release, seconds):
    """The line that says what is there."""
    facts = json.loads((store() / release / "facts.json").read_text())
    word = "" if release == want.release else f" (instead of {want.release})"
    took = f", fetched in {seconds:.0f} s" if seconds else ""
    return (f"kernel {want}: {release}{word}, {facts['types']} types, {facts['order']} endian, "
            f"{'sorted, ' if facts['sorted'] else ''}{facts['modules']} modules{took}")


def arguments():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("kernel", nargs="*", metavar="NAME[/ARCH]",
                        help="as in `list` (default: all; NAME alone: every architecture)")
    parser.add_argument("--arch", help="only this architecture")
    parser.add_argument("--quiet", "-q", action="store_true", help="one summary line")
    parser.add_argument("--cached", action="store_true", help="say what is there, fetch nothing")
    parser.add_argument("--refresh", action="store_true", help="ask again for missing pins")
    return parser, parser.parse_args()


def chosen_kernels(parser, chosen):
    every = [w for w in wanted_kernels() if chosen.arch in (None, w.arch)]
    if not chosen.kernel:
        return every
    for name in chosen.kernel:
        if not any(name in (w.name, str(w), w.release) for w in every):
            parser.error(f"no kernel {name} in {HERE / 'list'}")
    return [w for w in every if {w.name, str(w), w.release} & set(chosen.kernel)]


def main():
    parser, chosen = arguments()
    every = chosen_kernels(parser, chosen)
    there = []
    with locked("kernels"):
        for want in every:
            release, start = cached(want), time.monotonic()
            stale = release is None or (chosen.refresh and release != want.release)
            try:
                if stale and not chosen.cached:
                    release = fetch(want)
                elif release is None:
                    raise Unavailable("not in the cache")
            except Unavailable as reason:
                print(f"SKIP kernel {want}: {reason}", flush=True)
                continue
            there.append(release)
            if not chosen.quiet:
                seconds = time.monotonic() - start
                print(line(want, release, seconds if seconds > 1 else 0), flush=True)
    print(f"kernels: {len(there)} of {len(every)} in {store()}: {' '.join(there)}")
    return 0


if __name__ == "__main__":
    sys.exit(main())

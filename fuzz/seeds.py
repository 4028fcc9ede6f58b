#!/usr/bin/env python3
"""The first inputs of each target: seeds.py RECORDED OBJECTS OUT. RECORDED is a folder of cases that the
tests left there (BPFLINK_RECORD), OBJECTS one of compiled objects."""
import os
import re
import sys

LARGEST = 20_000
ELF, BTF = b"\x7fELF", (b"\x9f\xeb", b"\xeb\x9f")
TEXTS = {"config": b"\x02CONFIG_BPF=y\nCONFIG_HZ=250\n# CONFIG_X is not set\nCONFIG_S=\"a\\\"b\"\n",
         "symbols": b"\x03ffffffff81000000 T bpf_prog_load\nffffffff82000000 D jiffies\t[module]\n"}
# A program of one function that reads a field, and a reference to a map.
STREAM = (bytes([0, 0, 5, 1, 1, 1, 1]) + bytes.fromhex("6112000000000000 1803000000000000 0000000000000000 b700000000000000")
          + bytes.fromhex("9500000000000000 00000000 01020000 0000 0100 01000000") + bytes(2 * 17))


def contents(folder, ending):
    """{name: bytes} of the files that are no larger than an input may be."""
    found = {}
    for name in sorted(os.listdir(folder)):
        path = os.path.join(folder, name)
        if name.endswith(ending) and os.path.getsize(path) <= LARGEST:
            with open(path, "rb") as file:
                found[name.removesuffix(ending)] = file.read()
    return found


def write(folder, files):
    os.makedirs(folder, exist_ok=True)
    for name, data in files.items():
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)


def pairs(cases, objects, kernels):
    """Which object was linked for which BTF."""
    found = set()
    for text in cases.values():
        object_, vmlinux = (re.search(rb"^%s ([0-9a-f]+)\.bin$" % word, text, re.M)
                            for word in (b"object", b"vmlinux"))
        pair = tuple(match and match[1].decode() for match in (object_, vmlinux))
        if pair[0] in objects and pair[1] in kernels:
            found.add(pair)
    return sorted(found)


def main():
    recorded, compiled, out = sys.argv[1:]
    parts = contents(recorded, ".bin")
    objects = {name: data for name, data in parts.items() if data.startswith(ELF)}
    kernels = {name: data for name, data in parts.items() if data.startswith(BTF)}
    linked = pairs(contents(recorded, ".case"), objects, kernels)
    chosen = sorted({object_ for object_, _ in linked})
    write(f"{out}/objects", {name: objects[name] for name in chosen})
    write(f"{out}/object", objects | contents(compiled, ".o"))
    write(f"{out}/kernel", {f"{object_}-{kernel}": chosen.index(object_).to_bytes(2, "little") + kernels[kernel]
                            for object_, kernel in linked})
    write(f"{out}/stream", {name: STREAM + data for name, data in kernels.items()})
    write(f"{out}/files", TEXTS | {name: b"\x00" + data for name, data in kernels.items()})
    print(f"{len(objects)} objects, {len(linked)} of them with a kernel's BTF, {len(kernels)} BTFs")


main()

#!/usr/bin/env python3
"""Compiles what the kernel's table of CO-RE cases is made of: its programs and its targets.

    objects.py VARIANT...     v2 v3 v4, eb (big endian), clang16 and the like (corpus/variants.py)

The sources are those of corpus/selftests.py, and so are the flags. The objects of a variant
land in the cache as objects/core-table-VARIANT. The first line says where the kernel's sources
are, then one line for each variant; `SKIP` and the reason where something cannot be had.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "corpus"))

import kernel_tree  # noqa: E402
import selftests  # noqa: E402
import variants  # noqa: E402
from compiling import compile_all, objects_folder  # noqa: E402
from debian import Unavailable, locked  # noqa: E402

KERNEL = "7.2"
BEGINNINGS = ("test_core_reloc_", "btf__core_reloc_")


def build(name):
    """Compiles the table's programs and targets in one way; the record."""
    job = selftests.job(KERNEL, variants.parse(name))
    job.only({n for n in job.names() if n.startswith(BEGINNINGS)})
    with locked(f"core-table-{name}"):
        return compile_all(job, objects_folder(f"core-table-{name}"))


def main():
    try:
        linux = kernel_tree.sources(KERNEL)
    except Unavailable as reason:
        print(f"SKIP the kernel's table: {reason}")
        return 0
    print(f"linux {linux}")
    failed = 0
    for variant in sys.argv[1:] or ["v3"]:
        try:
            record = build(variant)
        except Unavailable as reason:
            print(f"SKIP {variant}: {reason}")
            continue
        for program, why in record["failed"].items():
            print(f"{variant}: {program} does not compile: {why}")
        failed += len(record["failed"])
        print(f"{variant} {record['objects']}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

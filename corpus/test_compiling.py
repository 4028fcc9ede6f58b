#!/usr/bin/env python3
"""Tests of what the scripts that compile compute themselves; no network, no compiler."""

import contextlib
import io
import itertools
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import all as corpus  # noqa: E402
import compilers  # noqa: E402
import compiling  # noqa: E402
import kernel_tree  # noqa: E402
import linking  # noqa: E402
import prebuilt  # noqa: E402
import projects  # noqa: E402
import selftests  # noqa: E402
import variants  # noqa: E402

# Writes one line into the log for each call; a source that says so does not compile.
COMPILER = """#!/bin/sh
while [ $# -gt 0 ]; do
	case $1 in -c) source=$2; shift;; -o) out=$2; shift;; esac
	shift
done
echo "$source" >>"{log}"
if grep -q bad "$source"; then echo "note: x" >&2; echo "a.c:1: error: bad" >&2; exit 1; fi
cp "$source" "$out"
"""


class Folder(unittest.TestCase):
    """A folder of objects, and a compiler that counts."""

    def setUp(self):
        place = tempfile.TemporaryDirectory()
        self.addCleanup(place.cleanup)
        self.home = Path(place.name)
        self.objects = self.home / "objects"
        self.log = self.home / "log"
        compiler = self.home / "compiler"
        compiler.write_text(COMPILER.format(log=self.log))
        compiler.chmod(0o755)
        self.sources = []
        for name, text in (("a.bpf.c", "good"), ("b.c", "good"), ("c.bpf.c", "bad")):
            (self.home / name).write_text(text)
            self.sources.append(self.home / name)
        self.command = [str(compiler)]

    def compile(self, key="k", only=None):
        self.log.write_text("")
        job = compiling.Job(self.sources, self.command, {"is": key})
        return compiling.compile_all(job.only(only) if only else job, self.objects, 2)

    def compiled(self):
        return sorted(self.log.read_text().split())

    def test_each_program_has_an_object_or_a_reason(self):
        record = self.compile()
        self.assertEqual(record["failed"], {"c.bpf.c": "a.c:1: error: bad"})
        self.assertEqual(sorted(os.listdir(self.objects)), ["a.bpf.o", "b.bpf.o", compiling.RECORD])
        self.assertEqual(compiling.record_beside(self.objects), {"key": {"is": "k"}, "failed": record["failed"]})

    def test_nothing_is_compiled_twice(self):
        self.compile()
        self.compile()
        self.assertEqual(self.compiled(), [])

    def test_what_is_missing_is_compiled(self):
        self.compile()
        (self.objects / "b.bpf.o").unlink()
        (self.objects / "a.bpf.part").write_text("half of it")
        self.compile()
        self.assertEqual(self.compiled(), ["b.c"])
        self.assertFalse((self.objects / "a.bpf.part").exists())

    def test_another_key_removes_what_was_there(self):
        self.compile()
        (self.objects / "of-before.bpf.o").write_text("")
        self.compile("other")
        self.assertEqual(self.compiled(), ["a.bpf.c", "b.c", "c.bpf.c"])
        self.assertFalse((self.objects / "of-before.bpf.o").exists())

    def test_of_a_program_that_is_gone_nothing_is_kept(self):
        self.compile()
        (self.objects / "linked-x.bpf.o").write_text("")
        del self.sources[1:]
        self.assertEqual(self.compile()["failed"], {})
        self.assertEqual(sorted(os.listdir(self.objects)), ["a.bpf.o", compiling.RECORD, "linked-x.bpf.o"])

    def test_two_programs_of_one_name_are_an_error(self):
        (self.home / "b.bpf.c").write_text("good")
        self.sources.append(self.home / "b.bpf.c")
        with self.assertRaises(ValueError):
            self.compile()

    def test_some_programs_alone_are_another_key(self):
        self.compile()
        self.assertEqual(self.compile(only=["b"])["total"], 1)
        self.assertEqual(self.compiled(), ["b.c"])
        self.assertFalse((self.objects / "a.bpf.o").exists())

    def test_a_name_that_no_program_has_is_a_failure(self):
        record = self.compile(only=["a", "gone"])
        self.assertEqual((record["total"], list(record["failed"])), (2, ["gone"]))

    def test_the_plain_way_keeps_what_only_debuggers_need(self):
        job = compiling.Job([], [], {}, header=Path("vmlinux.h"))
        self.assertEqual((job.quick(variants.Variant()).strip, job.header, job.key), (False, None, {}))
        job = compiling.Job([], [], {}, header=Path("vmlinux.h")).quick(variants.Variant(cpu="v4"))
        self.assertTrue(job.strip and job.header and job.key)

    def test_a_header_is_compiled_first_where_nothing_stands_before_it(self):
        self.assertTrue(compiling.begins_with("// SPDX\n/* #1 */\n#include <vmlinux.h>\n", "vmlinux.h"))
        self.assertTrue(compiling.begins_with('  #include "vmlinux.h"\n#define A\n', "vmlinux.h"))
        self.assertFalse(compiling.begins_with('#define A\n#include "vmlinux.h"\n', "vmlinux.h"))
        self.assertFalse(compiling.begins_with("int a;\n", "vmlinux.h"))


class Variants(unittest.TestCase):
    def test_a_name_says_what_differs_and_is_read_back(self):
        self.assertEqual(variants.Variant().name, "")
        self.assertEqual(variants.Variant("14", "O1", "v2", "eb").name, "clang14-O1-v2-eb")
        self.assertEqual(variants.Variant(cpu="v4").folder("libbpf-tools"), "libbpf-tools-v4")
        for variant in variants.product():
            self.assertEqual(variants.parse(variant.name), variant)

    def test_words_may_say_the_default(self):
        self.assertEqual(variants.parse("clang19-O2-v3-el"), variants.Variant())

    def test_a_name_that_says_no_way_or_two(self):
        for name in ("O7", "clang", "v2-v4", "eb-el", "clang14-clang16"):
            with self.assertRaises(ValueError):
                variants.parse(name)

    def test_the_product_is_of_what_each_compiler_knows(self):
        ways = list(variants.product())
        self.assertEqual(len(ways), len(set(ways)))
        # Four compilers × two levels × two byte orders, × two instruction sets or three.
        self.assertEqual(len(ways), 2 * 2 * (2 + 2 + 3 + 3))

    def test_pairs_meet(self):
        fields = ("clang", "level", "cpu", "order")
        for one, other in itertools.combinations(fields, 2):
            wanted = {(getattr(v, one), getattr(v, other)) for v in variants.product()}
            had = {(getattr(v, one), getattr(v, other)) for v in variants.PAIRS}
            self.assertEqual(wanted - had, set())


class Names(unittest.TestCase):
    def test_names_of_objects(self):
        self.assertEqual(compiling.object_name(Path("a/opensnoop.bpf.c")), "opensnoop.bpf.o")
        self.assertEqual(compiling.object_name(Path("a/btf__core.c")), "btf__core.bpf.o")

    def test_names_of_objects_that_others_compiled(self):
        self.assertEqual(prebuilt.name_of(Path("testdata/loader-el.elf")), "loader-el.bpf.o")
        self.assertEqual(prebuilt.name_of(Path("examples/tcx/bpf_bpfeb.o")), "examples-tcx-bpf_bpfeb.bpf.o")

    def test_what_of_the_kernel_is_unpacked(self):
        for name in ("tools/testing/selftests/bpf/progs/a.c", "include/uapi/linux/bpf.h", "Makefile",
                     "tools/sched_ext/scx_simple.bpf.c", "samples/bpf/a.bpf.c"):
            self.assertTrue(kernel_tree.WANTED.match(name), name)
        for name in ("drivers/net/a.c", "tools/testing/selftests/mm/a.c", "include/linux/bpf.h"):
            self.assertFalse(kernel_tree.WANTED.match(name), name)

    def test_releases_are_in_the_order_of_their_numbers(self):
        stamps = [Path(f"/c/linux-{release}/.complete") for release in ("7.2.9", "7.2.12", "7.2")]
        self.assertEqual([s.parent.name for s in sorted(stamps, key=kernel_tree._release)],
                         ["linux-7.2", "linux-7.2.9", "linux-7.2.12"])

    def test_what_of_a_compiler_is_unpacked(self):
        for name in ("clang-22", "libclang-cpp22", "libclang-common-22-dev", "libllvm22", "libc6", "zlib1g"):
            self.assertTrue(compilers.NEEDED.match(name), name)
        for name in ("libc6-dev", "libstdc++-14-dev", "binutils", "llvm-22-linker-tools", "gcc-14-base"):
            self.assertFalse(compilers.NEEDED.match(name), name)

    def test_objects_linked_of_several(self):
        text = "one.skel.h-deps := a.bpf.o\ntwo.skel.h-deps := a.bpf.o b.bpf.o\n"
        self.assertEqual([n for n, parts in linking.LINKED.findall(text) if " " in parts], ["two"])

    def test_programs_of_projects(self):
        def takes(name, path):
            project = projects.PROJECTS[name]
            return bool(re.fullmatch(project.programs, path))

        self.assertTrue(takes("xdp-tools", "xdp-filter/xdpfilt_alw_all.c"))
        self.assertTrue(takes("xdp-tools", "lib/libxdp/xsk_def_xdp_prog_5.3.c"))
        self.assertFalse(takes("xdp-tools", "xdp-filter/xdp-filter.c"))
        self.assertTrue(takes("systemd", "src/bpf/restrict-fs.bpf.c"))
        self.assertFalse(takes("systemd", "src/core/bpf-firewall.c"))
        self.assertTrue(takes("cilium-ebpf", "testdata/loader.c"))


    def test_reasons_that_differ_in_their_place_are_one(self):
        def one(address):
            return corpus.reason(f"error: error in backend: Cannot select: {address}: i64 = sdiv {address}, a.c:1:2")

        self.assertEqual(one("0x1a"), one("0x2b"))
        self.assertEqual(corpus.reason("a.c:1: error: unknown type name 'u32'"), "unknown type name 'u32'")


class Told(unittest.TestCase):
    """What is enough."""

    def enough(self, total, failed, share):
        record = {"total": total, "failed": dict.fromkeys(map(str, range(failed)), "error: x"), "objects": ""}
        with contextlib.redirect_stdout(io.StringIO()):
            return corpus.told("set", record, True, share)

    def test_all_of_a_sample_and_nearly_all_of_the_plain_way(self):
        self.assertTrue(self.enough(5, 0, 1))
        self.assertFalse(self.enough(5, 1, 1))
        self.assertTrue(self.enough(57, 8, corpus.least(variants.Variant())))
        self.assertFalse(self.enough(57, 9, corpus.least(variants.Variant())))

    def test_nothing_is_never_enough(self):
        self.assertFalse(self.enough(0, 0, 0))
        self.assertFalse(self.enough(5, 5, corpus.least(variants.Variant("14"))))


class Plan(unittest.TestCase):
    def test_every_folder_is_made_once(self):
        folders = [variant.folder(kind.name) for kind, variant, _ in corpus.plan()]
        self.assertEqual(len(folders), len(set(folders)))

    def test_a_folder_says_its_set_and_variant(self):
        for kind, variant, _ in corpus.plan():
            self.assertEqual(corpus.set_of(variant.folder(kind.name)), (kind, variant))
        with self.assertRaises(ValueError):
            corpus.set_of("libbpf-tools-v9")

    def test_plain_ways_come_first_and_large_folders_last(self):
        plan = corpus.plan()
        first = [bool(v.name) or k.name == "selftests-6.12" for k, v, _ in plan]
        self.assertEqual(first, sorted(first))
        large = [k.large and not core for (k, _, core), named in zip(plan, first) if named]
        self.assertEqual(large, sorted(large))

    def test_what_is_linked_once_more_is_compiled(self):
        folders = {variant.folder(kind.name) for kind, variant, core in corpus.plan() if not core}
        self.assertLessEqual(set(corpus.RELINKED), folders)


class Samples(unittest.TestCase):
    def test_the_sample_is_of_programs_that_are_named_once(self):
        names = selftests.sample()
        self.assertEqual(len(names), len(set(names)))
        self.assertGreater(len(names), 20)

    def test_the_sample_of_all_variants(self):
        chosen = corpus.sample()
        folders = {folder: corpus.set_of(folder) for folder in chosen}
        for names in chosen.values():
            self.assertEqual(len(names), len(set(names)))
        ways = [variant for _, variant in folders.values()]
        for field in ("clang", "level", "cpu", "order"):
            self.assertEqual({getattr(w, field) for w in ways}, {getattr(w, field) for w in variants.product()})
        self.assertLessEqual(set(corpus.BY_NAME) - {k.name for k, _ in folders.values()}, corpus.NOT_IN_SAMPLE)


if __name__ == "__main__":
    unittest.main()

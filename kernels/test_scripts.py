#!/usr/bin/env python3
"""Tests of what the scripts compute themselves; they need no network and no kernel."""

import shutil
import struct
import subprocess
import sys
import unittest
import zlib
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "corpus")]

import btf_facts  # noqa: E402
import fetch  # noqa: E402
import image  # noqa: E402
import initramfs  # noqa: E402
import machine  # noqa: E402


def blob(order, names, strings=None):
    """BTF with one 4-byte integer per name (kind 1)."""
    text, types = b"\0", b""
    for name in names:
        types += struct.pack(order + "IIII", len(text) if name else 0, 1 << 24, 4, 32)
        text += name + b"\0" if name else b""
    text = text if strings is None else strings
    head = (0xEB9F, 1, 0, 24, 0, len(types), len(types), len(text))
    return struct.pack(order + "HBBIIIII", *head) + types + text


class Btf(unittest.TestCase):
    def test_counts_types_in_both_orders(self):
        for order, name in (("<", "little"), (">", "big")):
            facts = btf_facts.facts(blob(order, [b"b", b"a"]))
            self.assertEqual((facts["types"], facts["order"], facts["sorted"]), (2, name, False))

    def test_sorted_is_anonymous_first_then_by_name(self):
        self.assertTrue(btf_facts.facts(blob("<", [b"", b"a", b"b"]))["sorted"])
        self.assertFalse(btf_facts.facts(blob("<", [b"a", b"", b"b"]))["sorted"])

    def test_empty_strings_are_fine_and_open_ones_are_not(self):
        btf_facts.Header(blob("<", [b""], strings=b""))
        with self.assertRaises(btf_facts.BadBtf):
            btf_facts.Header(blob("<", [b"a"], strings=b"\0a"))

    def test_every_truncation_is_refused(self):
        whole = blob("<", [b"first", b"second"])
        for size in range(len(whole)):
            with self.assertRaises(btf_facts.BadBtf):
                btf_facts.facts(whole[:size])

    def test_found_in_an_image_behind_a_false_start(self):
        wanted = blob(">", [b"one", b"two"])
        flat = b"\x9f\xeb\x01\x00 nothing" + b"x" * 61 + wanted + b"tail"
        self.assertEqual(btf_facts.find(flat), wanted)


class Images(unittest.TestCase):
    def test_what_follows_a_stream_is_ignored(self):
        packer = zlib.compressobj(wbits=31)
        packed = packer.compress(b"kernel" * 99) + packer.flush()
        self.assertEqual(image.decompress(packed + b"\0\1\2rest"), b"kernel" * 99)

    def test_unknown_forms_are_refused(self):
        for call in (lambda: image.decompress(b"what"), lambda: image.section(b"MZ", b".BTF"),
                     lambda: image.x86_payload(b"\0" * 1024)):
            self.assertRaises(image.BadImage, call)

    def test_sections_of_a_real_file(self):
        binary = Path(sys.executable).resolve().read_bytes()
        self.assertIn(b".shstrtab\0", image.section(binary, b".shstrtab"))
        self.assertIsNone(image.section(binary, b".no-such"))


class Releases(unittest.TestCase):
    def setUp(self):
        self.want = fetch.Wanted("6.12 amd64 6.12.9-cloud-amd64 6.12.*-cloud-amd64 1 trixie")

    def test_numbers_order_releases(self):
        names = [f"linux-image-6.12.{n}-cloud-amd64" for n in (8, 100, 20, 3)]
        names += ["linux-image-6.12.7-amd64", "linux-image-cloud-amd64", "linux-headers-6.12.5"]
        got = [r.split(".")[2].split("-")[0] for r in fetch.releases(names, self.want)]
        self.assertEqual(got, ["100", "20", "8"])

    def test_the_pin_comes_first(self):
        names = ["linux-image-6.12.100-cloud-amd64", "linux-image-6.12.9-cloud-amd64"]
        self.assertEqual(fetch.releases(names, self.want)[0], "6.12.9-cloud-amd64")

    def test_split_packages_are_preferred_to_the_empty_one(self):
        names = ["linux-image-7.1", "linux-binary-7.1", "linux-modules-7.1", "linux-base-7.1"]
        self.assertEqual(fetch.packages(names, "7.1"),
                         ["linux-binary-7.1", "linux-modules-7.1", "linux-base-7.1"])


class Boots(unittest.TestCase):
    def test_output_is_what_stands_between_the_marks(self):
        console = b"printk\r\n\nINIT-BEGIN\na\r\n\0b\nINIT-EXIT 1\n\nINIT-EXIT 300\r\nlate"
        got = machine.judge(console, 1.0)
        self.assertEqual((got.status, got.output), (300, b"a\r\n\0b\nINIT-EXIT 1\n"))

    def test_a_boot_without_an_end_is_no_boot(self):
        for console in (b"", b"\nINIT-BEGIN\nhalf", b"\nINIT-EXIT 0\n"):
            self.assertRaises(machine.BootFailed, machine.judge, console, 1.0)

    @unittest.skipUnless(shutil.which("cpio"), "needs cpio")
    def test_cpio_reads_the_archive(self):
        archive = initramfs.Archive()
        archive.file("a/b/odd", b"12345", 0o755)
        archive.file("a/even", b"1234")
        out = subprocess.run(["cpio", "-t", "--quiet"], input=archive.bytes(),
                             capture_output=True, check=True).stdout.decode().split()
        self.assertEqual(out, ["a", "a/b", "a/b/odd", "a/even"])


if __name__ == "__main__":
    unittest.main()

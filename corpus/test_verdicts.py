#!/usr/bin/env python3
"""Tests of how verdicts of two loaders are compared; no network, no kernel."""

import json
import sys
import tempfile
import unittest
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))

import load  # noqa: E402
import table  # noqa: E402
import verdicts  # noqa: E402


def program(name, loaded, asked=True, errno=0, section="xdp", words=""):
    """One line of libbpf-load."""
    return json.dumps({"program": name, "section": section, "loaded": loaded, "kernel": asked,
                       "errno": errno, "words": words})


def whole(loaded):
    """The last line of libbpf-load."""
    return json.dumps({"object": True, "loaded": loaded, "errno": 0, "words": ""})


def row(name, loaded, errno=0, kind="program", section="xdp", words=""):
    """One line of the loader's table."""
    return f"{kind}\t{section}\t{name}\t{'loaded' if loaded else 'refused'}\t{errno}\t{words}"


def block(lines, status=0, name="a.bpf.o"):
    """What `each` prints around a run."""
    return "\n".join(["", f"@ {name}", *lines, "", f"= {name} {status} 7", ""])


def compared(theirs, ours, status=0, their_status=0):
    """The one row of a table."""
    rows = verdicts.compare(verdicts.libbpf_runs(block(theirs, their_status)),
                            verdicts.bpflink_runs(block(ours, status)))
    assert len(rows) == 1
    return rows[0]


class Classes(unittest.TestCase):
    def one(self, theirs, ours, **statuses):
        return compared([theirs, whole(False)], [ours], **statuses).classes["p"]

    def test_both_load_it(self):
        self.assertEqual(self.one(program("p", True), row("p", True)), "both")

    def test_the_kernel_refuses_it_to_both(self):
        self.assertEqual(self.one(program("p", False, errno=22), row("p", False, 22)), "neither")
        self.assertEqual(self.one(program("p", False, errno=22), row("p", False, 13)), "ERRNO")

    def test_lost_and_accepted_are_failures(self):
        self.assertEqual(self.one(program("p", True), row("p", False, 22)), "LOST")
        self.assertEqual(self.one(program("p", True), row("q", True)), "LOST")
        self.assertEqual(self.one(program("p", False, errno=13), row("p", True)), "ACCEPTED")

    def test_a_refusal_before_the_kernel_is_told_apart(self):
        self.assertEqual(self.one(program("p", False, False, 3), row("p", False, 22)), "early")
        self.assertEqual(self.one(program("p", False, False, 3), row("p", True)), "ours")
        self.assertEqual(self.one(program("p", False, errno=13), row("p", False, 0)), "before")

    def test_a_run_that_ends_badly_is_a_failure_unless_libbpf_is_too_slow_as_well(self):
        loaded = program("p", True)
        self.assertEqual(self.one(loaded, row("p", True), status=139), "CRASHED")
        self.assertEqual(self.one(loaded, "", status=124), "CRASHED")
        self.assertEqual(self.one(loaded, "", status=124, their_status=124), "late")

    def test_every_class_of_a_failure_is_named(self):
        self.assertLessEqual(set(verdicts.BAD), set(verdicts.CLASSES))


class Groups(unittest.TestCase):
    def test_every_object_is_in_one_boot_and_boots_side_by_side_have_as_many(self):
        place = load.Place.__new__(load.Place)
        place.booted = True
        for count, boots, sizes in ((5, 2, [3, 2]), (1, 4, [1]), (241, 2, [120, 120, 1]), (0, 2, [])):
            groups = place.groups(list(range(count)), boots)
            self.assertEqual([len(g) for g in groups], sizes)
            self.assertEqual([p for g in groups for p in g], list(range(count)))
        place.booted = False
        self.assertEqual(place.groups([1, 2, 3], 2), [[1, 2, 3]])


class Wholes(unittest.TestCase):
    def test_an_optional_program_does_not_count_and_a_map_does(self):
        good = [program("p", True), whole(True)]
        optional = row("o", False, 22, section="?xdp")
        self.assertFalse(compared(good, [row("p", True), optional]).lost)
        map_missing = row("m", False, kind="map", section="")
        self.assertTrue(compared(good, [map_missing, row("p", True)]).lost)

    def test_an_object_without_programs(self):
        self.assertFalse(compared([whole(True)], []).bad)
        self.assertTrue(compared([whole(True)], [], status=139).bad)
        self.assertTrue(compared([whole(True)], [], status=127).bad)

    def test_an_object_of_which_nothing_was_said(self):
        rows = verdicts.compare(verdicts.libbpf_runs(block([whole(True)])), {})
        self.assertTrue(rows[0].bad)

    def test_a_machine_that_stopped_midway(self):
        text = block([program("p", True), whole(True)]) + "\n@ b.bpf.o\n"
        runs = verdicts.bpflink_runs(text)
        self.assertEqual((runs["a.bpf.o"].status, runs["b.bpf.o"].status), (0, 124))


class Words(unittest.TestCase):
    def reason(self, asked, errno, words):
        return verdicts.reason(verdicts.Verdict("xdp", False, asked, errno, words))

    def test_the_place_is_left_out(self):
        self.assertEqual(self.reason(True, 13, "Permission denied: R1 type=ctx"), "EACCES: R1 type=ctx")
        self.assertEqual(self.reason(True, 1, "Operation not permitted"), "EPERM")
        self.assertEqual(self.reason(False, 3, "libbpf: prog 'p': no such type"), "no such type")
        self.assertEqual(self.reason(False, 3, ""), "ESRCH")

    def test_other_last_words_are_told_and_other_numbers_are_not(self):
        def differ(one, other):
            theirs = verdicts.Verdict("xdp", False, True, 13, one)
            ours = verdicts.Verdict("xdp", False, True, 13, "Permission denied: " + other)
            return verdicts.other_words(theirs, ours)

        self.assertFalse(differ("R1 invalid", "R2 invalid"))
        self.assertFalse(differ("invalid access to map value", "invalid access to m"))
        self.assertTrue(differ("invalid access", "back-edge"))

    def test_a_document_keeps_what_is_around_the_table(self):
        with tempfile.TemporaryDirectory() as folder:
            document = Path(folder) / "d.md"
            document.write_text("before\n<!-- begin t -->\nold\n<!-- end t -->\nafter\n")
            table.replace(document, "t", "new\n")
            self.assertEqual(document.read_text(),
                             "before\n<!-- begin t -->\nnew\n<!-- end t -->\nafter\n")
            with self.assertRaises(Exception):
                table.replace(document, "u", "new\n")


if __name__ == "__main__":
    unittest.main()

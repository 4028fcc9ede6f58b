"""What two loaders got loaded of the same objects, and where they differ.

A program has one of these classes; those in BAD must not be:

  both          both load it
  neither       the kernel refuses it to both, with one errno
  early         libbpf refuses it before the kernel is asked, and it does not load here
  before        the kernel refuses it to libbpf, bpflink or its loader do so before
  late          libbpf does not come to its end in time, and here it does not load
  ours          libbpf refuses the object or the program by itself; here it loads
  LOST          libbpf loads it, bpflink's loader does not
  ACCEPTED      the kernel refuses what libbpf hands over, and accepts what comes from here
  ERRNO         the kernel refuses both, for different reasons
  CRASHED       the loader was ended by a signal, or did not end
"""

import errno
import json
import os
import re
from dataclasses import dataclass, field

BAD = ("LOST", "ACCEPTED", "ERRNO", "CRASHED")
CLASSES = ("both", "neither", "early", "before", "late", "ours", *BAD)

START, STOP = re.compile(r"^@ (\S+)$"), re.compile(r"^= (\S+) (\d+) \d+$")

# From this status on a run did not end by itself (124: too long, 127: not started).
ENDED_BADLY = 124
TOO_LONG = 124


@dataclass
class Verdict:
    """What became of one program: loaded, or why not."""

    section: str
    loaded: bool
    asked: bool  # whether the kernel was
    errno: int = 0
    words: str = ""


@dataclass
class Run:
    """One loader, one object."""

    status: int = ENDED_BADLY
    whole: bool = False  # the object as a whole, its own choice of programs
    words: str = ""
    programs: dict = field(default_factory=dict)


def blocks(text):
    """Cuts the output of `each` into (name, lines, status)."""
    name, lines = None, []
    for line in text.splitlines():
        started, stopped = START.match(line), STOP.match(line)
        if started:
            name, lines = started[1], []
        elif stopped and stopped[1] == name:
            yield name, lines, int(stopped[2])
            name = None
        elif name and line:
            lines.append(line)
    if name:
        yield name, lines, ENDED_BADLY


def libbpf_runs(text):
    """What `each … libbpf-load` printed, by object."""
    runs = {}
    for name, lines, status in blocks(text):
        run = runs[name] = Run(status)
        for record in map(_json, lines):
            if record.get("object"):
                run.whole, run.words = record["loaded"], record["words"]
            elif record:
                run.programs[record["program"]] = Verdict(
                    record["section"], record["loaded"], record["kernel"],
                    record["errno"], record["words"])
    return runs


def _json(line):
    try:
        return json.loads(line)
    except ValueError:
        return {}


def bpflink_runs(text):
    """What `each … loader --table --optional` printed, by object."""
    runs = {}
    for name, lines, status in blocks(text):
        run = runs[name] = Run(status)
        # A map that could not be created, or a program of the object's own choice.
        refused = False
        for fields in (line.split("\t", 5) for line in lines):
            if len(fields) != 6 or fields[3] not in ("loaded", "refused"):
                continue
            kind, section, item, verdict, number, words = fields
            refused |= verdict == "refused" and not section.startswith("?")
            if kind == "program":
                run.programs[item] = Verdict(
                    section, verdict == "loaded", verdict == "loaded" or number != "0",
                    int(number), words)
        run.whole = status in (0, 1) and not refused
    return runs


def judge(theirs, ours, libbpf, run):
    """The class of one program: THEIRS is the verdict in LIBBPF's run, OURS that of RUN."""
    if libbpf.status == TOO_LONG and not (ours and ours.loaded):
        return "late"
    if run.status >= ENDED_BADLY:
        return "CRASHED"
    nothing = Verdict("", False, False)
    theirs, ours = theirs or nothing, ours or nothing
    if theirs.loaded:
        return "both" if ours.loaded else "LOST"
    if ours.loaded:
        return "ACCEPTED" if theirs.asked else "ours"
    if not theirs.asked:
        return "early"
    if not ours.asked:
        return "before"
    return "neither" if theirs.errno == ours.errno else "ERRNO"


@dataclass
class Row:
    """One object in the table."""

    name: str
    libbpf: Run
    bpflink: Run
    classes: dict  # program: class

    def count(self, *classes):
        """How many programs are of these classes."""
        return sum(1 for c in self.classes.values() if c in classes)

    @property
    def lost(self):
        """libbpf loads the object as a whole, and bpflink's loader does not."""
        return self.libbpf.whole and not self.bpflink.whole

    @property
    def bad(self):
        """Whether this row makes the command fail."""
        return self.lost or self.count(*BAD) > 0


def compare(theirs, ours):
    """A row for each object that libbpf was given."""
    rows = []
    for name in sorted(theirs):
        one, other = theirs[name], ours.get(name, Run())
        programs = {**one.programs, **other.programs}
        classes = {
            p: judge(one.programs.get(p), other.programs.get(p), one, other) for p in programs}
        if not programs and other.status >= ENDED_BADLY:
            classes["-"] = "late" if one.status == TOO_LONG else "CRASHED"
        rows.append(Row(name.removesuffix(".bpf.o"), one, other, classes))
    return rows


PLACE = re.compile(r"^.*?\.o(?: \([^)]*\))?: ")


def name_of(number):
    """EPERM for 1."""
    return errno.errorcode.get(number, str(number))


def reason(verdict):
    """Why a program is not loaded, without the place, which differs from one to the next."""
    if not verdict.asked:
        words = PLACE.sub("", verdict.words)
        words = re.sub(r"^libbpf: (prog '[^']*': )?", "", words)
        return words or name_of(verdict.errno)
    words = verdict.words.removeprefix(os.strerror(verdict.errno)).removeprefix(": ")
    return f"{name_of(verdict.errno)}: {words}" if words else name_of(verdict.errno)


def other_words(theirs, ours):
    """Whether the verifier's last lines differ, but for numbers and for where one is cut off."""
    if theirs is None or ours is None:
        return False
    one, other = (re.sub(r"\d+", "0", reason(v)) for v in (theirs, ours))
    length = min(len(one), len(other))
    return one[:length] != other[:length]

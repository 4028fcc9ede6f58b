"""The table of what loads, for people."""

from collections import Counter

import verdicts
from debian import Unavailable

# More reasons than this are counted, not written out.
REASONS = 4


def differences(rows):
    """One line for each thing that makes the command fail, then what is worth knowing."""
    for row in rows:
        if row.lost:
            yield f"LOST {row.name}: libbpf loads the object"
        for program, kind in row.classes.items():
            if kind in verdicts.BAD:
                yield f"{kind} {row.name}/{program}: " + _both(row, program)
    for row in rows:
        for program, kind in row.classes.items():
            words = kind == "neither" and verdicts.other_words(
                row.libbpf.programs[program], row.bpflink.programs[program])
            if kind == "before" or words:
                yield f"{kind} {row.name}/{program}: " + _both(row, program)


def _both(row, program):
    theirs, ours = row.libbpf.programs.get(program), row.bpflink.programs.get(program)
    return f"libbpf {_said(theirs, row.libbpf)} | bpflink {_said(ours, row.bpflink)}"


def _said(verdict, run):
    if verdict is None:
        return f"says nothing (exit {run.status})"
    return "loads it" if verdict.loaded else verdicts.reason(verdict)


def _reasons(row):
    """Why programs are not loaded here, those alike counted."""
    found = Counter(verdicts.reason(v) for v in row.bpflink.programs.values() if not v.loaded)
    texts = [f"{why.replace('|', '/')}" + (f" ({n} programs)" if n > 1 else "")
             for why, n in found.most_common(REASONS)]
    more = len(found) - len(texts)
    return "; ".join(texts) + (f"; {more} more reasons" if more > 0 else "")


def _loads(run):
    loaded = sum(v.loaded for v in run.programs.values())
    return f"{'yes' if run.whole else 'no'}, {loaded}"


def markdown(rows, line, brief):
    """The whole table, or only the objects in which the two are not of one mind."""
    shown = [r for r in rows if not brief or r.bad or r.libbpf.whole != r.bpflink.whole]
    out = [line + ".", ""]
    if shown:
        out += ["| object | programs | libbpf loads it whole, programs | bpflink | differ "
                "| not loaded by bpflink, because |", "| --- | --- | --- | --- | --- | --- |"]
    for row in shown:
        different = " ".join(p for p, c in row.classes.items() if c in verdicts.BAD)
        out.append(f"| {row.name} | {len(row.classes)} | {_loads(row.libbpf)} "
                   f"| {_loads(row.bpflink)} | {different} | {_reasons(row)} |")
    return "\n".join(out) + "\n"


def replace(path, title, part):
    """Puts PART between the two marks of that title in a document."""
    begin, end = f"<!-- begin {title} -->\n", f"<!-- end {title} -->\n"
    text = path.read_text()
    if begin not in text or end not in text:
        raise Unavailable(f"{path} has no part `{title}`")
    before, rest = text.split(begin, 1)
    _, after = rest.split(end, 1)
    path.write_text(before + begin + part + end + after)

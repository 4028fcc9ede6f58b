"""In which ways a program is compiled: compiler, optimisation, instruction set, byte order."""

import itertools
import re
from dataclasses import dataclass

from compilers import V4_SINCE

COMPILERS = ("14", "16", "19", "22")
LEVELS = ("O2", "O1")
CPUS = ("v2", "v3", "v4")
ORDERS = ("el", "eb")


@dataclass(frozen=True)
class Variant:
    """One way. Each field at its default is not named: the plain way has no name at all."""

    clang: str = ""
    """The compiler's major version; none: the first of compilers.CLANGS."""
    level: str = "O2"
    cpu: str = "v3"
    order: str = "el"

    @property
    def name(self):
        """What differs from the plain way, as in `clang14-O1-v2-eb`."""
        plain = Variant()
        parts = (f"clang{self.clang}" if self.clang else "", *(
            getattr(self, field) for field in ("level", "cpu", "order")
            if getattr(self, field) != getattr(plain, field)))
        return "-".join(part for part in parts if part)

    def folder(self, of):
        """The folder of objects of the programs called OF."""
        return f"{of}-{self.name}" if self.name else of

    def flags(self):
        """What the compiler is told."""
        endian = "little" if self.order == "el" else "big"
        return [f"--target=bpf{self.order}", f"-m{endian}-endian", f"-{self.level}", f"-mcpu={self.cpu}"]


def parse(name):
    """The variant of a name; words may also say what is the default, as `v3` does."""
    fields = {}
    for word in filter(None, name.split("-")):
        field, value = _field(word)
        if fields.setdefault(field, value) != value:
            raise ValueError(f"{name}: {fields[field]} and {value}")
    # The plain compiler is that one, where the machine has it.
    if fields.get("clang") == "19":
        del fields["clang"]
    return Variant(**fields)


def _field(word):
    match = re.fullmatch(r"clang(\d+)", word)
    if match:
        return "clang", match[1]
    for field, values in (("level", LEVELS), ("cpu", ("v1", *CPUS)), ("order", ORDERS)):
        if word in values:
            return field, word
    raise ValueError(f"no way of compiling is called {word}")


def product():
    """Every compiler × optimisation × instruction set that it knows × byte order."""
    for clang, level, cpu, order in itertools.product(COMPILERS, LEVELS, CPUS, ORDERS):
        if cpu != "v4" or int(clang) >= V4_SINCE:
            yield Variant("" if clang == "19" else clang, level, cpu, order)


# So chosen that any two of compiler, optimisation, instruction set and byte order meet in one of them,
# where the compiler knows the instruction set.
PAIRS = tuple(map(parse, """
    v3 O1-v2 v4-eb
    clang14 clang14-O1-v2-eb
    clang16-O1 clang16-v2-eb
    clang22-v2-eb clang22-O1-eb clang22-O1-v4
""".split()))

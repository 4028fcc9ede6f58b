"""Numbers of many runs, and how they are written."""
import statistics


class Runs:
    """What one contestant took, round by round: wall and processor time in nanoseconds."""

    def __init__(self):
        self.wall, self.cpu = [], []

    def add(self, wall, cpu):
        self.wall.append(wall)
        self.cpu.append(cpu)

    def scaled(self, factor):
        runs = Runs()
        runs.wall = [x * factor for x in self.wall]
        runs.cpu = [x * factor for x in self.cpu]
        return runs


def quartiles(values):
    """(lower quartile, median, upper quartile)"""
    if len(values) == 1:
        return values[0], values[0], values[0]
    lower, middle, upper = statistics.quantiles(values, n=4, method="inclusive")
    return lower, middle, upper


def duration(nanoseconds):
    """Three digits, in the unit that suits: a number that people can compare."""
    for unit, size in (("s", 1e9), ("ms", 1e6), ("µs", 1e3), ("ns", 1)):
        # What would be written as 1000 of a unit is 1 of the next.
        if nanoseconds >= 0.9995 * size or unit == "ns":
            value = nanoseconds / size
            return f"{value:.0f} {unit}" if value >= 100 else f"{value:.3g} {unit}"


def spread(values):
    """The median, and the quartiles around it."""
    lower, middle, upper = quartiles(values)
    return f"{duration(middle)} ({duration(lower)}–{duration(upper)})"


def ratios(theirs, ours):
    """How many times as much, round by round: in each round both ran one after the other."""
    return [a / b for a, b in zip(theirs, ours)]


def times(values):
    """A ratio: median and quartiles."""
    lower, middle, upper = quartiles(values)
    digits = 2 if middle < 10 else 1 if middle < 100 else 0
    return f"{middle:.{digits}f}× ({lower:.{digits}f}–{upper:.{digits}f})"

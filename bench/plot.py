"""Bars on a logarithmic scale, as SVG."""
import math

from contestants import NAMES
from figures import duration, quartiles

COLOURS = {"bpflink": "#1b6ca8", "libbpf": "#c8553d", "aya": "#8f8f8f", "cilium": "#588157",
           "floor": "#bcb8b1"}
LEFT, WIDTH, BAR, GAP, TOP = 190, 560, 15, 26, 46


def colour(name):
    return next((c for start, c in COLOURS.items() if name.startswith(start)), "#000")


def text(x, y, words, anchor="start", size=12, weight="normal"):
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" font-size="{size}" font-weight="{weight}">{words}</text>'


def bars(groups):
    """`groups`: (title, {contestant: processor times in nanoseconds})."""
    everything = [t for _, runs in groups for values in runs.values() for t in values]
    low = math.floor(math.log10(min(everything)))
    high = math.ceil(math.log10(max(everything)))

    def at(nanoseconds):
        return LEFT + WIDTH * (math.log10(nanoseconds) - low) / (high - low)

    parts, y = [], TOP
    for title, runs in groups:
        parts.append(text(8, y + 2, title, weight="bold"))
        y += 10
        for name, values in runs.items():
            lower, middle, upper = quartiles(values)
            parts.append(text(LEFT - 8, y + BAR - 3, NAMES[name], "end"))
            parts.append(f'<rect x="{LEFT}" y="{y}" width="{max(at(middle) - LEFT, 1):.1f}" height="{BAR}" fill="{colour(name)}"/>')
            parts.append(f'<path d="M{at(lower):.1f} {y + BAR / 2}H{at(upper):.1f}" stroke="#000" stroke-width="2"/>')
            parts.append(text(at(upper) + 6, y + BAR - 3, duration(middle), size=11))
            y += BAR + 3
        y += GAP
    grid = []
    for power in range(low, high + 1):
        grid.append(f'<path d="M{at(10 ** power):.1f} {TOP - 16}V{y - GAP}" stroke="#ddd"/>')
        grid.append(text(at(10 ** power), TOP - 22, duration(10 ** power), "middle", 11))
    return "\n".join([
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{LEFT + WIDTH + 90}" height="{y}" font-family="sans-serif">',
        '<rect width="100%" height="100%" fill="#fff"/>', *grid, *parts, "</svg>", ""])

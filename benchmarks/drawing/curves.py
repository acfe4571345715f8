"""Curves of `make bench-growth` in one picture: `python -m benchmarks.drawing.curves FILE.svg < curves.json`."""

import json
import math
import sys
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt
from matplotlib.ticker import MaxNLocator

COLOURS = ("#2a7f62", "#c8553d", "#4a6fa5")
COLUMNS = 3
# From here on the least could not be seen beside the most.
APART = 20


def draw(curves: list[dict[str, Any]], path: str) -> None:
    """One panel for each curve: medians as lines, the least and the most as a band; from 0 where all is of one size."""
    mpl.rcParams.update({"svg.hashsalt": "mina", "svg.fonttype": "none"})
    rows = math.ceil(len(curves) / COLUMNS)
    figure, panels = plt.subplots(rows, COLUMNS, figsize=(4.6 * COLUMNS, 3.4 * rows), layout="constrained")
    for axes, curve in zip(panels.flat, curves, strict=False):
        for colour, (name, points) in zip(COLOURS, curve["series"].items(), strict=False):
            places = [point["x"] for point in points]
            axes.plot(places, [point["median"] for point in points], color=colour, marker="o", ms=3.5, label=name)
            least, most = ([point[end] for point in points] for end in ("least", "most"))
            axes.fill_between(places, least, most, color=colour, alpha=0.18, lw=0)
        axes.set(title=curve["title"], xlabel=curve["x"], ylabel=curve["y"])
        medians = [point["median"] for points in curve["series"].values() for point in points]
        if max(medians) > APART * min(medians):
            axes.set_yscale("log")
        else:
            axes.set_ylim(bottom=0)
        if curve["is_linear"]:
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            axes.set_xscale("log")
        axes.spines[["top", "right"]].set_visible(False)
        axes.legend(frameon=False, fontsize=8)
    for axes in panels.flat[len(curves) :]:
        axes.set_axis_off()
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])

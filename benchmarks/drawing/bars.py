"""Rows of `make bench` as bars: `python -m benchmarks.drawing.bars FILE.svg < rows.json`."""

import json
import sys
from typing import Any

import matplotlib as mpl

mpl.use("svg")

from matplotlib import pyplot as plt

COLOURS = {"floor": "#8a8f98", "by hand": "#b0a26e", "peer": "#c8553d", "mina": "#2a7f62"}


def draw(rows: list[dict[str, Any]], path: str) -> None:
    """Requests per second and CPU time, one bar for each variant and number of pages."""
    mpl.rcParams.update({"svg.hashsalt": "mina", "svg.fonttype": "none"})
    figure, (rates, costs) = plt.subplots(1, 2, figsize=(13, 0.3 * len(rows) + 1.6), sharey=True, layout="constrained")
    labels = [f"{row['name']} · {row['pages']}" for row in rows]
    colours = [COLOURS[row["group"]] for row in rows]
    spread = [[row["rate"] - row["least"] for row in rows], [row["most"] - row["rate"] for row in rows]]
    places = range(len(rows))
    rates.barh(places, [row["rate"] for row in rows], color=colours, xerr=spread, error_kw={"lw": 0.8})
    costs.barh(places, [row["cpu_us"] for row in rows], color=colours)
    for place, row in enumerate(rows):
        rates.annotate(f" {row['rate']:,.0f}", (row["most"], place), va="center", fontsize=8)
        costs.annotate(f" {row['cpu_us']:,.0f}", (row["cpu_us"], place), va="center", fontsize=8)
    rates.set(title="requests per second (median, least to most)", yticks=list(places), yticklabels=labels)
    costs.set(title="server CPU for each request, µs", xscale="log")
    rates.invert_yaxis()
    for axes in (rates, costs):
        axes.margins(x=0.15, y=0.01)
        axes.spines[["top", "right"]].set_visible(False)
    legend = [plt.Rectangle((0, 0), 1, 1, color=colour) for colour in COLOURS.values()]
    costs.legend(legend, list(COLOURS), loc="lower right", frameon=False)
    figure.savefig(path, metadata={"Date": None})


if __name__ == "__main__":
    draw(json.load(sys.stdin), sys.argv[1])

"""The pictures of a bench: the time of a launch by the size of the fleet, and where the time of one run goes.

`pictures.py RESULTS.json FOLDER`. SVG, readable on light and on dark pages.
"""

import json
import sys
from pathlib import Path

import matplotlib

matplotlib.use("svg")
import matplotlib.pyplot as plt  # noqa: E402

INK, MUTED, ACCENT, OTHER = "#3b4252", "#8a93a5", "#0b7a75", "#d97706"

# The same input gives the same bytes, so that a picture changes only with its figures.
plt.rcParams.update(
    {
        "svg.hashsalt": "muster",
        "svg.fonttype": "none",
        "font.family": "sans-serif",
        "font.size": 10,
        "text.color": INK,
        "axes.labelcolor": INK,
        "axes.edgecolor": MUTED,
        "xtick.color": INK,
        "ytick.color": INK,
        "axes.spines.top": False,
        "axes.spines.right": False,
    }
)


def save(figure, path):
    figure.savefig(path, format="svg", facecolor="white", bbox_inches="tight", metadata={"Date": None})


def draw_sizes(points, path):
    """Log-log, as sizes and times go over three decades; where nothing bounds there is no line."""
    figure, axes = plt.subplots(figsize=(7, 4))
    points = sorted(points, key=lambda point: point["count"])
    bound = [point for point in points if point["bound"] > 0]
    counts = [point["count"] for point in points]
    axes.loglog(
        [point["count"] for point in bound],
        [point["bound"] for point in bound],
        color=OTHER,
        linestyle="--",
        marker="_",
        label="what EC2's buckets allow at most",
    )
    axes.loglog(
        counts,
        [point["seconds"] for point in points],
        color=ACCENT,
        marker="o",
        label="Muster's launch",
    )
    axes.set_xticks(counts, [f"{count:,}" for count in counts])
    axes.minorticks_off()
    axes.set_yticks([1, 10, 60, 600, 3600], ["1 s", "10 s", "1 min", "10 min", "1 h"])
    axes.set_xlabel("instances")
    axes.grid(color=MUTED, alpha=0.25)
    axes.legend(frameon=False)
    save(figure, path)


def draw_steps(steps, path):
    """A bar a step, from its begin to its end."""
    steps = [step for step in steps if step.get("startedAt") is not None]
    start = min(step["startedAt"] for step in steps)
    figure, axes = plt.subplots(figsize=(7, 0.42 * len(steps) + 0.8))
    for at, step in enumerate(steps):
        left, width = (step["startedAt"] - start) / 1000, step["seconds"]
        color = OTHER if step["name"] == "await-profile" else ACCENT
        axes.barh(at, max(width, 0.015), left=left, height=0.6, color=color)
        axes.text(left + width + 0.08, at, f"{width:.2f} s", va="center", fontsize=9)
    axes.set_yticks(range(len(steps)), [step["name"] for step in steps])
    axes.invert_yaxis()
    axes.margins(x=0.1)
    axes.set_xlabel("seconds since the first step")
    save(figure, path)


def main():
    measured = json.loads(Path(sys.argv[1]).read_text())["measured"]
    rows = [row for one in measured.values() for row in one["rows"]]
    folder = Path(sys.argv[2])
    points = [row["point"] for row in rows if "point" in row]
    if points:
        draw_sizes(points, folder / "launch-by-size.svg")
    for row in rows:
        if "steps" in row:
            draw_steps(row["steps"], folder / "one-run.svg")


main()

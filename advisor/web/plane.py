"""The plane picture: where the case stands between the axes, as an SVG that describes itself in text."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape
from itertools import groupby

from advisor.decision import Decision, decide
from advisor.framework import Framework
from advisor.wording import wording

WIDTH, HEIGHT = 420, 300
LEFT, BOTTOM, TOP, RIGHT = 34, 34, 8, 8


def plane(framework: Framework, decision: Decision) -> str:
    """Draw the regions, the box of what is still possible, and the point where the answers put the case."""
    words = wording("app")
    x_axis, y_axis = framework.axes
    (x_low, x_high), (y_low, y_high) = decide(framework, {}).box.values()
    x_low, x_high, y_low, y_high = x_low - 1, x_high + 1, y_low - 1, y_high + 1

    def x(value: float) -> float:
        return LEFT + (value - x_low) / (x_high - x_low) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - y_low) / (y_high - y_low) * (HEIGHT - BOTTOM - TOP)

    def rectangle(bounds: tuple[float, float, float, float], name: str) -> str:
        x0, x1, y0, y1 = bounds
        width, height = x(x1) - x(x0), y(y0) - y(y1)
        return f'<rect class="{name}" x="{x(x0):.1f}" y="{y(y1):.1f}" width="{width:.1f}" height="{height:.1f}"/>'

    order = list(framework.outcomes)
    parts: list[str] = []
    labels: list[str] = []
    for region in reversed(framework.regions):  # the first that holds wins, so it is drawn last
        # bounds are on whole numbers, so the border lies half-way
        x0 = max(x_low, region.at_least.get(x_axis, x_low + 0.5) - 0.5)
        y0 = max(y_low, region.at_least.get(y_axis, y_low + 0.5) - 0.5)
        active = " active" if region.outcome == decision.outcome else ""
        parts.append(rectangle((x0, x_high, y0, y_high), f"region r{order.index(region.outcome)}{active}"))
    for outcome, left, top in _blocks(framework, (x_low, x_high, y_low, y_high)):
        active = " active" if outcome == decision.outcome else ""
        name = escape(framework.outcomes[outcome].name)
        corner = f'x="{max(x(left - 0.5), x(x_low)) + 6:.1f}" y="{max(y(top + 0.5), y(y_high)) + 12:.1f}"'
        labels.append(f'<text class="name{active}" {corner}>{name}</text>')
    parts += labels
    (bx0, bx1), (by0, by1) = decision.box.values()
    parts.append(rectangle((bx0 - 0.3, bx1 + 0.3, by0 - 0.3, by1 + 0.3), "box"))
    px, py = decision.position.values()
    parts.append(f'<circle class="point" cx="{x(px):.1f}" cy="{y(py):.1f}" r="6"/>')
    axes = [escape(axis.name) for axis in framework.axes.values()]
    parts.append(f'<text class="axis" x="{(LEFT + WIDTH) / 2}" y="{HEIGHT - 10}">{axes[0]} →</text>')
    parts.append(f'<text class="axis" transform="translate(16 {HEIGHT / 2}) rotate(-90)">{axes[1]} →</text>')
    described = words(
        "plane_described",
        outcome=framework.outcomes[decision.outcome].name,
        x=framework.axes[x_axis].name.lower(),
        x0=bx0,
        x1=bx1,
        y=framework.axes[y_axis].name.lower(),
        y0=by0,
        y1=by1,
    )
    return (
        f'<svg class="plane" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(described)}">'
        + "".join(parts)
        + "</svg>"
    )


def _blocks(framework: Framework, bounds: tuple[int, int, int, int]) -> Iterator[tuple[str, int, int]]:
    """Yield each outcome with the left and top of each block of rows in which it holds from and to the same place."""
    x_low, x_high, y_low, y_high = bounds
    blocks: dict[tuple[str, int, int], list[int]] = {}
    for y in range(y_low, y_high + 1):
        row = [framework.outcome_at((x, y)) for x in range(x_low, x_high + 1)]
        for outcome, run in groupby(enumerate(row, x_low), key=lambda cell: cell[1]):
            cells = [x for x, _ in run]
            blocks.setdefault((outcome, cells[0], cells[-1]), []).append(y)
    for (outcome, first, _), rows in blocks.items():
        yield outcome, first, max(rows)

"""The chart for the README: requests a second and processor time of every server."""

from pathlib import Path

from tests.benchmarks.rates import OURS, Rates

_OURS_COLOUR = "#2b6cb0"
_PEER_COLOUR = "#a0aec0"


def draw(rates: Rates, file: Path) -> None:
    """Write a PNG. Raises ImportError without matplotlib."""
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot

    names = sorted(rates.runs, key=rates.rate)
    colours = [_OURS_COLOUR if name.startswith(OURS) else _PEER_COLOUR for name in names]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(10, 0.5 * len(names) + 1.2), sharey=True)
    panels = (
        (left, "isValidTicket, requests/s on one core", [rates.rate(name) for name in names], "{:,.0f}"),
        (right, "server CPU per request, µs", [rates.cpu_us(name) for name in names], "{:.0f}"),
    )
    for axes, title, values, form in panels:
        bars = axes.barh(names, values, color=colours)
        axes.bar_label(bars, labels=[form.format(value) for value in values], padding=3, fontsize=9)
        axes.set_title(title, fontsize=10, loc="left")
        axes.set_xlim(0, max(values) * 1.18)
        axes.xaxis.set_visible(False)
        axes.tick_params(left=False)
        axes.spines[:].set_visible(False)
    figure.tight_layout()
    file.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(file, dpi=120)
    pyplot.close(figure)

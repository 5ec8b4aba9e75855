"""How plots look, and where they go."""

from pathlib import Path

FOLDER = Path(__file__).parents[1] / "docs" / "assets"
STYLE = {
    "font.family": "sans-serif",
    "font.size": 10,
    "svg.fonttype": "none",  # text stays text
    "svg.hashsalt": "gradclip",  # the same plot is the same file
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e4e4e4",
    "axes.axisbelow": True,
}

"""The looks of the strategies that come with albench: the same colour, dash and marker in every report.

Any two of the three tell all of them apart, so lines differ where a page is printed in grey, and where no marker fits.
Those of the paper differ in all three. A name once given here keeps its look; a new one takes a free pair.
"""

from __future__ import annotations

BLUE, ORANGE, TEAL, VIOLET, BROWN, LILAC, GREEN, PLUM = COLOURS = (
    "#1177bb",
    "#ee6600",
    "#339999",
    "#5544ff",
    "#aa4433",
    "#7777ff",
    "#00aa66",
    "#aa4466",
)

LOOKS: dict[str, tuple[str, str, str]] = {  # colour, dash, marker
    "random": (BROWN, "longdash", "x"),
    "min": (ORANGE, "dash", "square"),
    "1vs2": (TEAL, "dot", "diamond"),
    "max": (VIOLET, "dashdot", "triangle-up"),
    "emoc": (BLUE, "solid", "circle"),
    "entropy": (LILAC, "longdashdot", "circle"),
    "bald": (GREEN, "solid", "triangle-up"),
    "batchbald": (PLUM, "dash", "x"),
    "variation-ratios": (BLUE, "dash", "star"),
    "mean-std": (ORANGE, "dot", "cross"),
    "entropy-dropout": (TEAL, "dashdot", "triangle-down"),
    "min-dropout": (VIOLET, "longdash", "pentagon"),
    "1vs2-dropout": (BROWN, "longdashdot", "hexagon"),
    "coreset": (LILAC, "solid", "triangle-down"),
    "kmeans": (GREEN, "dash", "pentagon"),
    "clue": (PLUM, "dot", "hexagon"),
    "typiclust": (BLUE, "dot", "square"),
    "probcover": (ORANGE, "dashdot", "diamond"),
    "max-herding": (TEAL, "longdash", "triangle-up"),
    "falcun": (VIOLET, "longdashdot", "x"),
    "badge": (BROWN, "solid", "diamond"),
    "bait": (LILAC, "dash", "triangle-up"),
    "egl": (GREEN, "dot", "x"),
    "gradnorm": (PLUM, "dashdot", "circle"),
    "prediction-flips": (BLUE, "dashdot", "cross"),
    "qbc": (ORANGE, "longdash", "triangle-down"),
    "deepfool": (TEAL, "longdashdot", "pentagon"),
    "alfa-mix": (VIOLET, "solid", "cross"),
    "noise-stability": (BROWN, "dash", "triangle-down"),
    "novelty-entropy": (LILAC, "dot", "pentagon"),
    "novelty-margin": (GREEN, "dashdot", "hexagon"),
    "energy": (PLUM, "longdash", "star"),
    "max-logit": (BLUE, "longdash", "diamond"),
    "mahalanobis": (ORANGE, "longdashdot", "triangle-up"),
    "gp-emoc": (TEAL, "solid", "square"),
    "oracle-novel": (VIOLET, "dash", "diamond"),
    "uherding": (BROWN, "dot", "triangle-up"),
    "dropquery": (LILAC, "dashdot", "x"),
    "cluster-margin": (GREEN, "longdash", "circle"),
    "power-bald": (PLUM, "longdashdot", "square"),
    "adaptive-novel": (BLUE, "longdashdot", "triangle-down"),
    "mlmoc": (ORANGE, "solid", "star"),
    "all-labels": (TEAL, "dash", "cross"),
}

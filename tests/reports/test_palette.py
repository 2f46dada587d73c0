from __future__ import annotations

from itertools import combinations

import numpy as np
import pytest

from albench_reports.page.looks import COLOURS, LOOKS
from albench_reports.page.palette import DASHES, MARKERS, styles
from albench_strategies import OWN

BY_OTHERS = ("#aa4433", "solid", "circle")
PAGES = {"light": "#ffffff", "dark": "#14171c"}
# Linear-light simulation of complete deuteranopia and protanopia (Machado, Oliveira and Fernandes 2009).
BLINDNESS = {
    "deuteranopia": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
    "protanopia": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
}


def linear(colour: str) -> np.ndarray:
    channels = np.array([int(colour[place : place + 2], 16) for place in (1, 3, 5)]) / 255
    return np.where(channels <= 0.04045, channels / 12.92, ((channels + 0.055) / 1.055) ** 2.4)


def luminance(colour: str) -> float:
    return float(linear(colour) @ [0.2126, 0.7152, 0.0722])


def lab(light: np.ndarray) -> np.ndarray:
    """CIE L*a*b* of linear sRGB under D65."""
    matrix = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    xyz = matrix @ np.clip(light, 0, 1) / [0.9505, 1.0, 1.089]
    f = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.array([116 * f[1] - 16, 500 * (f[0] - f[1]), 200 * (f[1] - f[2])])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("colour", COLOURS)
def test_every_colour_can_be_seen_on_a_light_and_on_a_dark_page(colour: str, page: str) -> None:
    high, low = sorted((luminance(colour), luminance(PAGES[page])), reverse=True)
    assert (high + 0.05) / (low + 0.05) >= 3


@pytest.mark.parametrize("blindness", BLINDNESS)
def test_colours_stay_apart_for_who_sees_red_and_green_alike(blindness: str) -> None:
    seen = [lab(np.array(BLINDNESS[blindness]) @ linear(colour)) for colour in COLOURS]
    apart = {
        (first, second): float(np.linalg.norm(seen[first] - seen[second]))
        for first, second in combinations(range(len(COLOURS)), 2)
    }
    assert min(distance for pair, distance in apart.items() if max(pair) < 5) > 30
    assert min(apart.values()) > 15


def test_strategies_differ_without_any_colour() -> None:
    looks = styles(["emoc", "min", "1vs2", "max", "random", "entropy"])
    assert len({(look.dash, look.marker) for look in looks.values()}) == 6
    assert len({look.dash for look in looks.values()}) == len(DASHES)


def test_variants_of_one_strategy_share_colour_and_marker_and_differ_in_their_dash() -> None:
    looks = styles(["emoc", "random", "emoc[output=softmax]"])
    first, second = looks["emoc"], looks["emoc[output=softmax]"]
    assert (first.family, first.colour, first.marker) == (second.family, second.colour, second.marker)
    assert first.dash != second.dash
    assert looks["random"].colour != first.colour


def test_more_strategies_than_colours_still_differ() -> None:
    looks = styles([f"s{place}" for place in range(30)])
    assert len({(look.colour, look.dash, look.marker) for look in looks.values()}) == 30


def test_every_strategy_of_albench_has_a_look_of_its_own_in_the_table() -> None:
    assert set(OWN) <= set(LOOKS)
    for first, second in combinations(LOOKS.values(), 2):
        assert sum(one == other for one, other in zip(first, second, strict=True)) < 2
    assert all(c in COLOURS and d in DASHES and m in MARKERS for c, d, m in LOOKS.values())


def test_a_strategy_looks_the_same_whatever_stands_beside_it_and_in_whatever_order() -> None:
    names = ["third", "random", "emoc[x=1]", "emoc", "by-others", "min"]
    looks = styles(names)
    assert list(looks) == names
    assert styles(reversed(names)) == looks
    for name in ("third", "random", "emoc", "by-others", "min"):
        assert styles([name])[name] == looks[name]


def test_the_look_of_a_third_partys_strategy_follows_from_its_name() -> None:
    looks = styles(["by-others", "third"])
    assert (looks["by-others"].colour, looks["by-others"].dash, looks["by-others"].marker) == BY_OTHERS
    assert (looks["third"].colour, looks["third"].dash, looks["third"].marker) != BY_OTHERS


def test_more_variants_than_dashes_move_to_other_markers() -> None:
    looks = styles([f"emoc[x={place}]" for place in range(100)])
    assert {look.colour for look in looks.values()} == {LOOKS["emoc"][0]}
    assert len({(look.dash, look.marker) for look in looks.values()}) == len(DASHES) * len(MARKERS)

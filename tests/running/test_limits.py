"""Limits as people write them, and as messages say them."""

from __future__ import annotations

import pytest

import albench
from albench.errors import MOST_TEXT, cut, reason
from albench.running.limits import gigabytes, in_words, seconds, size


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("2h", 7200),
        ("1h30m", 5400),
        ("1.5H", 5400),
        ("1d 2h", 93600),
        ("45", 45),
        (0.5, 0.5),
    ],
)
def test_a_duration_is_read_as_it_is_written(text: str | float, value: float) -> None:
    assert seconds(text) == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("8G", 8 * 2**30),
        ("8GB", 8 * 2**30),
        ("8 GiB", 8 * 2**30),
        ("500m", 500 * 2**20),
        ("1.5T", 1.5 * 2**40),
        (4096, 4096),
    ],
)
def test_a_size_is_read_as_it_is_written(text: str | float, value: float) -> None:
    assert size(text) == value


@pytest.mark.parametrize(
    "text", ["", "s", "0s", "-1s", "1w", "90 s 3", "nan", "inf", "1e99", "9" * 5000 + "s", -1, float("nan")]
)
def test_what_is_no_duration_is_refused(text: str | float) -> None:
    with pytest.raises(albench.RequestError, match="such as 90s, 30m or 2h"):
        seconds(text)


@pytest.mark.parametrize("text", ["", "G", "0G", "-1G", "8", "8X", "9" * 5000 + "G", -1, float("inf")])
def test_what_is_no_size_is_refused(text: str | float) -> None:
    with pytest.raises(albench.RequestError, match="such as 500M or 8G"):
        size(text)


def test_limits_are_said_as_people_say_them() -> None:
    said = [in_words(value) for value in (0.5, 1, 90, 60, 150, 1800, 3600, 5400, 7200)]
    assert said == [
        *("0.5 seconds", "1 second", "90 seconds", "1 minute", "2.5 minutes", "30 minutes"),
        *("1 hour", "90 minutes", "2 hours"),
    ]
    assert [gigabytes(value) for value in (2**33, 900 * 2**20)] == ["8.0 GB", "0.88 GB"]


def test_cells_of_a_process_that_cannot_end_them_are_refused_with_limits() -> None:
    class Mine(albench.Strategy):
        results_version = 1

        def score(self, query: albench.Query) -> object:
            return query.logits[:, 0]

    with pytest.raises(albench.RequestError, match="--cell-timeout: what runs these cells cannot end one"):
        albench.run(strategies=[Mine()], seeds=1, rounds=1, store="nowhere", cell_timeout="2h")


@pytest.mark.parametrize("length", [0, 1, MOST_TEXT, MOST_TEXT + 1, 10 * MOST_TEXT])
def test_a_text_is_cut_once_and_says_how_much_is_left_out(length: int) -> None:
    text = "ab" * (length // 2) + "c" * (length % 2)
    found = cut(text, MOST_TEXT)
    assert len(found) <= MOST_TEXT
    assert cut(found, MOST_TEXT) == found
    if length > MOST_TEXT:
        head, count, tail = found.replace(" [... ", "|").replace(" characters are left out here ...] ", "|").split("|")
        assert len(head) + int(count) + len(tail) == length
        assert text.startswith(head)
        assert text.endswith(tail)
    else:
        assert found == text


def test_an_error_is_one_line_that_is_cut_with_its_class() -> None:
    assert reason(ValueError("two\nlines  of it")) == "ValueError: two lines of it"
    assert len(reason(ValueError("x\n" * 10**6))) <= MOST_TEXT
    assert reason(ValueError("x" * 10**6)).startswith("ValueError: xxx")

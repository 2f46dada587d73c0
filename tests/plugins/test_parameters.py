from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Literal

import pytest
from annotated_types import Ge, Lt
from hypothesis import given
from hypothesis import strategies as st

from albench.contracts.component import Component
from albench.errors import RequestError
from albench.plugins import parameters


@dataclass(frozen=True)
class Example(Component):
    count: Annotated[int, Ge(1)] = 3
    share: Annotated[float, Ge(0), Lt(1)] = 0.5
    mode: Literal["fast", "slow"] = "fast"
    limit: int | None = None
    path: str = ""
    folder: Path = Path("data")
    exact: bool = False
    score: str = field(default="a", metadata={"parameter": "rule"})


def built(text: str) -> Example:
    name, values = parameters.parse(text)
    return parameters.build(Example, values, name)


@given(
    st.builds(
        Example,
        count=st.integers(1, 10**9),
        share=st.floats(0, 1, exclude_max=True),
        mode=st.sampled_from(["fast", "slow"]),
        limit=st.none() | st.integers(),
        path=st.text(st.characters(exclude_categories=["Cs"])),
        exact=st.booleans(),
        folder=st.sampled_from([Path("data"), Path("/a b/c,d")]),
        score=st.text(st.characters(exclude_categories=["Cs"])),
    )
)
def test_a_component_survives_the_round_trip_through_its_text(component: Example) -> None:
    text = parameters.write("example", parameters.changed(component))
    assert built(text) == component
    assert parameters.split_list(f"{text},other") == [text, "other"]


def test_the_text_of_a_component_names_only_what_is_not_default() -> None:
    assert parameters.write("example", parameters.changed(Example())) == "example"
    assert (
        parameters.write("example", parameters.changed(built("example[ count = 4 , mode=fast]"))) == "example[count=4]"
    )


def test_a_parameter_can_have_the_name_of_a_method() -> None:
    assert built("example[rule=b]").score == "b"
    assert parameters.values(built("example"))["rule"] == "a"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("example[cuont=4]", "no parameter 'cuont'; did you mean 'count'"),
        ("example[count=0]", "count: input should be greater than or equal to 1 (it is '0')"),
        ("example[count=few]", "count: input should be a valid integer"),
        ("example[share=nan]", "share: input should be a finite number"),
        ("example[mode=quick]", "mode: input should be 'fast' or 'slow'"),
        ("example[count=1,count=2]", "once each"),
        ("example[count]", "cannot read the parameters at 'count'"),
        ("example[count=1", "is not a component"),
        ("Example!", "is not a component"),
        ('example[path="\\x"]', "is no text in double quotes"),
        ("example]", "is not a component"),
        ("", "is not a component"),
    ],
)
def test_a_wrong_text_is_an_error_that_says_what_and_where(text: str, message: str) -> None:
    with pytest.raises(RequestError) as caught:
        built(text)
    assert message in str(caught.value)


def test_commas_inside_brackets_and_quotes_do_not_split_a_list() -> None:
    assert parameters.split_list('a[x=1,y=2], b ,c[p="u,v]["]') == ["a[x=1,y=2]", "b", 'c[p="u,v]["]']

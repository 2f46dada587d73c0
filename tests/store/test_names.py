"""What settings are called beside each other: no more than tells them apart, and never one name for two."""

from __future__ import annotations

from albench.store.names import named, short_names


def setting(scenario: str, protocol: str, learner: str) -> dict[str, dict[str, str]]:
    parts = {"scenario": scenario, "protocol": protocol, "learner": learner, "network": "net[width=8]"}
    return {part: named(label) for part, label in parts.items()}


def test_a_part_in_which_no_setting_differs_is_not_named() -> None:
    one, other = setting("digits", "top-k[query_size=5]", "finetune"), setting("digits", "discovery", "finetune")
    assert short_names({"one": one, "other": other}) == {"one": "digits / top-k", "other": "digits / discovery"}


def test_parameters_are_shown_where_the_name_alone_does_not_tell() -> None:
    one, other = setting("digits", "top-k[query_size=5]", "finetune"), setting("digits", "top-k", "finetune")
    assert short_names({"one": one, "other": other})["one"] == "digits / top-k[query_size=5]"


def test_a_scenario_keeps_its_parameters_while_they_are_few() -> None:
    few, many = "digits[known=3]", "images[known=4,novel=4,initial_per_class=8,pool_per_class=20]"
    assert short_names({"one": setting(few, "a", "b")}) == {"one": few}
    assert short_names({"one": setting(many, "a", "b")}) == {"one": "images"}
    both = {"one": setting(many, "a", "b"), "other": setting(f"{many[:-1]},name=mine]", "a", "b")}
    assert short_names(both)["one"] == many, "where the name alone does not tell"


def test_settings_whose_short_names_would_be_equal_keep_their_labels() -> None:
    one, other = setting("digits", "a / b", "c"), setting("digits", "a", "b / c")
    assert short_names({"one": one, "other": other}) == {"one": "one", "other": "other"}

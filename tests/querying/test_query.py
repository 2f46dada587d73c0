"""albench query on folders of images: what it writes, and what it depends on."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from PIL import Image, ImageOps

import albench
from albench.contracts.strategy import selects
from albench.plugins.host import host
from albench.training.model import Model
from tests.conftest import Cli
from tests.querying.conftest import Photos, write_photos

SMALL_IMAGES = "size=8,grey=true"
NUMBERS = {"size": 8, "grey": True, "iterations": 30, "batch_size": 16}
SMALL_LEARNER = "retrain[iterations=30,batch_size=16]"


def test_the_table_has_a_row_for_each_file_best_first(photos: Photos) -> None:
    (photos.unlabeled / "card0" / "torn.png").write_bytes(b"\x89PNG\r\n\x1a\n and no more")
    ran = photos.query("min", k=9)
    assert ran.code == 0, ran.err
    assert ran.out.startswith("min chose 9 of 76 examples without a label; cifar10-quick, trained by retrain[")
    assert "had seen 20 labels of 4 classes." in ran.out
    assert ran.out.splitlines()[-2:] == [str(photos.root / "next.csv"), str(photos.root / "next.html")]
    assert "note: card0/torn.png is left out: it is no picture" in ran.err
    table = photos.table()
    assert list(table.columns) == ["rank", "file", "score", "predicted_class", "probability"]
    assert table["rank"].tolist() == list(range(1, 10))
    assert table["file"].is_unique
    assert all((photos.unlabeled / file).is_file() for file in table["file"])
    assert set(table["predicted_class"]) <= set("0123")
    assert table["score"].is_monotonic_decreasing
    assert np.allclose(table["score"], -table["probability"]), "min wants the least confident prediction"


def test_the_network_is_the_learners_and_the_files_those_that_the_strategy_wants(photos: Photos) -> None:
    assert photos.query("min", k=10).code == 0
    known = albench.scenario(f'images[path="{photos.labeled}",{SMALL_IMAGES}]').data()  # type: ignore[attr-defined]
    images = np.array(known.images)
    model = Model(albench.network("cifar10-quick"), 0, range(4), images, "cpu")
    albench.learner(SMALL_LEARNER).fit(model, albench.Examples(images, known.labels))
    files = sorted(photos.unlabeled.rglob("*.png"))
    pictures = [ImageOps.fit(Image.open(file), (8, 8), Image.Resampling.BICUBIC) for file in files]
    with torch.no_grad():
        logits = model.network(model.prepare(np.stack([np.asarray(picture)[None] for picture in pictures])))
    best = logits.softmax(dim=1).max(dim=1)
    wanted = best.values.argsort()[:10].tolist()
    table = photos.table()
    assert table["file"].tolist() == [str(files[place].relative_to(photos.unlabeled)) for place in wanted]
    assert table["predicted_class"].tolist() == [str(best.indices[place].item()) for place in wanted]
    assert np.allclose(table["probability"], best.values[wanted], atol=1e-6)


def test_the_same_request_gives_the_same_bytes_and_another_seed_others(photos: Photos) -> None:
    for output, seed in (("a.csv", 0), ("b.csv", 0), ("c.csv", 1)):
        assert photos.query("badge", "--seed", seed, output=output).code == 0
    tables = {name: (photos.root / f"{name}.csv").read_bytes() for name in "abc"}
    assert tables["a"] == tables["b"]
    assert tables["a"] != tables["c"]
    pages = [(photos.root / f"{name}.html").read_text(encoding="utf-8") for name in "ab"]
    assert pages[0].replace("a · albench", "").replace("query, a<", "") == pages[1].replace("b · albench", "").replace(
        "query, b<", ""
    )


def test_what_files_are_called_and_where_they_lie_changes_no_choice(photos: Photos) -> None:
    assert photos.query("badge", output="before.csv").code == 0
    before = [(photos.unlabeled / file).read_bytes() for file in photos.table("before.csv")["file"]]
    for number, path in enumerate(sorted(photos.unlabeled.rglob("*.png"), reverse=True)):
        path.rename(photos.unlabeled / f"{number:03}.png")
    assert photos.query("badge", output="after.csv").code == 0
    after = [(photos.unlabeled / file).read_bytes() for file in photos.table("after.csv")["file"]]
    assert after == before


def test_a_strategy_that_selects_without_scores_leaves_them_empty(photos: Photos) -> None:
    assert photos.query("coreset").code == 0
    table = photos.table()
    assert table["score"].isna().all()
    assert table["probability"].between(0, 1).all()
    assert ",,".join(["", ""]) in (photos.root / "next.csv").read_text().splitlines()[1]


def test_a_new_class_folder_gives_the_network_an_output(tmp_path: Path, cli: Cli) -> None:
    photos = write_photos(tmp_path / "photos", cli, n_known=3)
    assert "of 3 classes" in photos.query("random", output="a.csv").out
    assert set(photos.table("a.csv")["predicted_class"]) <= set("012")
    found = [path for path in sorted(photos.unlabeled.rglob("*.png")) if photos.truth(str(path)) == "3"]
    photos.label([str(path.relative_to(photos.unlabeled)) for path in found[:12]])
    ran = photos.query("max", "--set", "iterations=300", output="b.csv", k=40)
    assert "of 4 classes" in ran.out
    assert "3" in set(photos.table("b.csv")["predicted_class"])


def test_what_is_labelled_already_and_what_is_there_twice_is_not_asked_for(photos: Photos) -> None:
    card = photos.unlabeled / "card0"
    known = sorted((photos.labeled / "1").iterdir())[:2]
    for place, path in enumerate(known):
        shutil.copy(path, card / f"again{place}.png")
    original = min(card.glob("IMG*.png"))
    shutil.copy(original, card / "A copy.png")
    ran = photos.query("random", k=76)
    assert ran.code == 0, ran.err
    assert "note: card0/again0.png and 1 more are left out: labelled already, of the same content as" in ran.err
    name = f"card0/{original.name}"
    assert f"note: {name} is left out: there twice, of the same content as another file's copy" in ran.err
    asked = set(photos.table()["file"])
    assert len(asked) == 76
    assert not asked & {"card0/again0.png", "card0/again1.png", name}


def test_the_same_picture_under_two_labels_is_named(photos: Photos) -> None:
    path = min((photos.labeled / "1").iterdir())
    shutil.copy(path, photos.labeled / "2" / "other.png")
    assert f"note: 1/{path.name} and 2/other.png are the same, and labelled differently" in photos.query("random").err


def test_names_that_would_act_are_text_in_the_table_and_on_the_terminal(photos: Photos) -> None:
    names = [b"=1+1.png", b"@cmd.png", b"new\nline\x1b[31m.png", b"b\xe9b\xe9.png", b'a,b"c.png']
    for path in photos.unlabeled.rglob("*.png"):
        if path.parent.name == "card1":
            path.unlink()
    kept = sorted((photos.unlabeled / "card0").iterdir())
    for path, name in zip(kept, names, strict=False):
        path.rename(photos.unlabeled / os.fsdecode(name))
    (photos.unlabeled / os.fsdecode(b"torn\x1b]0;\x07\xff.png")).write_bytes(b"")
    (photos.labeled / "3").rename(photos.labeled / "=3")
    ran = photos.query("max", k=len(kept))
    assert ran.code == 0, ran.err
    assert not set(ran.out + ran.err) & {chr(code) for code in [*range(10), *range(11, 32), 127]}
    assert "torn\\x1b]0;\\x07\\xff.png is left out" in ran.err
    table = photos.table()
    escaped = {"./=1+1.png", "./@cmd.png", "new\\nline\\x1b[31m.png", "b\\xe9b\\xe9.png", 'a,b"c.png'}
    assert escaped < set(table["file"])
    assert set(table["predicted_class"]) <= {"0", "1", "2", "./=3"}
    assert (photos.unlabeled / "./=1+1.png").is_file()
    assert len((photos.root / "next.csv").read_bytes().splitlines()) == len(kept) + 1


def test_python_gets_what_the_command_writes_and_its_torch_back(photos: Photos) -> None:
    assert photos.query("min").code == 0
    torch.set_default_dtype(torch.float64)
    try:
        answer = albench.query(
            photos.labeled, photos.unlabeled, strategy=albench.strategy("min"), k=6,
            set=NUMBERS,
        )  # fmt: skip
        assert torch.get_default_dtype() == torch.float64
    finally:
        torch.set_default_dtype(torch.float32)
    written = answer.write(photos.root / "again.csv")
    assert [path.name for path in written] == ["again.csv", "again.html"]
    assert (photos.root / "again.csv").read_bytes() == (photos.root / "next.csv").read_bytes()
    pd.testing.assert_frame_equal(photos.table(), answer.frame, check_exact=False, check_dtype=False)
    assert answer.stop is None


@pytest.mark.parametrize("learner", ["retrain[iterations=30]", "finetune[initial_iterations=30]"])
def test_network_learner_and_look_can_be_chosen(learner: str, photos: Photos) -> None:
    ran = photos.cli(
        "query", "--labeled", photos.labeled, "--unlabeled", photos.unlabeled, "--strategy", "random", "-k", 3,
        "--scenario", "images[fit=pad]", "--set", "size=16", "--network", "resnet8[width=4]", "--learner", learner,
        "-o", photos.root / "next.csv",
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert f"resnet8[width=4], trained by {learner}, had seen" in ran.out
    page = (photos.root / "next.html").read_text(encoding="utf-8")
    assert "images[size=16,fit=pad]" in page


def test_a_strategy_from_a_file_can_be_asked(photos: Photos, tmp_path: Path) -> None:
    file = tmp_path / "mine.py"
    file.write_text(
        "from dataclasses import dataclass\nimport albench\n\n\n@dataclass(frozen=True)\n"
        "class Third(albench.Strategy):\n    '''Wants what its class number 2 is probable for.'''\n\n"
        "    def score(self, query):\n        return query.probabilities[:, 2]\n"
    )
    assert photos.query(f"{file}:Third").code == 0
    assert photos.table()["score"].is_monotonic_decreasing


@pytest.mark.slow
def test_every_strategy_that_selects_can_be_asked(photos: Photos) -> None:
    asked, brief = [], {**NUMBERS, "iterations": 2}
    for name in host().names("strategies"):
        try:
            strategy = albench.strategy(name)
        except albench.MissingLibraryError:
            continue
        if strategy.permission is None and selects(strategy):
            answer = albench.query(photos.labeled, photos.unlabeled, strategy=name, k=5, set=brief)
            asked.append(name)
            assert answer.frame["file"].nunique() == 5, name
    assert len(asked) > 40

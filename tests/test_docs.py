"""The documentation is true: hooks are there with their signatures, examples run, links lead somewhere."""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import albench
from albench import hookspecs
from albench.hookspecs import KINDS
from albench.plugins.host import host
from tests.conftest import Cli, PluginFolder, small_options

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md"), *ROOT.glob("examples/*/*.md")])
FENCE = re.compile(r"```python\n(# (?P<module>\w+)\.py\n.*?)```", re.DOTALL)
EXAMPLES = {
    match["module"]: match[1]
    for page in ("README.md", "docs/plugins.md")
    for match in FENCE.finditer((ROOT / page).read_text(encoding="utf-8"))
}
HOOK_FUNCTIONS = {
    name: function
    for name, function in inspect.getmembers(hookspecs, inspect.isfunction)
    if name.startswith("albench_")
}


def test_every_hook_is_documented_with_its_exact_signature_and_an_example() -> None:
    text = (ROOT / "docs" / "plugins.md").read_text(encoding="utf-8")
    for name, function in HOOK_FUNCTIONS.items():
        signature = re.sub(r"'", "", str(inspect.signature(function)))
        assert f"## `{name}{signature}`" in text
        assert any(f"def {name}(" in source for source in EXAMPLES.values())


def test_every_hook_has_a_first_party_user_or_an_observer_in_the_tests() -> None:
    assert set(HOOK_FUNCTIONS) == {*(kind.hook for kind in KINDS.values()), "albench_round_recorded"}
    for kind in KINDS:
        assert any(entry.plugin.distribution == "albench" for entry in host().all_entries([kind]))


def test_every_hook_is_one_short_function_with_one_sentence() -> None:
    for function in HOOK_FUNCTIONS.values():
        assert len(inspect.getsource(function).splitlines()) <= 4
        assert (function.__doc__ or "").count("\n") == 0


@pytest.mark.parametrize("module", EXAMPLES)
def test_an_example_of_the_documentation_is_a_plugin_without_problems(module: str, plugins: PluginFolder) -> None:
    plugins.install(module, EXAMPLES[module])
    assert host().problems == []
    for entry in host().all_entries():
        if entry.plugin.name == module:
            assert host().build(entry.kind, entry.name, {}) is not None


def test_the_examples_of_the_documentation_run_together(tmp_path: Path, plugins: PluginFolder, cli: Cli) -> None:
    for module, source in EXAMPLES.items():
        plugins.install(module, source)
    store = tmp_path / "s"
    ran = cli(
        "run", "--strategies", "tempered[temperature=2],my-entropy", "--scenarios", "squares", "--network", "softmax-regression",
        "--executor", "here", "--seeds", "2", *small_options(), "--store", store,
    )  # fmt: skip
    assert ran.code == 0, ran.err
    assert "4 of 4 cells done" in ran.out
    logs = [path.read_text() for path in store.glob("cells/*/tempered*/*/log.txt")]
    assert ran.out.count("tempered 2 0.") == 2 or all("tempered 2 0." in log for log in logs), "the observer prints"
    assert "had the slowest query" in (store / "report.html").read_text(encoding="utf-8")
    assert cli("report", store, "--format", "plain").code == 0
    lines = (store / "report.txt").read_text().splitlines()
    assert [line.split()[0] for line in lines] == ["my-entropy", "tempered[temperature=2]"]


def test_the_page_on_doing_without_a_package_is_true(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "without-a-package.md").read_text(encoding="utf-8")
    for match in FENCE.finditer(text):
        (tmp_path / f"{match['module']}.py").write_text(match[1], encoding="utf-8")
    assert {path.name for path in tmp_path.iterdir()} == {"mine.py", "rising.py"}
    commands = re.findall(r"^albench (.*)$", text, re.MULTILINE)
    scripts = re.findall(r"```python\n(import albench\nfrom mine.*?)```", text, re.DOTALL)
    assert (len(commands), len(scripts)) == (1, 1)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(tmp_path), os.environ.get("PYTHONPATH", "")])}
    assert "`albench check ./rising.py:Rising`" in text
    rising = "run --strategies ./rising.py:Rising --seeds 1 --rounds 3 --set initial_iterations=20 --store runs/rising"
    for words in (shlex.split(commands[0]), shlex.split(rising), ["check", "./rising.py:Rising"]):
        command = [sys.executable, "-m", "albench", *words]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    stored = {path: path.stat().st_mtime_ns for path in (tmp_path / "runs/mine").glob("cells/*/*/*/*")}
    command = [sys.executable, "-c", scripts[0] + "print(sorted(set(frame.strategy)), page, outcome.exit_code)"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, env=environment, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "['Mine', 'Mine[power=4]', 'random'] page.html 0\n"
    assert stored == {path: path.stat().st_mtime_ns for path in (tmp_path / "runs/mine").glob("cells/*/*/*/*")}
    assert (tmp_path / "page.html").stat().st_size > 100_000


@pytest.mark.slow
def test_the_page_on_what_to_label_next_is_true(tmp_path: Path) -> None:
    text = (ROOT / "docs" / "label-next.md").read_text(encoding="utf-8")
    printed: dict[str, str] = {}
    environment = {**os.environ, "XDG_CACHE_HOME": str(tmp_path / "cache")}
    for block in re.finditer(r"```(python|console)\n(.*?)```", text, re.DOTALL):
        if block[1] == "python":
            match = FENCE.fullmatch(block[0])
            assert match is not None
            (tmp_path / f"{match['module']}.py").write_text(match[1], encoding="utf-8")
            continue
        for line in block[2].splitlines():
            program, *words = shlex.split(line)
            start = {"python": [sys.executable], "albench": [sys.executable, "-m", "albench"]}[program]
            done = subprocess.run(
                [*start, *words], cwd=tmp_path, capture_output=True, text=True, check=False, env=environment
            )
            assert done.returncode == 0, done.stderr
            printed[line] = done.stdout
    assert len(printed) == 8
    _, ran, first, _, second, *_, from_python = printed.values()
    assert "9 of 9 cells done in runs/photos" in ran
    assert "had seen 180 labels of 9 classes." in first
    assert re.search(r"^(badge|min|random) leads in runs/photos under images: accuracy ", first, re.MULTILINE)
    assert "60 of 1,557" in second
    assert "had seen 240 labels of 10 classes." in second
    assert "can be told from 3 earlier answers on, 1 so far" in second
    assert from_python.rstrip().endswith("None")
    for name in ("1", "2", "features", "python"):
        assert (tmp_path / "answers" / f"{name}.csv").read_text().startswith("rank,file,score,predicted_class,prob")
        assert (tmp_path / "answers" / f"{name}.html").stat().st_size > 10_000
    assert len(list((tmp_path / "photos" / "labeled").rglob("*.png"))) == 240


def test_the_third_partys_distribution_takes_part(tmp_path: Path, cli: Cli) -> None:
    if "least-margin" not in host().names("strategies"):
        pytest.fail("install it first: pip install -e examples/albench-example")
    listed = cli("list", "strategies").out
    assert re.search(r"least-margin +albench-example +0\.1\.0", listed)
    options = ["--scenarios", "stripes", "--seeds", "1", "--jobs", 1, *small_options()]
    assert cli("run", "--strategies", "random,least-margin", *options, "--store", tmp_path).code == 0
    assert '<section id="first-discovery"' in (tmp_path / "report.html").read_text(encoding="utf-8")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_links_of_the_documentation_lead_to_files(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#]+)(?:#[^)]*)?\)", page.read_text(encoding="utf-8")):
        if not target.startswith(("http:", "https:")):
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_the_protocol_page_names_every_value_and_column() -> None:
    import dataclasses

    from albench.store.rows import COLUMNS

    text = (ROOT / "docs" / "protocol.md").read_text(encoding="utf-8")
    components = [
        albench.protocol("discovery"),
        albench.protocol("top-k"),
        albench.learner("finetune"),
        albench.learner("retrain"),
    ]
    for component in components:
        for field in dataclasses.fields(component):
            default = field.default if isinstance(field.default, str) else f"{field.default:g}"
            default = "0.0001" if field.default == 1e-4 else default
            assert re.search(rf"\| `{field.name}` \| {re.escape(default)} \|", text), field.name
        for column in getattr(component, "columns", ()):
            assert f"`{column}`" in text
    for column in COLUMNS:
        assert f"`{column.name}`" in text


def test_nothing_in_the_project_names_a_path_of_a_machine() -> None:
    pattern = re.compile(r"/(?:home|root|work|Users)/\w")
    for path in ROOT.rglob("*"):
        inside = path.relative_to(ROOT).parts
        if (
            path.suffix in {".py", ".md", ".toml", ".html", ".j2", ".json"}
            and not inside[0].startswith(".")
            and inside[0] != "runs"
        ):
            assert not pattern.search(path.read_text(encoding="utf-8", errors="ignore")), path

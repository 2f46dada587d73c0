# make demo, make test: a virtual environment, everything in it, and the run. VENV chooses another environment.
VENV ?= .venv
PYTHON ?= python3
BIN := $(VENV)/bin
STAMP := $(VENV)/.albench-installed

.PHONY: demo test check lint types docs oldest release soak fuzz mutants bench bench-compare clean

demo: $(STAMP)
	$(BIN)/albench run --strategies emoc,min,1vs2,max,random

test: $(STAMP)
	$(BIN)/albench run --strategies emoc,min,1vs2,max,random
	$(BIN)/python -m pytest tests --numprocesses auto --dist loadfile

check: $(STAMP) lint types test

lint: $(STAMP)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/lint-imports

# The documentation as a site of static files, build/site/index.html: what is generated anew, every link checked.
docs: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable ".[dev,docs]"
	for script in docs/generate_*.py; do $(BIN)/python $$script || exit 1; done
	NO_MKDOCS_2_WARNING=1 $(BIN)/python -m mkdocs build --strict --quiet
	$(BIN)/python docs/site/check.py build/site

# The tests near other libraries, with the oldest versions of them that pyproject.toml allows; outside CI.
oldest: $(STAMP)
	VENV=$(VENV) tools/oldest.sh

# A dry run; `make release RELEASE=--tag` tags the commit.
RELEASE ?= --dry-run
release: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable ".[dev,release]"
	VENV=$(VENV) tools/release.sh $(RELEASE)

# Long trials outside CI, hours; the last wants root and Debian's faketime for its harder half.
soak: $(STAMP)
	$(BIN)/python -m tests.soak.damage --count 200
	$(BIN)/python -m tests.soak.kills --count 200
	$(BIN)/python -m tests.soak.claims --entries 1200
	$(BIN)/python -m tests.soak.owners
	$(BIN)/python -m tests.soak.fleet --members 200 --cells 2000

# Every reader under a million inputs that nobody meant, about an hour outside CI; faults stand in runs/fuzz.
FUZZ ?= --count 42000 --seed 1
fuzz: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable ".[dev,fuzz]"
	$(BIN)/python -m tests.fuzz $(FUZZ)

# Small random changes of the code that tests should notice, hours outside CI; it goes on where it was stopped.
MUTANTS ?= --count 300 --seed 0
mutants: $(STAMP)
	$(BIN)/python -m pip install --quiet --editable ".[dev,mutants]"
	$(BIN)/python -m tests.mutants $(MUTANTS)

# What is fast, and whether it still is: minutes outside CI, one file under benchmarks/results, and what moved since the
# last one of this kind of machine. ALBENCH_DATA names the folder of CIFAR-100. `make bench BENCH=training` measures a
# part, and `make bench BENCH=""` all of it, hours.
BENCH ?= training or products or report or (emoc and floors) or (strategies and not 20000 and not 100000)
bench: $(STAMP)
	$(BIN)/python -m pytest benchmarks --remember -q -k "$(BENCH)"
	$(BIN)/python docs/generate_performance.py

bench-compare: $(STAMP)
	$(BIN)/python -m benchmarks.record

types: $(STAMP)
	$(BIN)/mypy

$(STAMP): pyproject.toml examples/albench-example/pyproject.toml
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --quiet --upgrade pip
	$(BIN)/python -m pip install --quiet --editable ".[dev]"
	$(BIN)/python -m pip install --quiet --editable examples/albench-example
	$(BIN)/python -m pip install --quiet --no-deps "baal>=2.1,<2.2"  # without Jupyter, which it requires and does not import
	touch $(STAMP)

clean:
	rm -rf $(VENV) .venv-oldest build dist runs

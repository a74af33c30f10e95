# What a developer runs; .ci/run runs the same. Needs cargo and a Python from 3.10 on, all else is installed into .venv.

PYTHON ?= python3
BIN := .venv/bin
DEMO := .demo
# Arguments for pytest, such as `make test PYTEST="-k signals -x"`.
PYTEST ?= -q -n 2 --timeout 300
# Arguments for bench/run.py, such as `make bench BENCH="--rounds 9"`.
BENCH ?=
# Test files for tests/cpython_suite.py, such as `make cpython-suite SUITE="test_gc test_io"`.
SUITE ?=
SOAK_MINUTES ?= 10
FUZZ_SECONDS ?= 600
BENCH_PYTHON ?= $(lastword $(subst :, ,$(shell $(PYTHON) tests/pythons.py 2>/dev/null)))

.PHONY: demo test test-rust test-python matrix soak fuzz cpython-suite lint bench instructions wheel install clean

demo: install
	bash examples/demo.sh $(BIN) $(DEMO)

test: test-rust test-python

# Tests that need interpreters take those that `tests/pythons.py` finds.
test-rust:
	LOWTIDE_TEST_PYTHONS="$$($(PYTHON) tests/pythons.py)" bash -c '\
	  if cargo nextest --version >/dev/null 2>&1; \
	  then cargo nextest run --locked --workspace; \
	  else cargo test --locked --workspace --all-targets; fi'
	cargo test --locked --workspace --doc

test-python: wheel
	$(BIN)/python tests/on_each_python.py dist/lowtide-*.whl $(PYTEST)

# Every supported version: those found here, and 3.14 and 3.15 in a Debian of their own, for which it needs root and debootstrap.
matrix: wheel
	$(BIN)/python tests/matrix.py dist/lowtide-*.whl $(PYTEST)

# Minutes rather than seconds: what has to hold for long, and what somebody else's tests say.
soak: install
	$(BIN)/python tests/soak/soak.py --minutes $(SOAK_MINUTES) --lowtide $(BIN)/lowtide

# Needs a nightly compiler and `cargo install cargo-fuzz`.
fuzz:
	mkdir -p fuzz/corpus/capture_reader
	cp crates/measure/capture/tests/golden/*.capture fuzz/corpus/capture_reader
	for target in $$(cargo +nightly fuzz list); do \
	  cargo +nightly fuzz run $$target -- -max_total_time=$(FUZZ_SECONDS) || exit 1; done

cpython-suite: install
	for python in $$($(PYTHON) tests/pythons.py | tr : ' '); do \
	  $(BIN)/python tests/cpython_suite.py --lowtide $(BIN)/lowtide --python $$python $(SUITE) || failed=1; done; \
	  exit $${failed:-0}

lint: .venv/ready
	cargo fmt --all --check
	cargo clippy --locked --workspace --all-targets -- -D warnings
	$(BIN)/ruff check
	$(BIN)/ruff format --check
	$(BIN)/mypy
	$(BIN)/python tests/layers.py
	$(BIN)/python tests/file_sizes.py

# The peers need a recent CPython that they have wheels for.
bench: wheel
	$(BENCH_PYTHON) -m venv --clear .venv/bench
	.venv/bench/bin/pip install --quiet --only-binary :all: -r bench/requirements.txt
	.venv/bench/bin/pip install --quiet --force-reinstall --no-deps dist/lowtide-*.whl
	PATH="$(CURDIR)/.venv/bench/bin:$$PATH" .venv/bench/bin/python bench/run.py $(BENCH)

# What lowtide adds to one allocation and its free; needs valgrind.
instructions:
	$(BENCH_PYTHON) bench/instructions/count.py

# The build writes into the checkout's own target folder, so that it is as quick as cargo after the first time.
wheel: .venv/ready
	rm -rf build dist
	$(BIN)/pip wheel --quiet --no-deps --no-build-isolation --wheel-dir dist .

install: wheel
	$(BIN)/pip install --quiet --force-reinstall --no-deps dist/lowtide-*.whl

.venv/ready: requirements-dev.txt requirements-test.txt
	$(PYTHON) -m venv .venv
	$(BIN)/pip install --quiet -r requirements-dev.txt
	touch $@

clean:
	cargo clean
	rm -rf .venv .demo .matrix build dist

# Everything a person does with this repository. Needs Rust; `make test` also Python 3.10 or newer.

CARGO  ?= cargo
PYTHON ?= python3
TARGET := $(or $(CARGO_TARGET_DIR),target)
VENV   := .venv
# Where `make demo` leaves its dataset: empty lets the program choose.
DIR    ?=
# How long `make fuzz` gives each target.
FUZZ_SECONDS ?= 60

# What is tested: everything, SQL too, as one build, so that nothing is compiled twice.
EVERYTHING := --workspace --exclude tenrow-benches --all-features

# What tests run beside themselves.
PROGRAMS := $(TARGET)/debug/test-programs
# Where the Python package is packed and tried, and its tests.
PACKAGE      := $(TARGET)/python
PYTHON_TESTS := crates/tenrow-python/tests
# The version of the emulator of Azure that storage is tested on.
AZURITE := 3.37.0
# The version of pyright that checks the types of the Python package.
PYRIGHT := 1.1.414

.DEFAULT_GOAL := help
.PHONY: test-on-azurite help demo test test-rust test-core test-shipped test-sql test-s3 test-azure test-interop test-python test-types test-torch wheel-of-tests bench lint lint-alone one-version fuzz clean need-cargo need-python

help: ## Says what can be made
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

demo: need-cargo ## Builds tenrow and shows it at work on the MNIST digits that it carries
	$(CARGO) build --release --bin tenrow
	$(TARGET)/release/tenrow demo $(DIR)

test: test-rust test-s3 test-azure test-interop test-python ## Runs all tests: the Rust ones, again on servers, then the readers and writers in Python, then the Python package

test-rust: need-cargo ## Runs the Rust tests alone
	$(CARGO) test $(EVERYTHING)

test-core: need-cargo ## Runs the Rust tests but for those of SQL, without building DataFusion
	$(CARGO) test

test-shipped: need-cargo ## Tests the program as it is built without SQL, with the features that it has then
	$(CARGO) test -p tenrow-cli

test-sql: need-cargo ## Runs the tests of SQL alone
	$(CARGO) test $(EVERYTHING) --lib --bin tenrow --test sql --test program

test-s3: need-cargo ## Runs the tests of datasets and of SQL on an S3 server, which it starts
	$(CARGO) build $(EVERYTHING) --bin test-programs
	$(PROGRAMS) with-s3 $(CARGO) test $(EVERYTHING) --test core --test sql -- --skip remote:: --skip model

test-azure: need-cargo ## Runs the tests of storage on Azurite, Azure's emulator; needs Node, and is passed over without
	@if command -v npm >/dev/null 2>&1; then $(MAKE) --no-print-directory test-on-azurite; \
	else echo "make test-azure: Node (npm) was not found: the tests on Azurite were passed over"; fi

test-on-azurite: $(TARGET)/azurite-$(AZURITE)/ready
	$(CARGO) build $(EVERYTHING) --bin test-programs
	$(PROGRAMS) with-azure $(TARGET)/azurite-$(AZURITE)/node_modules/.bin/azurite-blob \
		$(CARGO) test $(EVERYTHING) --test core -- remote::conformance

$(TARGET)/azurite-$(AZURITE)/ready:
	npm install --silent --no-audit --no-fund --ignore-scripts --prefix $(@D) azurite@$(AZURITE)
	@touch $@

test-interop: need-cargo $(VENV)/ready ## Lets pyarrow, pandas, polars, DuckDB and a second reader read what tenrow writes, and the reverse
	$(CARGO) build $(EVERYTHING) --bin tenrow --bin test-programs
	$(PROGRAMS) interop-cases $(TARGET)/interop
	INTEROP_DIR=$(TARGET)/interop TENROW_BIN=$(TARGET)/debug/tenrow \
		TEST_PROGRAMS=$(PROGRAMS) $(VENV)/bin/pytest -q -n auto -p no:cacheprovider tests/interop tests/second_reader

test-python: need-cargo need-python $(PACKAGE)/ready $(VENV)/ready ## Builds the Python package and tests it, alone and beside pandas, polars and DuckDB
	$(CARGO) build $(EVERYTHING) --lib
	$(MAKE) --no-print-directory wheel-of-tests
	$(PACKAGE)/alone/bin/pip install --quiet --no-deps --force-reinstall $(PACKAGE)/*.whl
	$(CARGO) build $(EVERYTHING) --bin test-programs
	$(PROGRAMS) with-s3 $(PACKAGE)/alone/bin/pytest -q -p no:cacheprovider $(PYTHON_TESTS)
	$(VENV)/bin/pip install --quiet --no-deps --force-reinstall $(PACKAGE)/*.whl
	$(VENV)/bin/pytest -q -p no:cacheprovider $(PYTHON_TESTS)/test_ecosystem.py $(PYTHON_TESTS)/test_zero_copy.py $(PYTHON_TESTS)/test_answers.py
	$(MAKE) --no-print-directory test-types

# Twice, since what is installed changes what is found: with numpy alone, and with whatever the other tests brought.
test-types: ## Checks the types of the Python package with pyright; needs Node, and is passed over without
	@if command -v npx >/dev/null 2>&1; then for python in $(PACKAGE)/alone $(VENV); do \
		npx --yes pyright@$(PYRIGHT) --pythonpath $$python/bin/python --project crates/tenrow-python || exit 1; done; \
	else echo "make test-types: Node (npx) was not found: types were not checked"; fi

test-torch: test-python ## Tests the Python package with torch, scikit-learn, XGBoost and others that are large
	$(VENV)/bin/pip install --quiet -r $(PYTHON_TESTS)/requirements-large.txt
	$(VENV)/bin/pytest -q -p no:cacheprovider $(PYTHON_TESTS)

# What was built for the tests, as a wheel. maturin builds the package alone, with other features of what it stands
# on, so that DataFusion would be built once more: it is only asked what it says of the package.
wheel-of-tests:
	rm -rf $(PACKAGE)/unpacked $(PACKAGE)/*.whl
	mkdir -p $(PACKAGE)/unpacked
	cd crates/tenrow-python && $(abspath $(PACKAGE))/tools/bin/maturin pep517 write-dist-info \
		--interpreter $(abspath $(PACKAGE))/tools/bin/python --metadata-directory $(abspath $(PACKAGE))/unpacked >/dev/null 2>&1
	cp -R crates/tenrow-python/python/tenrow $(PACKAGE)/unpacked/
	rm -rf $(PACKAGE)/unpacked/tenrow/__pycache__
	strip --strip-debug -o $(PACKAGE)/unpacked/tenrow/_tenrow.abi3.so $(TARGET)/debug/lib_tenrow.so
	$(PACKAGE)/tools/bin/wheel pack --dest-dir $(PACKAGE) $(PACKAGE)/unpacked >/dev/null 2>&1

$(PACKAGE)/ready: $(PYTHON_TESTS)/requirements.txt | need-python
	$(PYTHON) -m venv --clear $(PACKAGE)/tools
	$(PACKAGE)/tools/bin/python -m pip install --quiet --disable-pip-version-check maturin wheel
	$(PYTHON) -m venv --clear $(PACKAGE)/alone
	$(PACKAGE)/alone/bin/python -m pip install --quiet --disable-pip-version-check numpy -r $<
	@touch $@

$(VENV)/ready: tests/interop/requirements.txt | need-python
	$(PYTHON) -m venv --clear $(VENV)
	$(VENV)/bin/python -m pip install --quiet --disable-pip-version-check -r $<
	@touch $@

bench: need-cargo ## Runs the benchmarks; each prints its ratios
	$(CARGO) bench -p tenrow-benches

# What users build: the program and the package without SQL, and each library alone.
lint-alone: need-cargo ## Lints every crate with the features that it has when it is built alone
	$(CARGO) clippy --all-targets -- -D warnings
	$(CARGO) clippy -p tenrow-python --no-default-features -- -D warnings
	@set -e; for crate in crates/*; do \
		echo "$(CARGO) clippy -p $${crate#crates/}"; $(CARGO) clippy -p $${crate#crates/} -- -D warnings; \
	done

lint: need-cargo one-version lint-alone ## Checks format, lints, documentation and dependencies
	$(CARGO) fmt --check
	$(CARGO) clippy --workspace --all-targets --all-features -- -D warnings
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc --workspace --all-features --no-deps --quiet
	@if $(CARGO) deny --version >/dev/null 2>&1; then \
		$(CARGO) deny --all-features check licenses bans sources; \
	else \
		echo "lint: cargo-deny is not installed, licences were not checked"; \
	fi

# Two versions of one of these would give two incompatible `RecordBatch` types.
one-version:
	@awk -F '"' '/^name = "(arrow(-[a-z]+)?|parquet|object_store)"$$/ { name = $$2 } \
		/^version = / && name != "" { if (name in first) { \
			printf "lint: Cargo.lock has %s %s and %s, there must be one\n", name, first[name], $$2; bad = 1 } \
			first[name] = $$2; name = "" } \
		END { exit bad }' Cargo.lock

fuzz: need-cargo ## Fuzzes every target for FUZZ_SECONDS; needs nightly Rust and cargo-fuzz
	@rustup run nightly rustc --version >/dev/null 2>&1 || \
		{ echo "make fuzz needs nightly Rust: rustup toolchain install nightly" >&2; exit 1; }
	@$(CARGO) fuzz --version >/dev/null 2>&1 || \
		{ echo "make fuzz needs cargo-fuzz: cargo install cargo-fuzz" >&2; exit 1; }
	@set -e; for target in $$($(CARGO) +nightly fuzz list --fuzz-dir tests/fuzz); do \
		echo "fuzz: $$target for $(FUZZ_SECONDS) s"; \
		mkdir -p tests/fuzz/corpus/$$target; \
		$(CARGO) +nightly fuzz run --dev -s none --fuzz-dir tests/fuzz $$target \
			tests/fuzz/corpus/$$target tests/fuzz/seeds/$$target -- \
			-max_total_time=$(FUZZ_SECONDS) -rss_limit_mb=2048; \
	done

clean: ## Removes everything that was made
	rm -rf $(VENV)
	if command -v $(CARGO) >/dev/null; then $(CARGO) clean; else rm -rf $(TARGET); fi

need-cargo:
	@command -v $(CARGO) >/dev/null 2>&1 || \
		{ echo "cargo was not found: install Rust 1.94 or newer from https://rustup.rs" >&2; exit 1; }
	@command -v cc >/dev/null 2>&1 || \
		{ echo "no C compiler was found (cc), which Rust needs for linking: install gcc or clang" >&2; exit 1; }

need-python:
	@command -v $(PYTHON) >/dev/null 2>&1 || \
		{ echo "$(PYTHON) was not found: install Python 3.10 or newer, or set PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' || \
		{ echo "$(PYTHON) is $$($(PYTHON) -V 2>&1), but 3.10 or newer is needed: set PYTHON=/path/to/it" >&2; exit 1; }
	@$(PYTHON) -c 'import ensurepip, venv' 2>/dev/null || \
		{ echo "$(PYTHON) cannot make virtual environments: install its venv module (Debian: apt install python3-venv)" >&2; exit 1; }

PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
CASES ?= tests/cases

.PHONY: help run test check eval scorecard ablation bench train train-retriever outcomes clean
.DEFAULT_GOAL := help

help: ## Show this list
	@grep -E '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 18

run: $(VENV)/.run ## Serve the page on http://127.0.0.1:7860
	$(BIN)/python app.py

test: $(VENV)/.dev $(VENV)/.browser ## Run all tests, the browser ones too
	$(BIN)/python -m pytest

check: $(VENV)/.dev ## Check format, lint and types
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy

eval: $(VENV)/.run ## Measure the quality; CASES=DIR for other case files
	$(BIN)/python -m advisor eval --cases $(CASES)

scorecard: $(VENV)/.run ## Measure the quality and write docs/scorecard.md, which the page shows
	$(BIN)/python -m advisor eval --scorecard docs/scorecard.md

ablation: $(VENV)/.run ## Measure what each part of retrieval pays, into benchmarks/retrieval.md
	$(BIN)/python -m benchmarks.retrieval

bench: $(VENV)/.dev ## Measure the speed, as ratios against a baseline
	$(BIN)/python -m benchmarks

train: $(VENV)/.run ## Train the reader on knowledge/phrases, 50 minutes
	$(BIN)/python -m advisor.understanding.train

train-retriever: $(VENV)/.run ## Train the retriever on knowledge/questions, half an hour
	$(BIN)/python -m advisor.retrieval.train

outcomes: $(VENV)/.run ## Write knowledge/outcomes.csv anew, after a change of the framework
	$(BIN)/python -m advisor outcomes > knowledge/outcomes.csv

clean: ## Remove the environment, the index and caches
	rm -rf $(VENV) .data .pytest_cache .mypy_cache .ruff_cache .hypothesis

$(VENV)/bin/python:
	$(PYTHON) -m venv $(VENV)

$(VENV)/.run: requirements.txt | $(VENV)/bin/python
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements.txt
	@touch $@

$(VENV)/.dev: requirements-dev.txt $(VENV)/.run
	$(BIN)/python -m pip install -q --disable-pip-version-check -r requirements-dev.txt
	@touch $@

# The browser tests drive a system Chromium; where there is none, Debian's is installed.
$(VENV)/.browser: tests/install-browser.sh | $(VENV)/bin/python
	sh tests/install-browser.sh
	@touch $@

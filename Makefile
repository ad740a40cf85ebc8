# `make help` lists the targets. Every target sets up what it needs first; nothing is written into the checkout.
SHELL := /bin/bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help setup demo test bench fmt

# Outside the checkout, so that a fresh clone starts warm.
export CARGO_TARGET_DIR ?= $(or $(XDG_CACHE_HOME),$(HOME)/.cache)/tilt-build/target
# A shell that was open before Rust was installed does not have it on its PATH yet.
export PATH := $(PATH):$(HOME)/.cargo/bin
# In CI a test that cannot run is a failure, not a line in the log.
ifeq ($(CI),true)
export TILT_TEST_NO_SKIP := 1
endif

help: ## what can be made
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' $(MAKEFILE_LIST) | expand -t 10

setup: ## install and start what is missing on this machine
	@scripts/setup

demo: setup ## build, evaluate the sample shop, run the sample servers, build images, deploy to the cluster of KUBECONFIG
	@cargo build --locked
	@scripts/demo "$(CARGO_TARGET_DIR)/debug/tilt"

test: setup ## formatting, lints and every test
	@echo '== cargo fmt'
	@cargo fmt --all --check
	@echo '== cargo clippy'
	@cargo clippy --workspace --all-targets --locked -- -D warnings
	@echo '== cargo test'
	@cargo test --workspace --locked

bench: setup ## measure what is promised
	@cargo bench --locked

fmt: ## format the code
	@cargo fmt --all

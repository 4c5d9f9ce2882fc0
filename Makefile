# SPDX-License-Identifier: MIT
# A thin front: the work is in Meson and in scripts/. BUILD names another build folder.
BUILD ?= build
export BUILD
MAKEFLAGS += --no-print-directory

.PHONY: all demo demo-sim demo-live test test-fresh bench bench-live fmt lint install clean

all: $(BUILD)/build.ninja
	@ninja -C $(BUILD)

$(BUILD)/build.ninja:
	@command -v meson >/dev/null || { echo "make: run scripts/setup build first" >&2; exit 3; }
	@meson setup $(BUILD)

demo: # each part on a bare machine too
	@scripts/setup build
	@$(MAKE) demo-sim
	@$(MAKE) demo-live

demo-sim:
	@scripts/quietly $(MAKE) all
	@scripts/demo-sim

demo-live:
	@scripts/quietly $(MAKE) all
	@scripts/demo-live

test:
	@scripts/setup build test
	@scripts/test

test-fresh:
	@scripts/setup fresh
	@scripts/test-fresh

bench:
	@scripts/setup build
	@scripts/quietly $(MAKE) all
	@scripts/bench

bench-live: # STATE=FOLDER: on the disk to be measured, else the build folder
	@scripts/setup build
	@scripts/quietly $(MAKE) all
	@scripts/quietly ninja -C $(BUILD) bench-live bench-store bench-round
	@scripts/bench-live $(if $(STATE),--folder $(STATE))

fmt:
	@scripts/setup lint
	@scripts/sources | xargs clang-format-14 -i

lint:
	@scripts/setup build test lint
	@scripts/lint

install: all
	@meson install -C $(BUILD) --no-rebuild

clean:
	rm -rf build build-asan build-fuzz

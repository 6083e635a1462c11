# SPDX-License-Identifier: BSD-2-Clause
# The front door.  All building is done by Meson in build/; `make help` lists
# what there is.
BUILD ?= build
DESTDIR ?=
PREFIX ?= /usr/local
NINJA = ninja -C $(BUILD)

.PHONY: all setup run test check mutate bench stress fuzz test-linux test-qemu \
	run-nested install clean help

all: $(BUILD)/build.ninja
	@$(NINJA)

setup:
	@scripts/setup

$(BUILD)/build.ninja: | setup
	@meson setup --prefix=$(PREFIX) $(BUILD)

run: all
	@scripts/run-main-job $(BUILD)

run-nested: all
	@scripts/run-nested $(BUILD)

test: all
	@scripts/run-tests $(BUILD)

check: test
	@scripts/run-sanitizers
	@scripts/check-format

mutate: | setup
	@scripts/mutate

bench: all
	@scripts/run-bench $(BUILD)

stress: all
	@scripts/run-sanitizers --long
	@UIOMMU_STRESS_REPLACES=100000 $(BUILD)/tests/stress/stress-replace
	@UIOMMU_ALL_ORDERS=1 $(BUILD)/tests/cross/cross-driver-order

# FUZZ_SECONDS=600 for each target.
fuzz: | setup
	@scripts/run-fuzz

test-linux: all
	@scripts/test-linux $(BUILD)

# Another compiler, another machine: does not need the build.
test-qemu:
	@scripts/test-qemu $(BUILD)

# A build directory remembers the prefix that it was made with.
install: $(BUILD)/build.ninja
	@$(if $(filter-out file default undefined,$(origin PREFIX)),\
		meson configure -Dprefix=$(PREFIX) $(BUILD))
	@$(NINJA)
	@DESTDIR=$(DESTDIR) meson install -C $(BUILD) --no-rebuild --quiet

clean:
	rm -rf $(BUILD)

help:
	@echo "make             build into $(BUILD)/ (installs missing Debian packages)"
	@echo "make run         run Debian's dpdk-test under uiommu and tell what happened"
	@echo "make run-nested  the story of a guest's page tables over the host's"
	@echo "make test        all tests; the last line counts them"
	@echo "make check       test, then sanitizers and format"
	@echo "make mutate      drop each behaviour of the model; which test notices?"
	@echo "make bench       measure; writes $(BUILD)/bench.json"
	@echo "make stress      the concurrency tests for a minute each"
	@echo "make fuzz        fuzz for FUZZ_SECONDS=600 a target, under sanitizers"
	@echo "make test-linux  Linux's own VFIO and iommufd tests, unmodified (downloads sources)"
	@echo "make test-qemu   the driver on QEMU's SMMUv3, bare metal; QEMU= names another"
	@echo "make install     DESTDIR=, PREFIX=$(PREFIX)"
	@echo "make clean       remove $(BUILD)/"

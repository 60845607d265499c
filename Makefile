# SPDX-License-Identifier: GPL-2.0-only
# Everything that is built ends in build/.

help:
	@echo 'make demo       boot base and patched kernel as dom0 under Xen, show what changed'
	@echo '                (MEM=4096: memory of dom0 in MiB)'
	@echo 'make bench      hypercalls and instructions of base and patched, at all sizes, and of'
	@echo '                each patch, with a plot (SIZES="1 4 16 64 128 256" STEPS="1 4 64")'
	@echo 'make check      all tests; what CI runs'
	@echo 'make series     the series as mails: build/6.12/mbox'
	@echo 'make kernels    build/6.12/base and build/6.12/patched: vmlinux, bzImage'
	@echo 'make setup      install the Debian packages needed (scripts/packages)'
	@echo 'make clean      remove results, keep kernel source and objects'
	@echo 'make distclean  remove build/'

setup:
	@scripts/setup

demo:
	@lab/demo

bench:
	@lab/bench

series: setup
	@scripts/tree patched
	@ls build/6.12/mbox/*

kernels: setup
	@scripts/kernel base
	@scripts/kernel patched

lab: setup
	@$(MAKE) -s -C lab OUT=$(CURDIR)/build/lab

# Boots are single-threaded: two test files at a time. CHECK= picks some.
CHECK ?= lab/check
check: setup kernels lab
	@prove -j 2 --timer --comments --failures $(CHECK)

clean:
	rm -rf build/demo build/bench build/check build/boot build/lab

distclean:
	rm -rf build

.NOTPARALLEL:
.PHONY: help setup demo bench series kernels lab check clean distclean

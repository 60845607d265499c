# SPDX-License-Identifier: GPL-2.0-only
# Everything that is built ends in build/.

help:
	@echo 'What will the kernel do on my machine? (no kernel is built)'
	@echo '  make simulate   maps RAM as your log says it is, base and patched: MAPS="FILE..."'
	@echo '                  (MAPS=-: standard input, as in: dmesg | make simulate MAPS=-)'
	@echo '  make kexec      do kexec and kdump work there, stock and with our queues;'
	@echo '                  CMDLINE="crashkernel=...", INITRD=40M, KERNEL=64M: of the next kernel'
	@echo '                  PICTURE=FILE.svg, for both: draw one map'
	@echo 'What does the series change?'
	@echo '  make usb        an image for a USB stick that measures both kernels on your own hardware'
	@echo '                  (docs/usb.md; make usb-check boots it in QEMU, in all ways)'
	@echo '  make demo       boot base and patched kernel as dom0 under Xen, show what changed'
	@echo '                  (MEM=4096: memory of dom0 in MiB)'
	@echo '  make bench      hypercalls and instructions of base and patched, at all sizes, and of'
	@echo '                  each patch, with a plot (SIZES="1 4 16 64 128 256" STEPS="1 4 64")'
	@echo 'Take it'
	@echo '  make series     what is mailed, with cover letters: build/6.12/mail (FROM="Name <mail>")'
	@echo '  make apply      the series on a branch of a git checkout, TREE=PATH (FROM="Name <mail>")'
	@echo '  make series-check  which patches apply to another kernel, TREE=PATH, and what conflicts'
	@echo '  make deb        Debian packages of the patched kernel, as Debian configures it, or'
	@echo '                  CONFIG=FILE; says first how long it takes (FROM="Name <mail>": who makes them)'
	@echo '                  (docs/packagers.md; make deb-check installs them into a Debian, and boots)'
	@echo 'Test it'
	@echo '  make check      all tests; what CI runs (TESTS=lab/check/dom0.t: some)'
	@echo '  make check-fast just those that need no kernel build: simulator, real memory'
	@echo '                  maps, all small layouts, fuzzer'
	@echo '  make boot       the boot matrix: base and patched on many machines, kdump, hibernation,'
	@echo '                  domUs (ROW="PATTERN": some rows, LIST=1: say which)'
	@echo '  make boot-jobs  the same as jobs for GNU parallel, and for LAVA'
	@echo '  make kdump-arm64  does a capture kernel find its ACPI tables on arm64, too (fetches 70 MB)'
	@echo '  make bisect-check  each patch: builds in many configurations, boots (COMMIT=NUMBER or NAME)'
	@echo '  make randconfig builds with NR=30 random configurations, from SEED=1 on'
	@echo '  make exhaustive every layout of up to PAGES=12 pages, against a brute-force search'
	@echo '  make fuzz       random memory maps for SECONDS=60'
	@echo 'Test the tests'
	@echo '  make mutants    seeded bugs, and which test catches each'
	@echo '  make sabotage   seeded faults, and which row of the boot matrix finds each'
	@echo '  make coverage   lines and branches of the new kernel files'
	@echo 'Parts of it'
	@echo '  make setup      install the Debian packages needed (scripts/packages)'
	@echo '  make kernels    build/6.12/base and build/6.12/patched: vmlinux, bzImage'
	@echo '  make clean      remove results, keep kernel source and objects'
	@echo '  make distclean  remove build/'
	@echo 'BASE=6.1, or TREE=PATH with another source: that kernel, for all of them. 6.12 is the default.'

# A tree's version picks the series.
ifneq ($(TREE),)
BASE ?= $(shell TREE='$(TREE)' bash -c '. scripts/lib.sh && echo $$BASE_VERSION')
endif
setup:
	@scripts/setup

# The shell takes them from the environment: names may have blanks.
export MAPS PICTURE CMDLINE INITRD KERNEL BASE TREE FROM CONFIG
# In user space, with the base's source beside it.
USER = $(MAKE) -s -C tools/testing/early_pgt
source: setup
	@scripts/tree base
simulate kexec: source $(if $(PICTURE),lab)
ifdef PICTURE
	@scripts/picture $@
else
	@$(USER) $@ $(if $(MAPS),WHERE="$(CURDIR)")
endif
exhaustive: source
	@$(USER) exhaustive PAGES=$(or $(PAGES),12)
fuzz: source
	@$(USER) fuzz SECONDS=$(or $(SECONDS),60)
mutants coverage: source
	@$(USER) $@
check-fast: source
	@prove --timer --comments --failures lab/check/fast.t

demo:
	@lab/demo

bench:
	@lab/bench

series: setup
	@scripts/tree patched
	@scripts/mails

apply: setup
	@scripts/apply "$(or $(TREE),$(error TREE: which git checkout of Linux?))"
series-check:
	@scripts/series-check "$(or $(TREE),$(error TREE: which kernel? An unpacked tarball, or a git checkout))"
bisect-check: setup
	@scripts/bisect-check $(if $(COMMIT),'$(COMMIT)')
randconfig: setup
	@NR='$(NR)' SEED='$(SEED)' scripts/randconfig

kernels: setup
	@scripts/kernel base
	@scripts/kernel patched

deb: setup
	@scripts/setup deb
	@scripts/deb

lab: setup
	@$(MAKE) -s -C lab OUT=$(CURDIR)/build/lab

boot: setup lab
	@lab/matrix $(if $(LIST),--list) $(if $(ROW),'$(ROW)')
boot-jobs:
	@lab/matrix --jobs $(if $(ROW),'$(ROW)')
kdump-arm64: setup
	@lab/arm64
sabotage: setup lab
	@lab/sabotage

# The image, and its test, which boots it some 25 times.
usb: setup
	@scripts/usb
usb-check: usb
	@$(prove) lab/check/usb.t

# Boots are single-threaded: two test files at a time, but for the boot matrix,
# which runs as many rows at a time as there are processors. TESTS= picks some.
# domu.t needs one more kernel, and is for those who change lab/domu; usb.t and deb.t are
# make usb-check and make deb-check.
all-tests := $(wildcard lab/check/*.t)
TESTS ?= $(filter-out %/domu.t %/usb.t %/deb.t,$(all-tests))
no-test = $(filter-out $(all-tests),$(TESTS))
by-twos = $(filter-out %/boot.t,$(TESTS))
prove = prove --timer --comments --failures
named-tests:
	$(if $(no-test),$(error TESTS: no test is named $(no-test); there are $(all-tests)))
check: named-tests setup kernels lab
	@rc=0; \
	$(if $(by-twos),$(prove) -j 2 $(by-twos) || rc=1;) \
	$(if $(filter %/boot.t,$(TESTS)),$(prove) lab/check/boot.t || rc=1;) \
	exit $$rc

deb-check: setup lab
	@scripts/setup deb
	@lab/guest/mkdebian
	@config=$$(scripts/kernel patched deb --configure) && CONFIG="$$config" scripts/deb
	@$(prove) --verbose lab/check/deb.t

clean:
	rm -rf build/usb build/domu build/demo build/bench build/check build/boot build/lab

distclean:
	rm -rf build

.NOTPARALLEL:
.PHONY: help named-tests setup source demo bench series bisect-check randconfig kernels lab check check-fast boot boot-jobs sabotage clean distclean
.PHONY: apply series-check kdump-arm64 usb usb-check deb deb-check simulate kexec exhaustive fuzz mutants coverage

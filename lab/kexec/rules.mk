# SPDX-License-Identifier: GPL-2.0-only
#
# make kexec: included by tools/testing/early_pgt/Makefile where there is this folder,
# which isn't part of the series. The kernel's functions are cut out of its source, and not kept here.

KEXEC		= $(SRC)/lab/kexec
KEXEC_QUEUES	= $(wildcard $(SRC)/series/kexec/*/*.patch)
KEXEC_CUT	= kernel/kexec_core.c:kimage_is_destination_range \
	  kernel/kexec_file.c:locate_mem_hole_top_down,locate_mem_hole_bottom_up,locate_mem_hole_callback,kexec_walk_resources,kexec_locate_mem_hole \
	  arch/x86/include/asm/kexec.h: \
	  arch/x86/kernel/e820.c:cpcompare,e820_nomerge,e820__update_table \
	  kernel/crash_core.c:crash_exclude_mem_range \
	  arch/x86/kernel/crash.c:crash_memmap_data,add_e820_entry,memmap_entry_callback,add_resources,memmap_exclude_ranges,crash_setup_memmap_entries,crash_memmap_entries \
	  arch/x86/kernel/machine_kexec_64.c:init_pgtable_data,mem_region_callback,map_acpi_tables,map_ram,init_pgtable
# Of the first, what is told to the next kernel is in the table of its parameters.
KEXEC_CUT_base	= $(KEXEC_CUT) arch/x86/kernel/kexec-bzimage64.c:setup_e820_entries
KEXEC_CUT_ours	= $(KEXEC_CUT) arch/x86/kernel/kexec-bzimage64.c:e820_entries,arch_kexec_locate_mem_hole
kexec_tree_base	= $(KSRC)
kexec_tree_ours	= $(OUT)/src/kexec/tree

# The queues, applied to copies of the files that they touch.
$(OUT)/src/kexec/tree.stamp: $(KEXEC)/rules.mk $(KEXEC_QUEUES) $(KSRC)/mm/memblock.c
	@rm -rf $(kexec_tree_ours)
	@mkdir -p $(kexec_tree_ours)
	@cd $(KSRC) && cp --parents $(sort $(foreach c,$(KEXEC_CUT_ours),$(firstword $(subst :, ,$(c)))) \
		$(shell sed -n 's,^+++ b/,,p' $(KEXEC_QUEUES) /dev/null)) $(kexec_tree_ours)/
	@cat $(KEXEC_QUEUES) /dev/null | patch -s -p1 -d $(kexec_tree_ours) >$@.log 2>&1 || \
		{ cat $@.log >&2; echo "kexec: series/kexec doesn't apply to $(KSRC)" >&2; exit 2; }
	@touch $@

define kexec_side
$(OUT)/src/kexec/$(1).c: $(KEXEC)/cut.awk $(KEXEC)/rules.mk $(OUT)/src/kexec/tree.stamp
	@for cut in $$(KEXEC_CUT_$(1)); do \
		awk -v names="$$$$(echo "$$$${cut#*:}" | tr , ' ')" -f $(KEXEC)/cut.awk \
			$$(kexec_tree_$(1))/$$$${cut%%:*} || exit; \
	done >$$@.tmp && mv $$@.tmp $$@
endef
$(foreach side,base ours,$(eval $(call kexec_side,$(side))))

$(OUT)/src/kexec/ident_map.c: $(KSRC)/arch/x86/mm/ident_map.c
$(OUT)/src/kexec/crash_reserve.h: $(KSRC)/arch/x86/include/asm/crash_reserve.h
$(OUT)/src/kexec/ident_map.c $(OUT)/src/kexec/crash_reserve.h:
	@mkdir -p $(@D) && ln -sfn $< $@
# Whole, but for the headers.
$(OUT)/src/kexec/crash_reserve.c: $(KEXEC)/rules.mk $(KSRC)/mm/memblock.c
	@mkdir -p $(@D) && grep -v '^#include' $(KSRC)/kernel/crash_reserve.c >$@.tmp && mv $@.tmp $@

KEXEC_OBJ = $(OUT)/obj/san-64/kexec
KEXEC_CC = $(CC_san) $(CFLAGS) -Wno-unused-function -Wno-unused-variable -I$(KEXEC) $(CPPFLAGS) $(DEFS_64)
$(KEXEC_OBJ)/base.o $(KEXEC_OBJ)/ours.o: $(KEXEC_OBJ)/%.o: $(KEXEC)/side.c $(OUT)/src/kexec/%.c $(KEXEC)/rules.mk
	@mkdir -p $(@D)
	@$(KEXEC_CC) -Wno-attributes $(if $(filter ours,$*),-DOURS) -c -o $@ $<
	@objcopy --keep-global-symbol=kexec_$* $@
$(KEXEC_OBJ)/ident.o: $(KEXEC)/ident.c $(OUT)/src/kexec/ident_map.c $(KEXEC)/rules.mk
	@mkdir -p $(@D)
	@$(CC_san) $(CFLAGS) -Wno-return-mismatch -w -I$(OUT)/src/kexec -c -o $@ $<
$(KEXEC_OBJ)/reserve.o: $(KEXEC)/reserve.c $(OUT)/src/kexec/crash_reserve.c $(OUT)/src/kexec/crash_reserve.h $(KEXEC)/rules.mk
	@mkdir -p $(@D)
	@$(KEXEC_CC) -c -o $@ $<

$(KEXEC_OBJ)/kexec.o $(KEXEC_OBJ)/log.o $(KEXEC_OBJ)/machine.o $(KEXEC_OBJ)/room.o: $(KEXEC_OBJ)/%.o: $(KEXEC)/%.c $(KEXEC)/rules.mk | $(LINKS)
	@mkdir -p $(@D)
	@$(KEXEC_CC) -c -o $@ $<

$(eval $(call program,kexec,san,64,kexec/kexec kexec/log kexec/machine kexec/room kexec/base kexec/ours kexec/ident kexec/reserve files $(READER) base))

export CMDLINE
kexec: $(OUT)/kexec
	@cd "$(WHERE)" && "$(abspath $<)" $(if $(CMDLINE),-c "$$CMDLINE") $(if $(INITRD),-i $(INITRD)) \
		$(if $(KERNEL),-k $(KERNEL)) -- "$${MAPS:-maps}"
.PHONY: kexec

// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory of a log's machine, as its kernel has it: the table of firmware, the kernel's
 * own, what was plugged in, and what is in the direct map.
 */

#include "kexec.h"

static unsigned int type_of(const struct map_entry *e)
{
	static const struct {
		const char *name;
		unsigned int type;
	} names[] = {
		{ "reserved", E820_TYPE_RESERVED },
		{ "ACPI NVS", E820_TYPE_NVS },
		{ "ACPI non-volatile", E820_TYPE_NVS },
		{ "ACPI", E820_TYPE_ACPI },
		{ "unusable", E820_TYPE_UNUSABLE },
		{ "soft reserved", E820_TYPE_SOFT_RESERVED },
		{ "persistent (type 12)", E820_TYPE_PRAM },
		{ "persistent", E820_TYPE_PMEM },
	};
	unsigned int i, nr;

	if (e->kind == MAP_KIND_RAM || e->kind == MAP_KIND_TAKEN)
		return E820_TYPE_RAM;
	if (sscanf(e->type, "type %u", &nr) == 1)
		return nr;
	for (i = 0; i < ARRAY_SIZE(names); i++)
		if (!strncasecmp(e->type, names[i].name, strlen(names[i].name)))
			return names[i].type;
	/* Numbers of kexec -d; and of /proc/iomem what is no e820 entry at all. */
	return e->type[0] >= '0' && e->type[0] <= '9' ? E820_TYPE_RESERVED : 0;
}

static void add_entry(struct kexec_table *t, u64 start, u64 end, unsigned int type)
{
	if (start < end && t->nr < KEXEC_RANGES)
		t->entry[t->nr++] = (struct kexec_entry) { start, end - start, type };
}

/* As e820__memory_setup(); and trim_bios_range(), if the table is one to boot with. */
static void set_table(struct kexec_table *t, const struct map_entry *e, unsigned int nr, bool trim)
{
	unsigned int i, type;

	memset(t, 0, sizeof(*t));
	if (trim)
		add_entry(t, 0, PAGE_SIZE, E820_TYPE_RESERVED);
	for (i = 0; i < nr; i++) {
		type = e[i].kind == MAP_KIND_RESERVED ? 0 : type_of(&e[i]);
		if (!type)
			continue;
		if (trim && type == E820_TYPE_RAM) {
			add_entry(t, e[i].start, min_t(u64, e[i].end, 0xa0000), type);
			add_entry(t, max_t(u64, e[i].start, ISA_END_ADDRESS), e[i].end, type);
		} else {
			add_entry(t, e[i].start, e[i].end, type);
		}
	}
	kexec_base.update_table(t);
}

u64 ram_in(const struct kexec_table *t, u64 start, u64 end)
{
	unsigned int i;
	u64 sum = 0;

	for (i = 0; i < t->nr; i++) {
		u64 a = max_t(u64, t->entry[i].addr, start);
		u64 b = min_t(u64, t->entry[i].addr + t->entry[i].size, end);

		if (t->entry[i].type == E820_TYPE_RAM && a < b)
			sum += b - a;
	}
	return sum;
}

static void set_plugged(struct kexec_machine *m)
{
	unsigned int i;

	for (i = 0; i < map.nr_iomem; i++) {
		const struct map_entry *e = &map.iomem[i];

		if (e->kind == MAP_KIND_RAM && e->start >= ISA_END_ADDRESS &&
		    !ram_in(&m->memory, e->start, e->end) && m->nr_plugged < ARRAY_SIZE(m->plugged))
			m->plugged[m->nr_plugged++] = (struct kexec_area) { e->start, e->end };
	}
}

void set_machine(struct kexec_machine *m)
{
	unsigned int i;

	memset(m, 0, sizeof(*m));
	set_table(&m->memory, map.entry, map.nr, true);
	if (map.firmware)
		set_table(&m->firmware, map.firmware, map.nr_firmware, false);
	else
		set_table(&m->firmware, map.entry, map.nr, false);
	set_plugged(m);

	m->mapped[m->nr_mapped++] = (struct kexec_area) { 0, ISA_END_ADDRESS };
	for (i = 0; i < m->memory.nr; i++) {
		u64 start = max_t(u64, m->memory.entry[i].addr, ISA_END_ADDRESS);
		u64 end = m->memory.entry[i].addr + m->memory.entry[i].size;

		if (m->memory.entry[i].type == E820_TYPE_RAM && start < end)
			m->mapped[m->nr_mapped++] = (struct kexec_area) { start, end };
	}
	for (i = 0; i < m->nr_plugged; i++)
		m->mapped[m->nr_mapped++] = m->plugged[i];
	m->gbpages = log_facts.gbpages;
	m->levels = 4;
	for (i = 0; i < m->nr_mapped; i++)
		if (m->mapped[i].end > LIMIT_4LEVEL)
			m->levels = 5;
}

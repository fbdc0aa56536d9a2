import type { HardwareModel } from './models.ts';

/** The first lines of a kernel: memory map, firmware, processors. `6 text` is a line of priority 6 (info). */
export function kernelStart(model: HardwareModel): string[] {
  return [
    ...memoryMap(model),
    ...text(FIRMWARE),
    ...acpiTables(model),
    ...nodes(model),
    ...text(SETUP),
    ...text(MEMORY),
    ...text(model.virtual ? GUEST : BARE_METAL),
    ...text(SCHEDULER),
    ...processors(model),
  ];
}

/** The lines of a block of text; the first and the last, empty ones, go. */
export function text(block: string): string[] {
  return block.trim().split('\n');
}

function memoryMap(model: HardwareModel): string[] {
  const top = (model.memoryMib * 1024 * 1024 + 0x80000000).toString(16).padStart(16, '0').replace(/0{4}$/, 'ffff');
  return [
    '5 Linux version {kernel} (@buildkitsandbox) (gcc (GCC) 15.2.0, GNU ld (GNU Binutils) 2.45) #1 SMP PREEMPT_DYNAMIC',
    '6 Command line: {cmdline}',
    '6 BIOS-provided physical RAM map:',
    '6 BIOS-e820: [mem 0x0000000000000000-0x000000000009{x:1}fff] usable',
    '6 BIOS-e820: [mem 0x00000000000a0000-0x00000000000fffff] reserved',
    '6 BIOS-e820: [mem 0x0000000000100000-0x000000005{x:1}{x:3}fff] usable',
    '6 BIOS-e820: [mem 0x000000006{x:1}{x:3}000-0x000000006{x:1}{x:3}fff] ACPI NVS',
    '6 BIOS-e820: [mem 0x000000006{x:1}{x:3}000-0x0000000070{x:3}fff] reserved',
    '6 BIOS-e820: [mem 0x00000000711{x:2}000-0x0000000074{x:3}fff] usable',
    '6 BIOS-e820: [mem 0x00000000750{x:2}000-0x00000000751{x:2}fff] ACPI data',
    '6 BIOS-e820: [mem 0x0000000076000000-0x0000000077{x:3}fff] reserved',
    '6 BIOS-e820: [mem 0x00000000e0000000-0x00000000efffffff] reserved',
    '6 BIOS-e820: [mem 0x00000000fe000000-0x00000000fe010fff] reserved',
    '6 BIOS-e820: [mem 0x00000000fec00000-0x00000000fec00fff] reserved',
    '6 BIOS-e820: [mem 0x00000000fee00000-0x00000000fee00fff] reserved',
    `6 BIOS-e820: [mem 0x0000000100000000-0x${top}] usable`,
    `6 DMI: ${model.dmi}`,
    `6 tsc: Detected ${model.megahertz}.{n:100-999} MHz processor`,
    `6 last_pfn = 0x${(model.memoryMib * 256 + 0x80000).toString(16)} max_arch_pfn = 0x400000000`,
  ];
}

const FIRMWARE = `
5 random: crng init done
6 NX (Execute Disable) protection: active
6 APIC: Static calls initialized
6 efi: EFI v2.{n:4-8} by {pick:American Megatrends|EDK II|Dell Inc.|Phoenix Technologies Ltd.}
6 efi: ACPI=0x75{x:3}000 ACPI 2.0=0x75{x:3}014 SMBIOS=0x6f{x:3}000 SMBIOS 3.0=0x6f{x:3}000 MEMATTR=0x6a{x:3}018 RNG=0x75{x:3}f18
6 efi: Remove mem{n:50-90}: MMIO range=[0xe0000000-0xefffffff] (256MB) from e820 map
6 efi: Not removing mem{n:50-90}: MMIO range=[0xfe000000-0xfe010fff] (68KB) from e820 map
6 secureboot: Secure boot {pick:disabled|disabled|enabled}
6 SMBIOS 3.{n:0-4}.0 present.
6 DMI: Memory slots populated: {n:1-4}/{pick:4|8|16}
6 e820: update [mem 0x00000000-0x00000fff] usable ==> reserved
6 e820: remove [mem 0x000a0000-0x000fffff] usable
6 MTRR map: {n:4-9} entries ({n:3-5} fixed + {n:1-6} variable; max {n:20-24}), built from {n:8-10} variable MTRRs
6 x86/PAT: Configuration [0-7]: WB  WC  UC- UC  WB  WP  UC- WT
6 esrt: Reserving ESRT space from 0x000000006c{x:3}f18 to 0x000000006c{x:3}f{x:1}0.
6 e820: update [mem 0x6c{x:3}000-0x6c{x:3}fff] usable ==> reserved
6 Using GB pages for direct mapping
6 RAMDISK: [mem 0x3{x:3}8000-0x3fffdfff]
6 ACPI: Early table checksum verification disabled
6 ACPI: RSDP 0x0000000075{x:3}014 000024 (v02 {pick:ALASKA|BOCHS|INTEL|DELL})
6 ACPI: XSDT 0x0000000075{x:3}728 0000{x:2} (v01 {serial:6} {serial:8} 01072009 AMI  01000013)
`;

function acpiTables(model: HardwareModel): string[] {
  const [oem = 'OEM', table = 'TABLE'] = model.acpiOem.split(/\s+/);
  const shown = model.acpiTables.map(
    (name) =>
      `6 ACPI: ${name} 0x0000000075{x:6} 0{x:5} (v0{n:1-6} ${oem} ${table.padEnd(8)} 0{n:1-9}072009 AMI  0{x:7})`,
  );
  const reserved = model.acpiTables.map(
    (name) => `6 ACPI: Reserving ${name} table memory at [mem 0x75{x:6}-0x75{x:6}]`,
  );
  return [...shown, ...reserved];
}

function nodes(model: HardwareModel): string[] {
  if (model.nodes === 1) {
    return ['6 No NUMA configuration found', '6 Faking a node at [mem 0x0000000000000000-0x0000000{x:1}7fffffff]'];
  }
  const lines: string[] = [];
  for (let node = 0; node < model.nodes; node++) {
    lines.push(
      `6 ACPI: SRAT: Node ${node} PXM ${node} [mem 0x0${node * 2}00000000-0x0${node * 2 + 1}ffffffff]`,
      `6 NODE_DATA(${node}) allocated [mem 0x{x:2}7ff{x:2}000-0x{x:2}7fffffff]`,
    );
  }
  for (let apic = 0; apic < model.cpus; apic += 4) {
    lines.push(
      `6 SRAT: PXM ${apic % model.nodes} -> APIC 0x${apic.toString(16).padStart(2, '0')} -> Node ${apic % model.nodes}`,
    );
  }
  return lines;
}

const SETUP = `
6 Zone ranges:
6   DMA      [mem 0x0000000000001000-0x0000000000ffffff]
6   DMA32    [mem 0x0000000001000000-0x00000000ffffffff]
6   Normal   [mem 0x0000000100000000-0x000000{x:1}07fffffff]
6   Device   empty
6 Movable zone start for each node
6 Early memory node ranges
6   node   0: [mem 0x0000000000001000-0x000000000009{x:1}fff]
6   node   0: [mem 0x0000000000100000-0x000000005{x:4}fff]
6   node   0: [mem 0x00000000711{x:2}000-0x0000000074{x:3}fff]
6   node   0: [mem 0x0000000100000000-0x000000{x:1}07fffffff]
6 Initmem setup node 0 [mem 0x0000000000001000-0x000000{x:1}07fffffff]
6 On node 0, zone DMA: 1 pages in unavailable ranges
6 On node 0, zone DMA: {n:80-110} pages in unavailable ranges
6 On node 0, zone DMA32: {n:9000-31000} pages in unavailable ranges
6 On node 0, zone Normal: {n:800-9000} pages in unavailable ranges
6 ACPI: PM-Timer IO Port: 0x{pick:1808|508|608|408}
6 ACPI: LAPIC_NMI (acpi_id[0xff] high edge lint[0x1])
6 IOAPIC[0]: apic_id {n:2-240}, version 32, address 0xfec00000, GSI 0-{pick:23|119}
6 ACPI: INT_SRC_OVR (bus 0 bus_irq 0 global_irq 2 dfl dfl)
6 ACPI: INT_SRC_OVR (bus 0 bus_irq 9 global_irq 9 high level)
6 ACPI: Using ACPI (MADT) for SMP configuration information
6 ACPI: HPET id: 0x8086a{n:200-701} base: 0xfed00000
6 TSC deadline timer available
6 CPU topo: Max. logical packages:   1
6 CPU topo: Max. logical dies:       1
6 CPU topo: Max. dies per package:   1
6 CPU topo: Max. threads per core:   {pick:1|2}
6 PM: hibernation: Registered nosave memory: [mem 0x00000000-0x00000fff]
6 PM: hibernation: Registered nosave memory: [mem 0x000a0000-0x000fffff]
6 PM: hibernation: Registered nosave memory: [mem 0x6{x:4}000-0x6{x:4}fff]
6 [mem 0x78000000-0xdfffffff] available for PCI devices
6 clocksource: refined-jiffies: mask: 0xffffffff max_cycles: 0xffffffff, max_idle_ns: 7645519600211568 ns
`;

const MEMORY = `
6 setup_percpu: NR_CPUS:512 nr_cpumask_bits:{n:4-64} nr_cpu_ids:{n:4-64} nr_node_ids:{n:1-2}
6 percpu: Embedded {n:58-66} pages/cpu s{n:200000-229376} r8192 d{n:24000-32768} u262144
5 Kernel command line: {cmdline}
5 Unknown kernel command line parameters "pti=on", will be passed to user space.
6 printk: log buffer data + meta data: 1048576 + 3670016 = 4718592 bytes
6 Dentry cache hash table entries: {pick:1048576|4194304|8388608} (order: {n:11-14}, {pick:8388608|33554432|67108864} bytes, linear)
6 Inode-cache hash table entries: {pick:524288|2097152|4194304} (order: {n:10-13}, {pick:4194304|16777216|33554432} bytes, linear)
6 Fallback order for Node 0: 0
6 Built 1 zonelists, mobility grouping on.  Total pages: {n:2000000-66000000}
6 Policy zone: Normal
6 mem auto-init: stack:all(zero), heap alloc:on, heap free:off
6 mem auto-init: clearing system memory may take some time...
6 software IO TLB: area num {pick:4|8|16|32}.
6 SLUB: HWalign=64, Order=0-3, MinObjects=0, CPUs={n:4-64}, Nodes={n:1-2}
6 Kernel/User page tables isolation: enabled
6 ftrace: allocating {n:48000-54000} entries in {n:188-212} pages
6 ftrace: allocated {n:188-212} pages with {n:3-6} groups
6 Dynamic Preempt: {pick:voluntary|lazy|full}
6 rcu: Preemptible hierarchical RCU implementation.
6 rcu: 	RCU restricting CPUs from NR_CPUS=512 to nr_cpu_ids={n:4-64}.
6 	Trampoline variant of Tasks RCU enabled.
6 	Rude variant of Tasks RCU enabled.
6 	Tracing variant of Tasks RCU enabled.
6 rcu: RCU calculated value of scheduler-enlistment delay is 100 jiffies.
6 rcu: Adjusting geometry for rcu_fanout_leaf=16, nr_cpu_ids={n:4-64}
6 RCU Tasks: Setting shift to {n:2-5} and lim to 1 rcu_task_cb_adjust=1 rcu_task_cpu_ids={n:4-64}.
6 NR_IRQS: 33024, nr_irqs: {n:456-2048}, preallocated irqs: 16
6 rcu: srcu_init: Setting srcu_struct sizes based on contention.
6 kfence: initialized - using 2097152 bytes for 255 objects at 0x(____ptrval____)-0x(____ptrval____)
6 Console: colour dummy device 80x25
6 printk: legacy console [tty0] enabled
6 printk: legacy console [ttyS0] enabled
6 ACPI: Core revision {pick:20230628|20240827|20250404}
6 hpet: HPET dysfunctional in PC10. Force disabled.
6 clocksource: hpet: mask: 0xffffffff max_cycles: 0xffffffff, max_idle_ns: {n:79635855245-133484882848} ns
6 APIC: Switch to symmetric I/O mode setup
6 Switched APIC routing to: {pick:physical flat|cluster x2apic|physical x2apic}
6 ..TIMER: vector=0x30 apic1=0 pin1=2 apic2=-1 pin2=-1
6 clocksource: tsc-early: mask: 0xffffffffffffffff max_cycles: 0x{x:11}, max_idle_ns: {n:440795200000-440795399999} ns
6 Calibrating delay loop (skipped), value calculated using timer frequency.. {n:4700-7600}.{n:10-99} BogoMIPS (lpj={n:2300000-3800000})
`;

const BARE_METAL = `
6 x86/cpu: SGX disabled or unsupported by BIOS.
6 CPU0: Thermal monitoring enabled (TM1)
6 x86/tme: not enabled by BIOS
6 DMAR: Host address width 39
6 DMAR: DRHD base: 0x000000fed90000 flags: 0x0
6 DMAR: dmar0: reg_base_addr fed90000 ver 4:0 cap 1c0000c40660462 ecap 69e2ff0505e
6 DMAR: RMRR base: 0x000000{x:2}000000 end: 0x000000{x:2}7fffff
6 DMAR-IR: IOAPIC id 2 under DRHD base  0xfed91000 IOMMU 1
6 DMAR-IR: Enabled IRQ remapping in x2apic mode
6 x2apic enabled
6 mce: CPU supports {n:9-28} MCE banks
`;

const GUEST = `
6 Hypervisor detected: KVM
6 kvm-clock: Using msrs 4b564d01 and 4b564d00
6 kvm-clock: using sched offset of {n:4000000000-9000000000} cycles
6 clocksource: kvm-clock: mask: 0xffffffffffffffff max_cycles: 0x1cd42e4dffb, max_idle_ns: 881590591483 ns
6 kvm-guest: APIC: eoi() replaced with kvm_guest_apic_eoi_write()
6 kvm-guest: KVM setup pv remote TLB flush
6 kvm-guest: setup PV sched yield
6 Booting paravirtualized kernel on KVM
6 kvm-guest: PV spinlocks enabled
6 PV qspinlock hash table entries: 256 (order: 0, 4096 bytes, linear)
6 kvm-guest: setup async PF for cpu 0
`;

const SCHEDULER = `
6 Last level iTLB entries: 4KB {pick:64|128|512|1024}, 2MB {pick:8|512|1024}, 4MB {pick:8|256|512}
6 Last level dTLB entries: 4KB {pick:64|1536|2048}, 2MB {pick:32|1536|2048}, 4MB {pick:32|768|1024}, 1GB 4
6 Spectre V1 : Mitigation: usercopy/swapgs barriers and __user pointer sanitization
6 Spectre V2 : Mitigation: {pick:Enhanced / Automatic IBRS|Retpolines|IBRS}
6 Spectre V2 : Spectre v2 / SpectreRSB: Filling RSB on context switch and VMEXIT
6 Spectre V2 : Enabling Restricted Speculation for firmware calls
6 Spectre V2 : mitigation: Enabling conditional Indirect Branch Prediction Barrier
6 Speculative Store Bypass: Mitigation: Speculative Store Bypass disabled via prctl
6 MDS: {pick:Mitigation: Clear CPU buffers|Vulnerable: Clear CPU buffers attempted, no microcode}
6 MMIO Stale Data: {pick:Mitigation: Clear CPU buffers|Unknown: No mitigations}
6 GDS: {pick:Mitigation: Microcode|Unknown: Dependent on hypervisor status}
6 x86/fpu: Supporting XSAVE feature 0x001: 'x87 floating point registers'
6 x86/fpu: Supporting XSAVE feature 0x002: 'SSE registers'
6 x86/fpu: Supporting XSAVE feature 0x004: 'AVX registers'
6 x86/fpu: xstate_offset[2]:  576, xstate_sizes[2]:  256
6 x86/fpu: Enabled xstate features 0x{pick:7|e7|207}, context size is {pick:832|2432|2696} bytes, using '{pick:compacted|standard}' format.
6 Freeing SMP alternatives memory: {n:40-56}K
6 pid_max: default: 32768 minimum: 301
6 LSM: initializing lsm=lockdown,capability,yama,apparmor,bpf,landlock,ima,evm
6 landlock: Up and running.
6 Yama: becoming mindful.
6 LSM support for eBPF active
6 Mount-cache hash table entries: {pick:16384|65536|131072} (order: {n:5-8}, {pick:131072|524288|1048576} bytes, linear)
6 Mountpoint-cache hash table entries: {pick:16384|65536|131072} (order: {n:5-8}, {pick:131072|524288|1048576} bytes, linear)
`;

function processors(model: HardwareModel): string[] {
  const lines = [
    `6 smpboot: CPU0: ${model.cpu} (${model.family})`,
    '6 Performance Events: PEBS fmt{n:3-4}+, {n:16-32}-deep LBR, {pick:full-width counters|core PMU driver}, Intel PMU driver.',
    '6 ... version:                   {n:2-5}',
    '6 ... bit width:                 48',
    '6 ... generic counters:          {n:4-8}',
    '6 ... event mask:                000{x:1}000f000000{x:2}',
    '6 signal: max sigframe size: {n:1776-3632}',
    '6 rcu: Hierarchical SRCU implementation.',
    '6 rcu: 	Max phase no-delay instances is 400.',
    '6 smp: Bringing up secondary CPUs ...',
    '6 smpboot: x86: Booting SMP configuration:',
  ];
  const list = Array.from({ length: model.cpus - 1 }, (_, index) => ` #${index + 1}`);
  for (let first = 0; first < list.length; first += 8) {
    lines.push(`6 .... node  #${first === 0 ? 0 : model.nodes - 1}, CPUs:  ${list.slice(first, first + 8).join('')}`);
  }
  lines.push(
    `6 smp: Brought up ${model.nodes} node${model.nodes > 1 ? 's' : ''}, ${model.cpus} CPUs`,
    `6 smpboot: Total of ${model.cpus} processors activated ({n:18000-230000}.{n:10-99} BogoMIPS)`,
    '6 Memory: {n:7600000-260000000}K/{n:8100000-268000000}K available ({n:18000-24000}K kernel code, {n:3000-4400}K rwdata, {n:9000-14000}K rodata, {n:3000-4900}K init, {n:2000-5000}K bss, {n:190000-980000}K reserved, 0K cma-reserved)',
    '6 devtmpfs: initialized',
    '6 x86/mm: Memory block size: {pick:128|2048}MB',
  );
  return lines;
}

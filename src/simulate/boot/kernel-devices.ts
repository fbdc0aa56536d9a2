import { attach, probe, usb } from './hardware.ts';
import { text } from './kernel-start.ts';
import type { HardwareModel, PciDevice } from './models.ts';

/** From the first drivers to the hand-over to user space. `6 text` is a line of priority 6 (info). */
export function kernelDevices(model: HardwareModel): string[] {
  return [
    ...text(SUBSYSTEMS),
    ...model.pci.flatMap(enumerate),
    ...model.pci.filter((device) => device.kind === 'bridge').map(assignBus),
    ...text(INTERRUPTS),
    ...resources(model),
    ...text(NETWORK_STACK),
    ...text(POWER),
    ...text(BLOCK_LAYER),
    ...model.disks.flatMap((disk, index) => attach(disk, index)),
    ...usb(model),
    ...model.nics.flatMap(probe),
    ...text(model.virtual ? VIRTIO : SENSORS),
    ...text(HANDOVER),
  ];
}

const SUBSYSTEMS = `
6 ACPI: PM: Registering ACPI NVS region [mem 0x6{x:4}000-0x6{x:4}fff] ({n:400000-4900000} bytes)
6 clocksource: jiffies: mask: 0xffffffff max_cycles: 0xffffffff, max_idle_ns: 7645041785100000 ns
6 futex hash table entries: {pick:1024|2048|8192} (order: {n:4-7}, {pick:65536|131072|524288} bytes, linear)
6 pinctrl core: initialized pinctrl subsystem
6 PM: RTC time: {n:10-23}:{n:10-59}:{n:10-59}, date: 2026-{n:10-12}-{n:10-28}
6 NET: Registered PF_NETLINK/PF_ROUTE protocol family
5 DMA: preallocated {pick:1024|4096} KiB GFP_KERNEL pool for atomic allocations
5 DMA: preallocated {pick:1024|4096} KiB GFP_KERNEL|GFP_DMA32 pool for atomic allocations
6 audit: initializing netlink subsys (disabled)
5 audit: type=2000 audit(17{n:60000000-99999999}.{n:100-999}:1): state=initialized audit_enabled=0 res=1
6 thermal_sys: Registered thermal governor 'step_wise'
6 thermal_sys: Registered thermal governor 'user_space'
6 cpuidle: using governor {pick:menu|haltpoll|ladder}
6 Simple Boot Flag at 0x47 set to 0x80
6 ACPI FADT declares the system doesn't support PCIe ASPM, so disable it
6 acpiphp: ACPI Hot Plug PCI Controller Driver version: 0.5
6 PCI: ECAM [mem 0xe0000000-0xefffffff] (base 0xe0000000) for domain 0000 [bus 00-ff]
6 PCI: Using configuration type 1 for base access
6 kprobes: kprobe jump-optimization is enabled. All kprobes are optimized if possible.
6 HugeTLB: registered 1.00 GiB page size, pre-allocated 0 pages
6 HugeTLB: 16380 KiB vmemmap can be freed for a 1.00 GiB page
6 HugeTLB: registered 2.00 MiB page size, pre-allocated 0 pages
6 HugeTLB: 28 KiB vmemmap can be freed for a 2.00 MiB page
6 raid6: skipped pq benchmark and selected {pick:avx512x4|avx2x4}
6 raid6: using {pick:avx512x2|avx2x2} recovery algorithm
6 ACPI: Added _OSI(Module Device)
6 ACPI: Added _OSI(Processor Device)
6 ACPI: Added _OSI(Processor Aggregator Device)
6 ACPI: {n:1-14} ACPI AML tables successfully acquired and loaded
4 ACPI BIOS Warning (bug): Optional FADT field Pm2ControlBlock has valid Length but zero Address: 0x0000000000000000/0x1 (20240827/tbfadt-611)
6 ACPI: Dynamic OEM Table Load:
6 ACPI: SSDT 0xFFFF{x:4}0{x:6}00 000{x:3} (v02 PmRef  Cpu0Ist  00003000 INTL 20200717)
6 ACPI: Interpreter enabled
6 ACPI: PM: (supports S0 S{n:3-4} S5)
6 ACPI: Using IOAPIC for interrupt routing
6 PCI: Using host bridge windows from ACPI; if necessary, use "pci=nocrs" and report a bug
6 PCI: Ignoring E820 reservations for host bridge windows
6 ACPI: Enabled {n:2-9} GPEs in block 00 to {pick:3F|6F|7F}
6 ACPI: PCI Root Bridge [PC{n:10-99}] (domain 0000 [bus 00-fe])
6 acpi PNP0A08:00: _OSC: OS supports [ExtendedConfig ASPM ClockPM Segments MSI HPX-Type3]
6 acpi PNP0A08:00: _OSC: platform does not support [{pick:LTR|AER|PCIeHotplug SHPCHotplug PME}]
6 acpi PNP0A08:00: _OSC: OS now controls [PCIeHotplug PME AER PCIeCapability]
6 PCI host bridge to bus 0000:00
6 pci_bus 0000:00: root bus resource [io  0x0000-0x0cf7 window]
6 pci_bus 0000:00: root bus resource [io  0x0d00-0xffff window]
6 pci_bus 0000:00: root bus resource [mem 0x000a0000-0x000bffff window]
6 pci_bus 0000:00: root bus resource [mem 0x78000000-0xdfffffff window]
6 pci_bus 0000:00: root bus resource [bus 00-fe]
`;

function enumerate(device: PciDevice): string[] {
  const at = `pci 0000:${device.address}`;
  const kind = device.kind === 'bridge' ? 'type 01' : 'type 00';
  const lines = [
    `6 ${at}: [${device.id}] ${kind} class ${device.class} ${device.kind === 'bridge' ? 'PCIe Root Port' : 'conventional PCI endpoint'}`,
  ];
  device.bars.forEach((size, index) => {
    const low = `${'0'.repeat(size.length)}`;
    const high = `{x:${8 - size.length}}`;
    lines.push(
      `6 ${at}: BAR ${index * 2} [mem 0x${high}${low}-0x${high}${size}${size.length > 5 ? ' 64bit pref' : ' 64bit'}]`,
    );
  });
  if (device.kind === 'bridge') lines.push(`6 ${at}:   bridge window [mem 0x9{x:2}00000-0x9{x:2}fffff]`);
  if (device.pme) lines.push(`6 ${at}: PME# supported from D0 D3hot${device.kind === 'bridge' ? ' D3cold' : ''}`);
  return lines;
}

function assignBus(device: PciDevice, index: number): string {
  return `6 pci 0000:${device.address}: PCI bridge to [bus ${(index + 1).toString(16).padStart(2, '0')}]`;
}

const INTERRUPTS = `
6 ACPI: PCI: Interrupt link LNKA configured for IRQ {pick:10|11|0}
6 ACPI: PCI: Interrupt link LNKB configured for IRQ {pick:10|11|0}
6 ACPI: PCI: Interrupt link LNKC configured for IRQ {pick:10|11|0}
6 ACPI: PCI: Interrupt link LNKD configured for IRQ {pick:10|11|0}
6 iommu: Default domain type: {pick:Translated|Passthrough}
6 iommu: DMA domain TLB invalidation policy: lazy mode
5 SCSI subsystem initialized
6 libata version 3.00 loaded.
6 ACPI: bus type USB registered
6 usbcore: registered new interface driver usbfs
6 usbcore: registered new interface driver hub
6 usbcore: registered new device driver usb
6 pps_core: LinuxPPS API ver. 1 registered
6 PTP clock support registered
6 EDAC MC: Ver: 3.0.0
6 efivars: Registered efivars operations
6 NetLabel: Initializing
6 NetLabel:  domain hash size = 128
6 NetLabel:  protocols = UNLABELED CIPSOv4 CALIPSO
6 PCI: Using ACPI for IRQ routing
6 PCI: pci_cache_line_size set to 64 bytes
6 e820: reserve RAM buffer [mem 0x0009{x:1}000-0x0009ffff]
6 e820: reserve RAM buffer [mem 0x5{x:4}000-0x5fffffff]
6 pci 0000:00:02.0: vgaarb: setting as boot VGA device
6 pci 0000:00:02.0: vgaarb: VGA device added: decodes=io+mem,owns=io+mem,locks=none
6 vgaarb: loaded
6 clocksource: Switched to clocksource {pick:tsc-early|kvm-clock}
5 VFS: Disk quotas dquot_6.6.0
5 VFS: Dquot-cache hash table entries: 512 (order 0, 4096 bytes)
6 pnp: PnP ACPI init
6 system 00:00: [mem 0xfd000000-0xfdabffff] has been reserved
6 system 00:01: [io  0x0680-0x069f] has been reserved
6 system 00:02: [io  0x1800-0x18fe] {pick:has been reserved|could not be reserved}
6 system 00:03: [mem 0xfed10000-0xfed17fff] has been reserved
6 pnp: PnP ACPI: found {n:4-12} devices
6 clocksource: acpi_pm: mask: 0xffffff max_cycles: 0xffffff, max_idle_ns: 2085701024 ns
`;

function resources(model: HardwareModel): string[] {
  const lines: string[] = [];
  for (const device of model.pci) {
    if (device.kind !== 'bridge') continue;
    lines.push(
      `6 pci 0000:${device.address}: bridge window [io  0x1000-0x0fff] to [bus {x:2}] add_size 1000`,
      `6 pci 0000:${device.address}:   bridge window [mem 0x9{x:2}00000-0x9{x:2}fffff]: assigned`,
    );
  }
  for (const device of model.pci) {
    if (device.class === '0x030000')
      lines.push(`6 pci 0000:${device.address}: Video device with shadowed ROM at [mem 0x000c0000-0x000dffff]`);
  }
  return lines;
}

const NETWORK_STACK = `
6 NET: Registered PF_INET protocol family
6 IP idents hash table entries: {pick:131072|262144} (order: {n:8-9}, {pick:1048576|2097152} bytes, linear)
6 tcp_listen_portaddr_hash hash table entries: {pick:4096|32768|65536} (order: {n:4-8}, {pick:65536|524288|1048576} bytes, linear)
6 Table-perturb hash table entries: 65536 (order: 6, 262144 bytes, linear)
6 TCP established hash table entries: {pick:65536|524288} (order: {n:7-10}, {pick:524288|4194304} bytes, linear)
6 TCP bind hash table entries: 65536 (order: 9, 2097152 bytes, linear)
6 TCP: Hash tables configured (established {pick:65536|524288} bind 65536)
6 MPTCP token hash table entries: {pick:8192|65536} (order: {n:5-8}, {pick:196608|1572864} bytes, linear)
6 UDP hash table entries: {pick:4096|32768|65536} (order: {n:6-9}, {pick:262144|2097152} bytes, linear)
6 UDP-Lite hash table entries: {pick:4096|32768|65536} (order: {n:6-9}, {pick:262144|2097152} bytes, linear)
6 NET: Registered PF_UNIX/PF_LOCAL protocol family
6 NET: Registered PF_XDP protocol family
6 pci_bus 0000:00: resource 4 [io  0x0000-0x0cf7 window]
6 pci_bus 0000:00: resource 5 [io  0x0d00-0xffff window]
6 pci_bus 0000:00: resource 6 [mem 0x000a0000-0x000bffff window]
6 pci_bus 0000:01: resource 1 [mem 0x9{x:2}00000-0x9{x:2}fffff]
6 PCI: CLS {pick:0|32|64} bytes, default 64
6 Trying to unpack rootfs image as initramfs...
6 PCI-DMA: Using software bounce buffering for IO (SWIOTLB)
6 software IO TLB: mapped [mem 0x00000000{x:3}00000-0x00000000{x:3}00000] (64MB)
`;

const POWER = `
6 RAPL PMU: API unit is 2^-32 Joules, {n:3-5} fixed counters, 655360 ms ovfl timer
6 RAPL PMU: hw unit of domain pp0-core 2^-14 Joules
6 RAPL PMU: hw unit of domain package 2^-14 Joules
6 resctrl: L3 allocation detected
6 workingset: timestamp_bits=40 max_order={n:21-26} bucket_order=0
6 squashfs: version 4.0 (2009/01/31)
6 SGI XFS with ACLs, security attributes, quota, no debug enabled
5 Key type asymmetric registered
5 Asymmetric key parser 'x509' registered
5 Key type cifs.spnego registered
5 Loading compiled-in X.509 certificates
5 Loaded X.509 cert 'Sidero Labs, Inc.: Build time throw-away kernel key: {x:40}'
5 ima: {pick:No TPM chip found, activating TPM-bypass!|Allocated hash algorithm: sha512}
5 ima: No architecture policies found
6 evm: Initialising EVM extended attributes:
6 evm: security.ima
6 evm: HMAC attrs: 0x1
6 Block layer SCSI generic (bsg) driver version 0.4 loaded (major 242)
6 io scheduler mq-deadline registered
6 io scheduler kyber registered
6 pcieport 0000:00:01.0: PME: Signaling with IRQ {n:120-126}
6 pcieport 0000:00:01.1: AER: enabled with IRQ {n:120-126}
6 shpchp: Standard Hot Plug PCI Controller Driver version: 0.4
6 input: Power Button as /devices/LNXSYSTM:00/LNXPWRBN:00/input/input0
6 ACPI: button: Power Button [PWRF]
6 ACPI: \\_SB_.PR00: Found {n:2-3} idle states
6 Serial: 8250/16550 driver, 4 ports, IRQ sharing enabled
6 00:03: ttyS0 at I/O 0x3f8 (irq = 4, base_baud = 115200) is a 16550A
6 00:04: ttyS1 at I/O 0x2f8 (irq = 3, base_baud = 115200) is a 16550A
6 hpet_acpi_add: no address or irqs in _CRS
6 tpm_tis MSFT0101:00: 2.0 TPM (device-id 0x{pick:1A|FA|0}, rev-id {n:1-22})
6 ACPI: bus type drm_connector registered
6 [drm] Initialized simpledrm 1.0.0 for simple-framebuffer.0 on minor 0
6 Console: switching to colour frame buffer device {pick:128x48|160x50|240x67}
6 simple-framebuffer simple-framebuffer.0: [drm] fb0: simpledrmdrmfb frame buffer device
`;

const BLOCK_LAYER = `
6 loop: module loaded
6 megaraid: 2.20.5.1 (Release Date: Thu Nov 16 15:32:35 EST 2006)
6 megaraid_sas: 07.734.00.00-rc1
6 mpt3sas version 52.100.00.00 loaded
6 VMware PVSCSI driver - version 1.0.7.0-k
6 nvme nvme0: {n:4-24}/0/0 default/read/poll queues
6 ahci 0000:00:17.0: AHCI vers 0001.0301, 32 command slots, 6 Gbps, SATA mode
6 ahci 0000:00:17.0: {n:1-8}/8 ports implemented (port mask 0x{x:2})
6 ahci 0000:00:17.0: flags: 64bit ncq sntf led clo only pio slum part ems deso sadm sds apst
6 scsi host0: ahci
6 scsi host1: ahci
6 scsi host2: ahci
6 ata1: SATA max UDMA/133 abar m2048@0x{x:8} port 0x{x:8} irq {n:120-140} lpm-pol 0
6 ata2: SATA max UDMA/133 abar m2048@0x{x:8} port 0x{x:8} irq {n:120-140} lpm-pol 0
6 ata3: DUMMY
6 tun: Universal TUN/TAP device driver, 1.6
6 device-mapper: core: CONFIG_IMA_DISABLE_HTABLE is disabled. Duplicate IMA measurements will not be recorded in the IMA log.
6 device-mapper: uevent: version 1.0.3
6 device-mapper: ioctl: 4.50.0-ioctl (2025-04-28) initialised
6 wireguard: WireGuard 1.0.0 loaded. See www.wireguard.com for information.
`;

const SENSORS = `
6 intel_pstate: Intel P-state driver initializing
6 intel_pstate: HWP enabled
6 EDAC MC0: Giving out device to module ie31200_edac controller IE31200: DEV 0000:00:00.0 (POLLED)
6 i2c i2c-0: Successfully instantiated SPD at 0x5{n:0-3}
6 i801_smbus 0000:00:1f.4: SMBus using PCI interrupt
6 ipmi device interface
6 ipmi_si dmi-ipmi-si.0: ipmi_platform: probing via SMBIOS
6 ipmi_si dmi-ipmi-si.0: IPMI message handler: Found new BMC (man_id: 0x00{x:4}, prod_id: 0x{x:4}, dev_id: 0x20)
6 ipmi_si dmi-ipmi-si.0: IPMI kcs interface initialized
4 mei_me 0000:00:16.0: Device doesn't have valid ME Interface
6 mei_me 0000:00:16.0: enabling device (0000 -> 0002)
6 watchdog: iTCO_wdt: cannot register miscdev on minor=130 (err=-16).
6 iTCO_wdt iTCO_wdt: initialized. heartbeat=30 sec (nowayout=0)
`;

const VIRTIO = `
6 virtio_balloon virtio{n:4-6}: registered
6 virtio_rng virtio{n:4-6}: registered as hwrng
6 virtio-fs: tag <host0> not found
6 input: VirtualPS/2 VMware VMMouse as /devices/platform/i8042/serio1/input/input{n:3-5}
6 input: QEMU QEMU USB Tablet as /devices/pci0000:00/0000:00:02.2/0000:02:00.0/usb1/1-1/1-1:1.0/0003:0627:0001.0001/input/input{n:4-6}
6 hid-generic 0003:0627:0001.0001: input,hidraw0: USB HID v0.01 Mouse [QEMU QEMU USB Tablet] on usb-0000:02:00.0-1/input0
6 i6300ESB timer 0000:06:01.0: initialized. heartbeat=30 sec (nowayout=0)
`;

const HANDOVER = `
6 NET: Registered PF_INET6 protocol family
6 Segment Routing with IPv6
6 In-situ OAM (IOAM) with IPv6
6 NET: Registered PF_PACKET protocol family
6 bridge: filtering via arp/ip/ip6tables is no longer available by default. Update your scripts to load br_netfilter if you need this.
6 8021q: 802.1Q VLAN Support v1.8
5 Key type dns_resolver registered
6 NET: Registered PF_VSOCK protocol family
6 IPVS: Registered protocols (TCP, UDP, SCTP, AH, ESP)
6 IPVS: Connection hash table configured (size=4096, memory=32Kbytes)
6 microcode: Current revision: 0x{x:8}
6 IPI shorthand broadcast: enabled
6 sched_clock: Marking stable ({n:900-3900}, {n:100-900})->({n:1000-4900}, -{n:10-99})
6 registered taskstats version 1
6 Btrfs loaded, zoned=no, fsverity=no
5 Key type .fscrypt registered
5 Key type encrypted registered
6 AppArmor: AppArmor sha256 policy hashing enabled
6 PM:   Magic number: {n:1-15}:{n:100-999}:{n:100-999}
6 clk: Disabling unused clocks
6 tsc: Refined TSC clocksource calibration: {n:2100-4200}.{n:100-999} MHz
6 clocksource: tsc: mask: 0xffffffffffffffff max_cycles: 0x{x:11}, max_idle_ns: {n:440795200000-440795399999} ns
6 clocksource: Switched to clocksource tsc
6 Freeing unused decrypted memory: 2028K
6 Freeing unused kernel image (initmem) memory: {n:3900-5200}K
6 Write protecting the kernel read-only data: {n:28672-40960}k
6 Freeing unused kernel image (text/rodata gap) memory: {n:400-1900}K
6 x86/mm: Checked W+X mappings: passed, no W+X pages found.
6 Run /init as init process
7   with arguments:
7     /init
7   with environment:
7     HOME=/
7     TERM=linux
`;

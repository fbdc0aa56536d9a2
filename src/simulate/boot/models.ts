/** A kind of computer: what of a boot's lines depends on the hardware. */
export interface HardwareModel {
  readonly name: string;
  /** As DMI shows it: maker, product, board, firmware and its date. */
  readonly dmi: string;
  readonly cpu: string;
  readonly family: string;
  readonly cpus: number;
  readonly nodes: number;
  readonly megahertz: number;
  readonly memoryMib: number;
  readonly acpiOem: string;
  readonly acpiTables: readonly string[];
  readonly virtual: boolean;
  readonly pci: readonly PciDevice[];
  readonly nics: readonly Nic[];
  readonly disks: readonly Disk[];
  readonly usb: readonly string[];
}

export interface PciDevice {
  /** Bus, device and function: `00:1f.2`. */
  readonly address: string;
  /** Vendor and device: `8086:a352`. */
  readonly id: string;
  readonly class: string;
  readonly kind: 'device' | 'bridge' | 'legacy';
  /** Sizes of its memory windows in hexadecimal digits. */
  readonly bars: readonly string[];
  readonly pme?: boolean;
}

export interface Nic {
  readonly driver: 'igb' | 'ixgbe' | 'mlx5_core' | 'virtio_net' | 'e1000e' | 'bnxt_en';
  readonly pci: string;
  readonly name: string;
  readonly speed: string;
}

export interface Disk {
  readonly kind: 'nvme' | 'sata' | 'virtio';
  readonly name: string;
  readonly model: string;
  readonly sectors: number;
  readonly partitions: number;
}

const device = (address: string, id: string, cls: string, ...bars: string[]): PciDevice => ({
  address,
  id,
  class: cls,
  kind: 'device',
  bars,
  pme: cls.startsWith('0x02') || cls.startsWith('0x0c'),
});
const bridge = (address: string, id: string): PciDevice => ({
  address,
  id,
  class: '0x060400',
  kind: 'bridge',
  bars: [],
  pme: true,
});

const COMMON_TABLES = ['FACP', 'DSDT', 'FACS', 'APIC', 'MCFG', 'HPET', 'SSDT', 'BGRT', 'FPDT'];

export const MODELS: readonly [HardwareModel, ...HardwareModel[]] = [
  {
    name: 'rack',
    dmi: 'Supermicro SYS-5019S-MR/X11SSH-F, BIOS 2.7 11/04/2022',
    cpu: 'Intel(R) Xeon(R) CPU E3-1275 v6 @ 3.80GHz',
    family: 'family: 0x6, model: 0x9e, stepping: 0x9',
    cpus: 8,
    nodes: 1,
    megahertz: 3800,
    memoryMib: 65536,
    acpiOem: 'SUPERM SMCI--MB',
    acpiTables: [...COMMON_TABLES, 'SPMI', 'DMAR', 'EINJ', 'ERST', 'BERT', 'HEST', 'UEFI', 'LPIT'],
    virtual: false,
    pci: [
      device('00:00.0', '8086:5918', '0x060000'),
      bridge('00:01.0', '8086:1901'),
      bridge('00:01.1', '8086:1905'),
      device('00:13.0', '8086:a135', '0x000000', 'fff'),
      device('00:14.0', '8086:a12f', '0x0c0330', 'ffff'),
      device('00:14.2', '8086:a131', '0x118000', 'fff'),
      device('00:16.0', '8086:a13a', '0x078000', 'fff'),
      device('00:16.1', '8086:a13b', '0x078000', 'fff'),
      device('00:17.0', '8086:a102', '0x010601', '1fff', 'ff', '7ff'),
      bridge('00:1c.0', '8086:a110'),
      bridge('00:1d.0', '8086:a118'),
      bridge('00:1d.2', '8086:a11a'),
      bridge('00:1d.3', '8086:a11b'),
      device('00:1f.0', '8086:a149', '0x060100'),
      device('00:1f.2', '8086:a121', '0x058000', '3fff'),
      device('00:1f.4', '8086:a123', '0x0c0500', 'ff'),
      device('01:00.0', '144d:a808', '0x010802', '3fff'),
      device('03:00.0', '8086:1533', '0x020000', '7ffff', '3fff'),
      device('04:00.0', '8086:1533', '0x020000', '7ffff', '3fff'),
      bridge('05:00.0', '1a03:1150'),
      device('06:00.0', '1a03:2000', '0x030000', 'ffffff', '1ffff'),
    ],
    nics: [
      { driver: 'igb', pci: '03:00.0', name: 'enp3s0', speed: '1000 Mbps' },
      { driver: 'igb', pci: '04:00.0', name: 'enp4s0', speed: '1000 Mbps' },
    ],
    disks: [
      { kind: 'nvme', name: 'nvme0n1', model: 'SAMSUNG MZVLB512HAJQ-00000', sectors: 1_000_215_216, partitions: 6 },
      { kind: 'sata', name: 'sda', model: 'ST4000NM0024-1HT', sectors: 7_814_037_168, partitions: 1 },
      { kind: 'sata', name: 'sdb', model: 'ST4000NM0024-1HT', sectors: 7_814_037_168, partitions: 1 },
    ],
    usb: ['Virtual Hub:ATEN International Co. Ltd', 'HERMON USB hidmouse Device:Winbond Electronics Corp'],
  },
  {
    name: 'epyc',
    dmi: 'Dell Inc. PowerEdge R6515/0R4CNN, BIOS 2.14.1 12/17/2023',
    cpu: 'AMD EPYC 7443P 24-Core Processor',
    family: 'family: 0x19, model: 0x1, stepping: 0x1',
    cpus: 24,
    nodes: 2,
    megahertz: 2850,
    memoryMib: 262_144,
    acpiOem: 'DELL   PE_SC3',
    acpiTables: [
      ...COMMON_TABLES,
      'SRAT',
      'SLIT',
      'CRAT',
      'CDIT',
      'IVRS',
      'EINJ',
      'HEST',
      'BERT',
      'ERST',
      'PCCT',
      'WSMT',
      'SPCR',
    ],
    virtual: false,
    pci: [
      device('00:00.0', '1022:1480', '0x060000'),
      device('00:00.2', '1022:164f', '0x080600'),
      bridge('00:01.1', '1022:1483'),
      bridge('00:03.1', '1022:1483'),
      bridge('00:03.2', '1022:1483'),
      bridge('00:07.1', '1022:1484'),
      bridge('00:08.1', '1022:1484'),
      device('00:14.0', '1022:790b', '0x0c0500'),
      device('00:14.3', '1022:790e', '0x060100'),
      device('00:18.0', '1022:1650', '0x060000'),
      device('00:18.3', '1022:1653', '0x060000'),
      device('01:00.0', '1344:51c0', '0x010802', '3fff'),
      device('02:00.0', '15b3:1017', '0x020000', '1ffffff'),
      device('02:00.1', '15b3:1017', '0x020000', '1ffffff'),
      device('03:00.0', '1022:148a', '0x130000'),
      device('04:00.3', '1022:148c', '0x0c0330', 'fffff'),
      device('05:00.0', '1022:7901', '0x010601', '7ff'),
      device('06:00.0', '14e4:165f', '0x020000', 'ffff', 'ffff'),
      device('06:00.1', '14e4:165f', '0x020000', 'ffff', 'ffff'),
      bridge('07:00.0', '1556:be00'),
      device('08:00.0', '102b:0536', '0x030000', 'ffffff', '3fff'),
    ],
    nics: [
      { driver: 'mlx5_core', pci: '02:00.0', name: 'enp2s0f0np0', speed: '25000 Mbps' },
      { driver: 'mlx5_core', pci: '02:00.1', name: 'enp2s0f1np1', speed: '25000 Mbps' },
      { driver: 'bnxt_en', pci: '06:00.0', name: 'eno8303', speed: '1000 Mbps' },
    ],
    disks: [
      { kind: 'nvme', name: 'nvme0n1', model: 'Micron_7450_MTFDKCC960TFR', sectors: 1_875_385_008, partitions: 6 },
      { kind: 'nvme', name: 'nvme1n1', model: 'Micron_7450_MTFDKCC3T8TFR', sectors: 7_501_476_528, partitions: 0 },
    ],
    usb: ['Gadget USB HUB:no manufacturer', 'iDRAC Virtual Keyboard:Dell Inc.'],
  },
  {
    name: 'virtual',
    dmi: 'QEMU Standard PC (Q35 + ICH9, 2009)/Standard PC, BIOS edk2-20240813 08/13/2024',
    cpu: 'Intel Xeon Processor (Icelake)',
    family: 'family: 0x6, model: 0x86, stepping: 0x0',
    cpus: 4,
    nodes: 1,
    megahertz: 2394,
    memoryMib: 8192,
    acpiOem: 'BOCHS  BXPC',
    acpiTables: ['FACP', 'DSDT', 'FACS', 'APIC', 'MCFG', 'HPET', 'WAET', 'BGRT'],
    virtual: true,
    pci: [
      device('00:00.0', '8086:29c0', '0x060000'),
      device('00:01.0', '1234:1111', '0x030000', 'ffffff', 'fff'),
      bridge('00:02.0', '1b36:000c'),
      bridge('00:02.1', '1b36:000c'),
      bridge('00:02.2', '1b36:000c'),
      bridge('00:02.3', '1b36:000c'),
      bridge('00:02.4', '1b36:000c'),
      bridge('00:02.5', '1b36:000c'),
      device('00:1f.0', '8086:2918', '0x060100'),
      device('00:1f.2', '8086:2922', '0x010601', '1f', 'fff'),
      device('00:1f.3', '8086:2930', '0x0c0500', '3f'),
      device('01:00.0', '1af4:1041', '0x020000', 'fff', '3fff'),
      device('02:00.0', '1b36:000d', '0x0c0330', '3fff'),
      device('03:00.0', '1af4:1043', '0x078000', 'fff', '3fff'),
      device('04:00.0', '1af4:1042', '0x010000', 'fff', '3fff'),
      device('05:00.0', '1af4:1045', '0x00ff00', '3fff'),
      device('06:00.0', '1af4:1044', '0x00ff00', '3fff'),
    ],
    nics: [{ driver: 'virtio_net', pci: '01:00.0', name: 'enp1s0', speed: '10000 Mbps' }],
    disks: [{ kind: 'virtio', name: 'vda', model: 'virtio', sectors: 41_943_040, partitions: 6 }],
    usb: ['QEMU USB Tablet:QEMU'],
  },
  {
    name: 'small',
    dmi: 'Intel(R) Client Systems NUC11TNHi5/NUC11TNBi5, BIOS TNTGL357.0067.2022.0718.1742 07/18/2022',
    cpu: '11th Gen Intel(R) Core(TM) i5-1135G7 @ 2.40GHz',
    family: 'family: 0x6, model: 0x8c, stepping: 0x1',
    cpus: 8,
    nodes: 1,
    megahertz: 2419,
    memoryMib: 32_768,
    acpiOem: 'INTEL  NUC11TN',
    acpiTables: [...COMMON_TABLES, 'LPIT', 'WSMT', 'DBGP', 'DBG2', 'NHLT', 'DMAR', 'TPM2', 'PTDT', 'FIDT', 'MSDM'],
    virtual: false,
    pci: [
      device('00:00.0', '8086:9a14', '0x060000'),
      device('00:02.0', '8086:9a49', '0x030000', 'ffffff', 'fffffff'),
      bridge('00:06.0', '8086:9a09'),
      bridge('00:07.0', '8086:9a23'),
      device('00:08.0', '8086:9a11', '0x088000', 'fff'),
      device('00:0a.0', '8086:9a0d', '0x118000', '7fff'),
      device('00:0d.0', '8086:9a13', '0x0c0330', 'ffff'),
      device('00:0d.2', '8086:9a1b', '0x0c0340', '3ffff', 'fff'),
      device('00:14.0', '8086:a0ed', '0x0c0330', 'ffff'),
      device('00:14.2', '8086:a0ef', '0x050000', '3fff', 'fff'),
      device('00:15.0', '8086:a0e8', '0x0c8000', 'fff'),
      device('00:16.0', '8086:a0e0', '0x078000', 'fff'),
      device('00:17.0', '8086:a0d3', '0x010601', '1fff', 'ff', '7ff'),
      bridge('00:1d.0', '8086:a0b0'),
      device('00:1f.0', '8086:a082', '0x060100'),
      device('00:1f.3', '8086:a0c8', '0x040380', '3fff', 'fffff'),
      device('00:1f.4', '8086:a0a3', '0x0c0500', 'ff'),
      device('00:1f.5', '8086:a0a4', '0x0c8000', 'fff'),
      device('01:00.0', '15b7:5009', '0x010802', '3fff', 'ff'),
      device('58:00.0', '8086:15f2', '0x020000', 'fffff', '3fff'),
    ],
    nics: [{ driver: 'e1000e', pci: '58:00.0', name: 'enp88s0', speed: '2500 Mbps' }],
    disks: [{ kind: 'nvme', name: 'nvme0n1', model: 'WDC WDS500G2B0C-00PXH0', sectors: 976_773_168, partitions: 6 }],
    usb: ['AX201 Bluetooth:Intel Corp.', 'USB Optical Mouse:PixArt'],
  },
];

import type { Disk, HardwareModel, Nic } from './models.ts';

/** A disk that is found, with its partitions; `index` is its number on its bus. */
export function attach(disk: Disk, index: number): string[] {
  const gigabytes = Math.round((disk.sectors * 512) / 1e9);
  const parts = Array.from(
    { length: disk.partitions },
    (_, n) => `${disk.name}${disk.kind === 'nvme' ? 'p' : ''}${n + 1}`,
  );
  const table = parts.length === 0 ? [] : [`6  ${disk.name}: ${parts.join(' ')}`];
  switch (disk.kind) {
    case 'nvme':
      return [
        `6 nvme nvme${index}: pci function 0000:0{n:1-9}:00.0`,
        `6 nvme nvme${index}: Shutdown timeout set to {n:8-20} seconds`,
        `6 nvme nvme${index}: allocated {n:32-128} MiB host memory buffer ({n:1-32} segments).`,
        ...table,
      ];
    case 'virtio':
      return [
        `6 virtio_blk virtio${index}: {n:1-8}/0/0 default/read/poll queues`,
        `5 virtio_blk virtio${index}: [${disk.name}] ${disk.sectors} 512-byte logical blocks (${gigabytes} GB/${Math.round(gigabytes / 1.074)} GiB)`,
        ...table,
      ];
    case 'sata':
      return [
        `6 ata${index}: SATA link up 6.0 Gbps (SStatus 133 SControl 300)`,
        `6 ata${index}.00: ATA-{n:8-11}: ${disk.model}, SN0{n:1-9}, max UDMA/133`,
        `6 ata${index}.00: ${disk.sectors} sectors, multi 16: LBA48 NCQ (depth 32), AA`,
        `6 ata${index}.00: configured for UDMA/133`,
        `5 scsi ${index}:0:0:0: Direct-Access     ATA      ${disk.model.padEnd(16)} SN0{n:1-9} PQ: 0 ANSI: 5`,
        `5 sd ${index}:0:0:0: [${disk.name}] ${disk.sectors} 512-byte logical blocks: (${gigabytes} GB)`,
        `5 sd ${index}:0:0:0: [${disk.name}] 4096-byte physical blocks`,
        `5 sd ${index}:0:0:0: [${disk.name}] Write Protect is off`,
        `7 sd ${index}:0:0:0: [${disk.name}] Mode Sense: 00 3a 00 00`,
        `5 sd ${index}:0:0:0: [${disk.name}] Write cache: enabled, read cache: enabled, doesn't support DPO or FUA`,
        ...table,
        `5 sd ${index}:0:0:0: [${disk.name}] Attached SCSI disk`,
      ];
  }
}

/** The USB controller and what is plugged into it. */
export function usb(model: HardwareModel): string[] {
  const lines = [
    '6 xhci_hcd 0000:00:14.0: xHCI Host Controller',
    '6 xhci_hcd 0000:00:14.0: new USB bus registered, assigned bus number 1',
    '6 xhci_hcd 0000:00:14.0: hcc params 0x200077c1 hci version 0x100 quirks 0x00000000{x:8}',
    '6 xhci_hcd 0000:00:14.0: Host supports USB 3.{n:0-2} {pick:SuperSpeed|Enhanced SuperSpeed}',
    '6 usb usb1: New USB device found, idVendor=1d6b, idProduct=0002, bcdDevice= 6.{n:10-18}',
    '6 usb usb1: Product: xHCI Host Controller',
    '6 hub 1-0:1.0: USB hub found',
    '6 hub 1-0:1.0: {n:4-16} ports detected',
    '6 hub 2-0:1.0: {n:2-10} ports detected',
    '6 usbcore: registered new interface driver usb-storage',
    '6 i8042: PNP: No PS/2 controller found.',
    '6 rtc_cmos 00:02: RTC can wake from S4',
    '6 rtc_cmos 00:02: registered as rtc0',
    '6 rtc_cmos 00:02: alarms up to one {pick:day|month}, y3k, 114 bytes nvram',
  ];
  model.usb.forEach((names, index) => {
    const [product = '', maker = ''] = names.split(':');
    lines.push(
      `6 usb 1-${index + 1}: new {pick:high|full|low}-speed USB device number ${index + 2} using xhci_hcd`,
      `6 usb 1-${index + 1}: New USB device found, idVendor={x:4}, idProduct={x:4}, bcdDevice= {n:0-9}.{n:10-99}`,
      `6 usb 1-${index + 1}: New USB device strings: Mfr=1, Product=2, SerialNumber={n:0-3}`,
      `6 usb 1-${index + 1}: Product: ${product}`,
      `6 usb 1-${index + 1}: Manufacturer: ${maker}`,
    );
  });
  return lines;
}

/** A network card that is found and renamed. */
export function probe(nic: Nic, index: number): string[] {
  const at = `0000:${nic.pci}`;
  const uevent = `\n SUBSYSTEM=pci\n DEVICE=+pci:${at}`;
  switch (nic.driver) {
    case 'igb':
    case 'e1000e':
      return [
        `6 ${nic.driver} ${at}: added PHC on eth${index}${uevent}`,
        `6 ${nic.driver} ${at}: Intel(R) Gigabit Ethernet Network Connection${uevent}`,
        `6 ${nic.driver} ${at}: eth${index}: (PCIe:2.5Gb/s:Width x1) {mac:${index}}${uevent}`,
        `6 ${nic.driver} ${at}: eth${index}: PBA No: {serial:6}-0{n:10-99}${uevent}`,
        `6 ${nic.driver} ${at}: Using MSI-X interrupts. {n:4-8} rx queue(s), {n:4-8} tx queue(s)${uevent}`,
        `6 ${nic.driver} ${at} ${nic.name}: renamed from eth${index}${uevent}`,
      ];
    case 'mlx5_core':
      return [
        `6 mlx5_core ${at}: enabling device (0000 -> 0002)${uevent}`,
        `6 mlx5_core ${at}: firmware version: 16.{n:30-35}.{n:1000-2999}${uevent}`,
        `6 mlx5_core ${at}: {n:63-126}.{n:100-999} Gb/s available PCIe bandwidth ({n:8-16}.0 GT/s PCIe x{pick:8|16} link)${uevent}`,
        `6 mlx5_core ${at}: Rate limit: 127 rates are supported, range: 0Mbps to 24414Mbps${uevent}`,
        `6 mlx5_core ${at}: Port module event: module ${index}, Cable plugged${uevent}`,
        `6 mlx5_core ${at}: MLX5E: StrdRq(1) RqSz(8) StrdSz(2048) RxCqeCmprss(0 basic)${uevent}`,
        `6 mlx5_core ${at} ${nic.name}: renamed from eth${index}${uevent}`,
      ];
    case 'bnxt_en':
    case 'ixgbe':
      return [
        `6 ${nic.driver} ${at} eth${index}: network controller found at mem {x:8}, node addr {mac:${index}}${uevent}`,
        `6 ${nic.driver} ${at}: {n:7-31}.{n:100-999} Gb/s available PCIe bandwidth (5.0 GT/s PCIe x{pick:2|8} link)${uevent}`,
        `6 ${nic.driver} ${at} ${nic.name}: renamed from eth${index}${uevent}`,
      ];
    case 'virtio_net':
      return [
        `6 virtio_net virtio${index + 3} ${nic.name}: renamed from eth${index}\n SUBSYSTEM=virtio\n DEVICE=+virtio:virtio${index + 3}`,
      ];
  }
}

import { Gateway } from './gateway.ts';
import { Guest } from './guest.ts';
import { Nginx, type NginxOptions } from './nginx.ts';

const ADDRESS = '192.0.2.1';

/** A gateway whose API is for the nginx in front of it alone, as docs/how-to/network.md has it. */
export class NginxGateway extends Gateway {
  readonly #started: Nginx[] = [];

  async startBehindProxy(): Promise<void> {
    await this.start({ 'api.listen': '"127.0.0.1:8081"', 'api.url': `"https://${ADDRESS}:443"` });
    await this.kernelArguments();
  }

  async nginx(options: NginxOptions = {}): Promise<Nginx> {
    const nginx = new Nginx(this, ADDRESS, options);
    this.#started.push(nginx);
    return await nginx.start();
  }

  /** A machine that asks for the tunnel and gets no UDP through, powered off. */
  async tcpOnly(nginx: Nginx, { token = this.token }: { readonly token?: string } = {}): Promise<Guest> {
    const { args } = await this.client.kernelArgs({ token, tunnel: true });
    const kernelArguments = args.join(' ').replace(':443', `:${nginx.port}`);
    const guest = await Guest.create(this, { kernelArguments, ca: nginx.ca });
    await guest.machine.setOutage('udp');
    return guest;
  }

  /** Lines of the machine that are stored and have this text. */
  async lines(guest: Guest, text: string): Promise<number> {
    return (await this.records({ machine: guest.uuid, filter: ['*.*.*.kmsg.>'], grep: text })).length;
  }

  async lineArrives(guest: Guest, text: string): Promise<void> {
    await guest.machine.log(text);
    await this.until(`"${text}" is stored`, async () => (await this.lines(guest, text)) > 0);
  }

  /** How many streams were opened since the daemon was started. */
  async opened(): Promise<number> {
    return (await this.metrics()).get('siderolinkd_tunnel_opened_total') ?? 0;
  }

  /** How many there are now. */
  async streams(): Promise<number> {
    return (await this.metrics()).get('siderolinkd_tunnel_streams') ?? 0;
  }

  /** Its workers would outlive a master that is only killed. */
  override async dispose(): Promise<void> {
    await Promise.all(this.#started.map((nginx) => nginx.stop()));
    await super.dispose();
  }
}

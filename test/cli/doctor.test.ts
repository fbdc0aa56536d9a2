import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Harness, startControl } from '../control/harness.ts';
import { ctl, ctlHere } from './harness.ts';

let control: Harness;
let directory: string;
let config: string;
beforeAll(async () => {
  control = await startControl();
  directory = await mkdtemp(join(tmpdir(), 'siderolink-doctor-cli-'));
  config = join(directory, 'config.yaml');
  await writeFile(config, `state_dir: ${directory}/state\n`);
});
afterAll(async () => {
  await control[Symbol.asyncDispose]();
  await rm(directory, { recursive: true });
});

describe('doctor', () => {
  it('asks the daemon of --socket, and reads the configuration of --config', async () => {
    const { out, code } = await ctl(control.socket, 'doctor', '--config', config, '-o', 'json');
    const { checks, errors } = JSON.parse(out);
    expect(code).toBe(errors === 0 ? 0 : 1);
    expect(checks).toContainEqual(
      expect.objectContaining({ name: 'configuration', message: `${config} has no mistake` }),
    );
    expect(checks).toContainEqual(expect.objectContaining({ name: 'daemon', severity: 'ok' }));
  });

  it('ends with 1 when there is an error, and says what to do', async () => {
    await writeFile(config, 'state_dir: /x\nstate_dri: /y\n');
    const { code, out, err } = await ctl('/nonexistent.sock', 'doctor', '--config', config);
    expect([code, err]).toEqual([1, '']);
    expect(out).toMatch(/^error +configuration .*state_dri/ms);
    expect(out).toMatch(/^error +daemon +nobody answers on \/nonexistent\.sock/m);
    expect(out).toMatch(/^ +to do: /m);
  });

  it('looks at no other host', async () => {
    const { code, err } = await ctlHere(control.socket, ['--url', 'https://192.0.2.1:1', 'doctor']);
    expect(code).toBe(2);
    expect(err).toMatch(/the host that it runs on/);
  });
});

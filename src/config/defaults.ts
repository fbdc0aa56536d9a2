import { join } from 'node:path';
import { type Config, type ConfigInput, configSchema } from './schema.ts';
import { deepFreeze } from './tree.ts';

/** What holds where nothing is configured. */
export function defaultConfig(): Config {
  return deepFreeze(configSchema.parse({}));
}

/** What a daemon without any configuration, and perhaps without root's directories, keeps under one directory. */
export function zeroConfig(stateDir: string): ConfigInput {
  return { state_dir: stateDir, control: { socket: join(stateDir, 'control.sock') } };
}

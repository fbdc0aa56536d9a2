import type { Config } from '../config/config.ts';
import { SiderolinkError } from '../domain/errors.ts';

/** Settings that this version reads and does not act on: whoever sets one relies on it, so it is refused. */
const NOT_THERE_YET: readonly { readonly path: string; readonly isSet: (config: Config) => boolean }[] = [
  { path: 'join.tunnel: force', isSet: ({ join }) => join.tunnel === 'force' },
];

/** @throws SiderolinkError `configuration`, naming all of them */
export function refuseNotThereYet(config: Config): void {
  const found = NOT_THERE_YET.filter(({ isSet }) => isSet(config)).map(({ path }) => path);
  if (found.length === 0) return;
  throw new SiderolinkError(
    'configuration',
    `this version does not have what these settings ask for; remove them:\n${found.map((path) => `  ${path}`).join('\n')}`,
  );
}

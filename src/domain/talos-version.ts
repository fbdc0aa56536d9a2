/** What decides between Talos versions; pre-releases count as their release. */
export interface TalosVersion {
  readonly major: number;
  readonly minor: number;
}

const VERSION = /^v?(\d{1,4})\.(\d{1,4})(?:\.\d{1,6})?(?:[-+.][0-9A-Za-z.+-]*)?$/;

/** `v1.13.0`, `v1.14.0-beta.1`, `v1.9.0-alpha.0-12-gabcdef0-dirty`; undefined for anything else. */
export function parseTalosVersion(text: string): TalosVersion | undefined {
  const [, major, minor] = VERSION.exec(text) ?? [];
  return major === undefined || minor === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

export function isOlderThan(version: TalosVersion, major: number, minor: number): boolean {
  return version.major < major || (version.major === major && version.minor < minor);
}

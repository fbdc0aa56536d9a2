/**
 * Every health condition by its name: a part of the daemon, then what of it, in small letters with underscores. Alerts and
 * scripts go by these names (docs/reference/conditions.md), so one that is there stays.
 */
export const CONDITIONS = [
  'store',
  'store_space',
  'store_damaged',
  'store_wal',
  'store_packing',
  'store_clearing',
  'store_retention',
  'store_clock',
  'wireguard',
  'wireguard_links',
  'overlay_allow_group',
  'endpoint',
  'api_plaintext',
  'api_certificate',
  'control_certificate',
  'control_tokens',
  'nats',
  'nats_stream',
] as const;

export type ConditionName = (typeof CONDITIONS)[number];

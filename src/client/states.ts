/** What machines and links may be, without the schemas: with those a command takes nearly twice as long to start. */
export { MACHINE_STATES } from '../domain/join-types.ts';

export const LINK_STATES = ['up', 'down', 'never'] as const;

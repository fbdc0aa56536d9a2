import { connect } from 'node:net';

/** Sends something to an address that makes a living machine answer; the returned function ends it. */
export type Knock = (address: string, port: number) => () => void;

/** Begins a TCP connection and drops it whatever comes: its answer is read off the peer's rx counter. */
export const tcpKnock: Knock = (address, port) => {
  const socket = connect({ host: address, port, family: 6 });
  socket.on('error', () => socket.destroy());
  socket.on('connect', () => socket.destroy());
  return () => void socket.destroy();
};

import { ConnectionFault } from './header-blocks.ts';
import {
  FLOW_CONTROL_ERROR,
  FRAME_SIZE_ERROR,
  MAX_FRAME_BYTES,
  MAX_WINDOW,
  PROTOCOL_ERROR,
  SETTING_ENABLE_PUSH,
  SETTING_INITIAL_WINDOW_SIZE,
  SETTING_MAX_FRAME_SIZE,
} from './protocol.ts';

const SETTING_BYTES = 6;
const MAX_FRAME_SIZE = 2 ** 24 - 1;

/**
 * Looks through what a peer sets (RFC 9113 section 6.5.2). All that matters to us is the window of its streams: our
 * headers need no table, and our frames are of the size that everybody takes.
 * @returns the window, if it is set
 * @throws ConnectionFault
 */
export function readSettings(bytes: Buffer, start: number, end: number): number | undefined {
  if ((end - start) % SETTING_BYTES !== 0) throw new ConnectionFault(FRAME_SIZE_ERROR, 'settings that are cut off');
  let window: number | undefined;
  for (let at = start; at < end; at += SETTING_BYTES) {
    const value = bytes.readUInt32BE(at + 2);
    switch (bytes.readUInt16BE(at)) {
      case SETTING_ENABLE_PUSH:
        if (value > 1) throw new ConnectionFault(PROTOCOL_ERROR, 'neither push nor no push');
        break;
      case SETTING_INITIAL_WINDOW_SIZE:
        if (value > MAX_WINDOW) throw new ConnectionFault(FLOW_CONTROL_ERROR, 'a window that is too large');
        window = value;
        break;
      case SETTING_MAX_FRAME_SIZE:
        if (value < MAX_FRAME_BYTES || value > MAX_FRAME_SIZE) {
          throw new ConnectionFault(PROTOCOL_ERROR, 'frames of no allowed size');
        }
        break;
    }
  }
  return window;
}

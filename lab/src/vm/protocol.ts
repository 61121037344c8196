import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import type { Duplex } from 'node:stream';
import { createInterface } from 'node:readline';

/** A connection of the host's is one command; it ends with it. `data` is base64. One JSON object a line. */
export type GuestRequest =
  /** Always the first message. `token` authenticates the host. */
  | { type: 'run'; token: string; command: string[]; cwd: string; env: Record<string, string> }
  | { type: 'input'; data: string }
  | { type: 'endInput' }
  | { type: 'signal'; signal: NodeJS.Signals };

/** Messages from the guest. `exit` or `error` is the last one. */
export type Reply =
  | { type: 'output'; stream: 'stdout' | 'stderr'; data: string }
  | { type: 'exit'; code: number | null; signal: NodeJS.Signals | null }
  | { type: 'error'; message: string };

export function send(socket: Duplex, message: GuestRequest | Reply): boolean {
  return socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `take` for every message, in order. Socket errors are ignored here: the socket reports them itself. */
export function receive(socket: Duplex, take: (message: never) => void): void {
  createInterface({ input: socket })
    .on('line', (line) => take(JSON.parse(line) as never))
    .on('error', () => {});
}

/** The port and the token of a guest, in a file that only root can read on the host and in the guest. */
export type Control = {
  /** Port of the host's loopback that leads into the guest. */
  port: number;
  token: string;
};

export function writeControl(path: string, port: number): Control {
  const control = { port, token: randomBytes(24).toString('base64url') };
  writeFileSync(path, JSON.stringify(control), { mode: 0o600 });
  return control;
}

export const readControl = (path: string): Control => JSON.parse(readFileSync(path, 'utf8')) as Control;

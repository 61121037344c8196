import type { Duplex } from 'node:stream';
import { createInterface } from 'node:readline';

/** What the host asks of the agent in the guest, one JSON object a line. */
export type Request =
  | { id: number; type: 'run'; command: string[]; cwd: string; env: Record<string, string>; input: string }
  | { id: number; type: 'kill' };

/** What the agent says; `data` is base64. `hello` is its first word and proves that it is ours. */
export type Reply =
  | { type: 'hello'; token: string }
  | { id: number; type: 'output'; stream: 'stdout' | 'stderr'; data: string }
  | { id: number; type: 'exit'; code: number | null; signal: string | null }
  | { id: number; type: 'error'; message: string };

export function send(socket: Duplex, message: Request | Reply): void {
  socket.write(`${JSON.stringify(message)}\n`);
}

/** Calls `take` for every message, in order. */
export function receive(socket: Duplex, take: (message: never) => void): void {
  createInterface({ input: socket }).on('line', (line) => take(JSON.parse(line) as never));
}

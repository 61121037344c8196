import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { slowness } from './slowness.ts';

/** `lost`: echoes that never came while later ones did. */
export type Pinged = { sent: number; received: number; lost: number };

/** Pings that run until they are stopped. */
export type Ping = {
  /** Resolves with the first echo that came back. */
  answered: Promise<void>;
  stop(): Promise<Pinged>;
};

/** At least 100 echoes a second from a netns (fewer where all is slow), each counted; those that are still on their way at the end count as not sent. */
export function ping(netns: string, target: string): Ping {
  const child = spawn('ip', ['netns', 'exec', netns, 'ping', '-n', '-i', String(0.005 * slowness), target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const seen = new Set<number>();
  const { promise: answered, resolve } = Promise.withResolvers<void>();
  createInterface({ input: child.stdout }).on('line', (line) => {
    const [, sequence] = /icmp_seq=(\d+) .*time=/.exec(line) ?? [];
    if (sequence === undefined) return;
    seen.add(Number(sequence));
    resolve();
  });
  const closed = once(child, 'close');
  return {
    answered,
    async stop() {
      child.kill('SIGINT');
      await closed;
      const sent = Math.max(0, ...seen);
      return { sent, received: seen.size, lost: sent - seen.size };
    },
  };
}

/** How long a stream of many events takes to open, beside a consumer that reads the same window and does nothing with it. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { startNats } from '@ifactor/common/testing';
import type { PageAnswer, Told } from '@ifactor/cli/inspector';
import { WebSocket } from 'ws';
import { child } from './layer.ts';
import { natsProgram } from './natsProgram.ts';
import { end, own } from './processes.ts';

const program = resolve(import.meta.dirname, '../../lab/cli/src/main.ts');
/** As many as the inspector holds at first. */
const held = 10_000;

/** Milliseconds from the start of the program, and bytes of memory at most. */
type Opened = { took: number; peak: number };
export type WindowResult = {
  events: number;
  bytes: number;
  filled: number;
  opened: Readonly<Record<string, Opened>>;
  /** From a question about one interface to the page's answer, which waits a while for its whole history. */
  detail: number;
};

type WindowOptions = { folder: string; events: number; url?: string; progress: (what: string) => void };

/** @param options `url`: of a server that is filled already */
export async function measureWindow({ folder, events, url, progress }: WindowOptions): Promise<WindowResult> {
  const nats = url === undefined ? await startNats({ folder, program: await natsProgram() }) : undefined;
  const address = url ?? nats?.url ?? '';
  try {
    progress(`a stream of ${events} events`);
    const stored = nats
      ? await child<{ bytes: number; tookMs: number }>('fillStream', [address, String(events), '20', '500'])
      : { bytes: 0, tookMs: 0 };
    const opened: Record<string, Opened> = {};
    const measure = async (name: string, run: () => Promise<Opened>): Promise<void> => {
      progress(name);
      opened[name] = await run();
    };
    const consumer = (...args: string[]) =>
      finished([fileURLToPath(new URL('layer/rawWindow.ts', import.meta.url)), address, String(held), ...args]);
    await measure('a consumer of the same window', () => consumer());
    let detail = 0;
    await measure('ifactor ui', async () => {
      const { took, peak, answered } = await inspector(address, events);
      detail = answered;
      return { took, peak };
    });
    const list = (...args: string[]) => finished([program, 'events', '--nats', address, ...args]);
    await measure(`ifactor events --last ${held}`, () => list('--last', String(held)));
    await measure('ifactor events --last 100 --type DriftObserved', () =>
      list('--last', '100', '--type', 'DriftObserved'),
    );
    await measure('a consumer of one interface', () => consumer('ifactor.event.n3.netlinkinterface.default.br7.>'));
    await measure('ifactor events nl/br7 --node n3', () => list('nl/br7', '--node', 'n3'));
    return { events, bytes: stored.bytes, filled: stored.tookMs, opened, detail };
  } finally {
    await nats?.stop();
  }
}

/** A program until it ends. */
async function finished(args: string[]): Promise<Opened> {
  const begun = performance.now();
  const running = own(spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] }));
  let peak = 0;
  // What it prints last is printed when it holds most.
  running.stdout.on('data', () => (peak = Math.max(peak, peakOf(running.pid))));
  const [code] = (await once(running, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${args.join(' ')} ended with ${code}`);
  return { took: performance.now() - begun, peak };
}

/** The inspector until a page that comes at once has been told of the last event, and of one interface in full. */
async function inspector(address: string, events: number): Promise<Opened & { answered: number }> {
  const begun = performance.now();
  const running = own(
    spawn(process.execPath, [program, 'ui', '--lazy', '--nats', address], { stdio: ['ignore', 'pipe', 'inherit'] }),
  );
  try {
    const [line] = (await once(createInterface(running.stdout), 'line')) as [string];
    const page = new URL(line);
    const socket = new WebSocket(`ws://${page.host}/socket${page.search}`);
    const { promise, resolve: tell } = Promise.withResolvers<void>();
    const { promise: answer, resolve: hear } = Promise.withResolvers<void>();
    socket.on('message', (data) => {
      const message = JSON.parse((data as Buffer).toString()) as Told | PageAnswer;
      if ('id' in message) hear();
      else if (message.tell === 'moment' && message.moment.total >= events) tell();
    });
    await promise;
    const took = performance.now() - begun;
    const peak = peakOf(running.pid);
    const asked = performance.now();
    const request = { actor: 'n3 netlinkinterface/default/br7', at: null };
    socket.send(JSON.stringify({ id: 1, ask: 'actor', request }));
    await answer;
    socket.terminate();
    return { took, peak, answered: performance.now() - asked };
  } finally {
    await end(running);
  }
}

function peakOf(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  } catch {
    return 0;
  }
}

export function windowText({ events, bytes, filled, opened, detail }: WindowResult): string {
  // Each beside the consumer above it.
  let base = 1;
  return [
    `stream    ${events.toLocaleString('en')} events of 10,000 interfaces${bytes > 0 ? `, ${(bytes / 1e6).toFixed(0)} MB, stored in ${(filled / 1000).toFixed(0)} s` : ''}`,
    ...Object.entries(opened).map(([name, { took, peak }]) => {
      if (name.startsWith('a consumer')) base = took;
      return `  ${name.padEnd(48)} ${took.toFixed(0).padStart(6)} ms  ${(took / base).toFixed(1).padStart(5)} ×  ${(peak / 1e6).toFixed(0).padStart(5)} MB`;
    }),
    `  ${'the answer of the page about one interface'.padEnd(48)} ${detail.toFixed(0).padStart(6)} ms`,
  ].join('\n');
}

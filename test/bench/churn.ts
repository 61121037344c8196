/** What many interfaces and a time of churn cost nats-server and the bridge. */
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { startNats } from '@ifactor/common/testing';
import type { NatsServer } from '@ifactor/common/testing';
import { fleetNodes } from './fleet.ts';
import { child } from './layer.ts';
import type { BridgeCost } from './layer/churnBridge.ts';
import { natsProgram } from './natsProgram.ts';

/** An interface has an event a day, and of three events one changes its status; of a hundred, one is replaced each day. */
const eventsADay = 1;
const statusesAnEvent = 1 / 3;
const replacedADay = 1 / 100;

type Server = { memory: number; disk: number };
export type ChurnResult = {
  interfaces: number;
  days: number;
  events: number;
  empty: Server;
  full: Server;
  /** Milliseconds from its start until the server is ready, and its memory then. */
  restarts: Readonly<Record<string, { took: number; memory: number }>>;
  /** Milliseconds of a consumer of every last message, which does nothing with it. */
  consumer: number;
  bridge: BridgeCost;
};

export type ChurnOptions = { folder: string; interfaces: number; days: number; progress: (what: string) => void };

export async function measureChurn({ folder, interfaces, days, progress }: ChurnOptions): Promise<ChurnResult> {
  const nats = await startNats({ folder, program: await natsProgram() });
  try {
    const empty = costOf(nats);
    const events = Math.round(interfaces * days * eventsADay);
    progress(`${events} events`);
    const nodes = fleetNodes.length;
    await child('fillStream', [nats.url, String(events), String(nodes), String(Math.ceil(interfaces / nodes))]);
    const statuses = Math.max(1, Math.round(days * eventsADay * statusesAnEvent));
    progress(`${statuses} statuses of each interface, and what was replaced`);
    const replaced = Math.round(interfaces * days * replacedADay);
    await child('fillChurn', [nats.url, String(interfaces), String(statuses), String(replaced)]);
    progress('a bridge publishes them, the next one starts');
    const bridge = await child<BridgeCost>('churnBridge', [nats.url, String(interfaces)], {
      flags: ['--expose-gc', '--max-old-space-size=16384'],
    });
    const full = costOf(nats);
    const restarts: Record<string, { took: number; memory: number }> = {};
    for (const [how, signal] of [
      ['after SIGTERM', 'SIGTERM'],
      ['after SIGKILL', 'SIGKILL'],
    ] as const) {
      progress(`the server starts again ${how}`);
      await nats.kill(signal);
      const begun = performance.now();
      await nats.start();
      restarts[how] = { took: performance.now() - begun, memory: costOf(nats).memory };
    }
    progress('a consumer of every last message');
    const { tookMs: consumer } = await child<{ tookMs: number }>('rawLast', [nats.url]);
    return { interfaces, days, events, empty, full, restarts, consumer, bridge };
  } finally {
    await nats.stop();
  }
}

function costOf({ pid, store }: NatsServer): Server {
  const memory = Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) * 1024;
  return { memory, disk: sizeOf(store) };
}

const sizeOf = (folder: string): number =>
  existsSync(folder)
    ? readdirSync(folder, { withFileTypes: true }).reduce((sum, entry) => {
        const path = join(folder, entry.name);
        return sum + (entry.isDirectory() ? sizeOf(path) : statSync(path).size);
      }, 0)
    : 0;

const mb = (bytes: number): string => `${(bytes / 1e6).toFixed(0)} MB`.padStart(9);
const ms = (value: number): string => `${value.toFixed(0)} ms`.padStart(9);

export function churnText({ interfaces, days, events, empty, full, restarts, consumer, bridge }: ChurnResult): string {
  return [
    `${interfaces.toLocaleString('en')} interfaces, ${days} days of churn: ${events.toLocaleString('en')} events`,
    `nats-server, empty                         ${mb(empty.memory)} of memory ${mb(empty.disk)} on disk`,
    `nats-server, with all of it                ${mb(full.memory)} of memory ${mb(full.disk)} on disk`,
    ...Object.entries(restarts).map(
      ([how, { took, memory }]) => `  ready again ${how.padEnd(28)} ${ms(took)}, ${mb(memory).trim()} of memory`,
    ),
    `bridge, until all is published             ${ms(bridge.published)}`,
    `bridge that finds it published, until ready${ms(bridge.ready)}  ${(bridge.ready / consumer).toFixed(1)} ×`,
    `  a consumer of every last message         ${ms(consumer)}  1.0 ×`,
    `  heap of the bridge at rest               ${mb(bridge.heap)}, ${(bridge.heap / interfaces / 1000).toFixed(1)} kB an interface`,
    `  writes to the API server, both together  ${String(bridge.writes).padStart(9)}`,
  ].join('\n');
}

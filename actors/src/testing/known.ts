import { isDeepStrictEqual } from 'node:util';
import type { InterfaceEvent, InterfaceSpec, Key } from '@ifactor/crds';
import { initialContext } from '../interface/machine/context.ts';
import type { Context } from '../interface/machine/context.ts';
import { evolve } from '../interface/machine/evolve.ts';
import { bridgeKey, bridgeLink, bridgeSpec, seen, timeAt } from './given.ts';
import type { Given } from './given.ts';
import { rulesFor } from './rules.ts';

/* What an actor knows, spelled out: what tests of single steps of the machine are given. */

/** An actor that knows this and nothing else. */
export const knowing = (more: Partial<Context> = {}, key: Key = bridgeKey): Context => ({
  ...initialContext(key),
  ...more,
});

/** `bridgeSpec` as its schema reads it. `more`: fields that differ. */
export const bridgeAs = (more: object = {}): InterfaceSpec => rulesFor(bridgeKey, { ...bridgeSpec, ...more }).spec;

/** What an actor knows of its object at a generation, as `declared` tells it. */
export const desiredAt = (generation: number): NonNullable<Context['desired']> => ({
  uid: 'u1',
  generation,
  resourceVersion: String(generation),
  creationTimestamp: timeAt(0),
});

export const idle: Context['asked'] = { secrets: false, places: false, observe: false };
export const busy: Context['asked'] = { secrets: true, places: true, observe: true };

/** An actor that knows something of everything: what is reset shows. */
export const full: Context = knowing({
  desired: desiredAt(1),
  spec: bridgeAs(),
  secrets: { privateKey: 'f1' },
  missing: { psk: 'SecretNotFound' },
  places: { target: { netns: '42' } },
  taken: { target: { name: 'br0', by: 'older' } },
  observed: seen(bridgeLink),
  addressCheck: 'over',
  endpoints: { p1: 'a:1' },
  resolved: { p1: '192.0.2.1:1' },
  unresolved: { p2: 'b:2' },
  macs: { mac: 'm1' },
  birth: '42',
  listenPort: 4242,
  failure: { code: 'Refused', errno: 'EPERM', text: 'no', module: null, until: timeAt(1000) },
  attempts: 3,
  stuck: 2,
  fight: { times: 2, last: timeAt(0) },
  drifts: [{ time: timeAt(0), fields: 'mtu' }],
  settled: true,
  asked: busy,
  running: 'round-4',
  round: 4,
  verdict: { state: 'configured', finding: 'operationsDone', reason: 'Configured' },
  ready: { status: 'True', since: timeAt(0) },
});
/** The same with nothing in flight. */
export const rest: Context = { ...full, running: null, asked: idle, failure: null };

/** The event at a time in milliseconds; by default 0. */
export const eventOf = ([type, data, milliseconds = 0]: Given): InterfaceEvent =>
  ({ type, data, time: timeAt(milliseconds) }) as InterfaceEvent;

/** Fields of a context that changed, with their values now; one that is gone is undefined. */
export type News = Partial<Record<keyof Context, unknown>>;

export function newsOf(before: Context, after: Context): News {
  const names = new Set([...Object.keys(before), ...Object.keys(after)]) as Set<keyof Context>;
  return Object.fromEntries(
    [...names]
      .filter((name) => name in before !== name in after || !isDeepStrictEqual(before[name], after[name]))
      .map((name) => [name, after[name]]),
  );
}

/** What an event changes in what is known. */
export const newsAfter = (before: Context, given: Given): News => newsOf(before, evolve(before, eventOf(given)));

/** Random event sequences for actors, with every fact that an agent could send, likely or not. The same seed gives the same sequence. */
import type { InterfaceEvent, Key, Observed, ObservedLink, Operation } from '@ifactor/crds';
import { markOf } from '../interface/kind/index.ts';
import type { Context } from '../interface/machine/context.ts';
import { fold, initial } from '../interface/machine/fold.ts';
import type { Snapshot } from '../interface/machine/fold.ts';
import type { Fact } from '../node/runner/actor.ts';

/** One event of a life, and what it made of the actor. */
export type WalkStep = { event: InterfaceEvent; before: Snapshot; after: Snapshot; operations: readonly Operation[] };

type Pick = <T>(list: readonly T[]) => T;
type Known<K extends keyof Context> = { [N in K]: Context[N] };

/** A generator of numbers below 1 (mulberry32). */
function numbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4_294_967_296;
  };
}

const address = { family: 'inet', local: '10.0.0.1', peer: null, prefixlen: 24, noPrefixRoute: false } as const;
const linkOf = (key: Key, kind: string): ObservedLink => ({
  index: 3,
  name: 'x0',
  kind,
  up: true,
  mtu: 1400,
  alias: markOf(key),
  addrGenMode: 'none',
  addresses: [address],
  slaves: [],
});

const bridge = { node: 'n1', interfaceName: 'x0', type: 'bridge', up: true, mtu: 1400 };
const addresses = [{ ipcidr: '10.0.0.1/24' }];
const vlan = { node: 'n1', interfaceName: 'x0', type: 'vlan', up: true, mtu: 1400, addresses };
const tunnel = {
  node: 'n1',
  interfaceName: 'x0',
  mtu: 1400,
  addresses: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }],
};
const docker = { docker: { name: 'box' } };

const specs: { [kind: string]: readonly object[] } = {
  netlinkinterface: [
    { ...bridge, addresses },
    { ...bridge, addresses, mtu: 1300 },
    { ...bridge, addresses, container: docker },
    { ...bridge, addresses, container: docker, confirm: { timeoutSeconds: 10 }, bridge: { slaves: ['s0'] } },
    { ...bridge, addresses, bridge: { slaves: ['s0'] } },
    { ...bridge, addresses, bridge: { slaves: ['x0'] } },
    { ...bridge, addresses, confirm: { timeoutSeconds: 10 } },
    { ...bridge, addresses, mtu: 5 },
    { ...vlan, vlan: { dev: 's0', id: 5 } },
    { ...bridge, addresses, mode: 'Observe' },
    { ...bridge, addresses, confirm: { timeoutSeconds: 10 }, mode: 'Observe' },
    { ...bridge, addresses, container: docker, mode: 'Observe' },
    { ...bridge, addresses, mode: 'Paused' },
  ],
  wireguardinterface: [
    { ...tunnel, moveToContainer: false },
    { ...tunnel, moveToContainer: true, container: docker },
    { ...tunnel, moveToContainer: true, container: docker, confirm: { timeoutSeconds: 10 } },
    { ...tunnel, moveToContainer: false, listenPort: 51_820 },
    { ...tunnel, moveToContainer: false, interfaceName: '' },
    { ...tunnel, moveToContainer: false, mode: 'Observe' },
    { ...tunnel, moveToContainer: true, container: docker, mode: 'Observe' },
  ],
};

function observedBy({ key, spec }: Known<'key' | 'spec'>, pick: Pick): Observed {
  const wireguard = key.kind === 'wireguardinterface';
  const type = spec !== null && 'type' in spec ? spec.type : 'bridge';
  const there = pick([true, true, true, false]);
  const whole = { ...linkOf(key, wireguard ? 'wireguard' : type), slaves: there ? pick([['s0'], []]) : [] };
  const device = { publicKey: 'key-1', listenPort: 51_820, fwmark: 0, peers: [] };
  const special = { vlan: { dev: 's0', id: 5, protocol: '802.1Q' as const } };
  const link: ObservedLink = { ...whole, ...(wireguard ? { wireguard: device } : type === 'vlan' ? special : {}) };
  const found = (): ObservedLink | null =>
    pick([
      link,
      link,
      link,
      null,
      { ...link, mtu: 1300 },
      { ...link, alias: null },
      { ...link, alias: 'ifactor:x/netlinkinterface/y' },
      { ...link, up: false },
      { ...link, tentative: ['fd00::1'] },
    ]);
  return {
    links: wireguard ? { home: found(), target: found() } : { target: found() },
    strays: pick([[], [], [], [{ netns: '43', index: 9, name: 'x0' }]]),
    devices: { s0: there },
    ...pick([{}, {}, { down: ['s0'] }]),
  };
}

/** What an agent would answer next, where all goes well; null: nothing is awaited. */
function answerFor({ context }: Snapshot, pick: Pick): Fact | null {
  const { running, asked, failure } = context;
  const observed = observedBy(context, (list) => (list.length > 3 ? list[0]! : pick(list)));
  if (running !== null) return { type: 'LinkObserved', data: { observed, operations: running } };
  if (asked.places) return { type: 'NetnsResolved', data: { slot: pick(['home', 'target']), netns: '42' } };
  if (asked.secrets) return { type: 'SecretResolved', data: { ref: 'privateKey', version: '1', fingerprint: 'key-1' } };
  if (asked.observe) return { type: 'LinkObserved', data: { observed } };
  return failure === null ? null : { type: 'TimerElapsed', data: { timer: 'retry' } };
}

/** A fact that may be sent to the actor in its current state. */
function factFor({ context }: Snapshot, pick: Pick): Fact {
  const { key, running, confirm, desired } = context;
  const id = running ?? pick(['round-1', 'round-7']);
  const observed = observedBy(context, pick);
  const generation = desired?.generation ?? 1;
  const tried = confirm?.trial?.generation ?? generation;
  const slot = pick(['home', 'target'] as const);
  const operation = { type: 'AdoptLink', slot, name: 'x0', index: 3, mark: markOf(key) } as const;
  const drift = [{ field: 'mtu', wanted: 1400, found: 1300 }];
  const spec = pick(specs[key.kind] ?? []) as never;
  const declared = {
    generation: generation + 1,
    resourceVersion: '1',
    creationTimestamp: '2026-01-01T00:00:00Z',
    spec,
  };
  const uid = desired?.uid ?? 'u1';
  const ref = 'privateKey';
  const facts: readonly Fact[] = [
    { type: 'SpecChanged', data: { uid, ...declared } },
    { type: 'SpecChanged', data: { uid: pick([uid, 'u1', 'u2']), ...declared } },
    { type: 'NetnsResolved', data: { slot, netns: pick(['42', '42', '43']) } },
    { type: 'NetnsResolved', data: { slot, netns: '42' } },
    { type: 'NetnsResolved', data: { slot, netns: '42' } },
    { type: 'NetnsLost', data: { slot, reason: pick(['ContainerGone', 'EngineUnreachable']), message: 'gone' } },
    { type: 'SecretResolved', data: { ref, version: '1', fingerprint: pick(['key-1', 'key-1', 'key-2']) } },
    { type: 'SecretResolved', data: { ref, version: '1', fingerprint: 'key-1' } },
    { type: 'SecretMissing', data: { ref, reason: 'SecretNotFound', message: 'no such secret' } },
    { type: 'LinkObserved', data: { observed } },
    { type: 'LinkObserved', data: { observed } },
    { type: 'LinkObserved', data: { observed, operations: id } },
    { type: 'LinkObserved', data: { observed, operations: id } },
    { type: 'LinkObserved', data: { observed, operations: id } },
    { type: 'DriftObserved', data: { observed, drift } },
    {
      type: 'OperationFailed',
      data: { operations: id, operation, code: pick(['ENODEV', 'EPERM', 'EOPNOTSUPP', 'EADDRINUSE']), message: 'no' },
    },
    { type: 'LinkCreated', data: { operations: id, slot, name: 'x0', index: 3 } },
    { type: 'NameTaken', data: { slot, name: 'x0', by: 'netlinkinterface/default/older' } },
    { type: 'NameFreed', data: { slot, name: 'x0' } },
    { type: 'TimerElapsed', data: { timer: 'retry' } },
    { type: 'TimerElapsed', data: { timer: pick(['retry', 'addresses', 'pause']) } },
    { type: 'AgentStarted', data: { version: 'test' } },
    { type: 'ResyncRequested', data: { by: 'test' } },
    { type: 'Paused', data: { by: 'test', ...pick([{}, { until: '2026-01-01T00:10:00.000Z' }]) } },
    { type: 'Resumed', data: { by: 'test' } },
    { type: 'Resumed', data: { by: 'test' } },
    { type: 'ConfirmBegan', data: { generation, timeoutSeconds: 10, watched: ['nats'] } },
    { type: 'SpecConfirmed', data: { generation: tried } },
    {
      type: 'SpecRolledBack',
      data: { generation: tried, to: confirm?.proven?.generation ?? null, lost: ['nats'], seconds: 10 },
    },
  ];
  const deletion: Fact = {
    type: 'DeletionRequested',
    data: { uid, resourceVersion: '2', gone: pick([true, false, false]) },
  };
  return pick([...facts, ...facts, ...facts, deletion]);
}

/** What happens only in some lives, so that the others stay what they are. */
function rareFactFor({ context }: Snapshot, pick: Pick): Fact {
  const { key, running } = context;
  const seen = observedBy(context, (list) => list[0] ?? pick(list));
  const target = seen.links.target && { ...seen.links.target, ...pick([{ duplicate: ['10.0.0.1'] }, {}]) };
  const strays = pick([[], [{ netns: '43', index: 9, name: 'x0' }]]);
  const observed = { ...seen, strays, links: { ...seen.links, ...(target ? { target } : {}) } };
  const through = ['x0', 's0', 'x0'].map((name) => `${key.kind}/default/${name}`);
  const stray = { netns: '43', index: 9, name: 'x0', code: 'EPERM', message: 'no' };
  return pick<Fact>([
    { type: 'LinkObserved', data: { observed } },
    { type: 'LinkObserved', data: { observed, operations: running ?? 'round-7' } },
    { type: 'StrayLeft', data: { operations: running ?? 'round-7', ...stray } },
    { type: 'LoopFound', data: { through } },
    { type: 'LoopOpened', data: { through } },
    { type: 'TimerElapsed', data: { timer: 'duplicates' } },
  ]);
}

/** Another program that undoes what it can, as fast as it can. */
function fightWith({ value, context }: Snapshot, pick: Pick): Fact | null {
  if (value !== 'configured' && value !== 'moved-to-netns') return null;
  const drift = [{ field: 'mtu', wanted: 1400, found: 1300 }];
  return { type: 'DriftObserved', data: { observed: observedBy(context, (list) => list[4] ?? pick(list)), drift } };
}

/** A life of so many events. */
export function* walk(seed: number, length: number): Generator<WalkStep> {
  const next = numbers(seed);
  const pick: Pick = (list) => list[Math.floor(next() * list.length)]!;
  const kind = pick(['netlinkinterface', 'wireguardinterface']);
  let before = initial({ kind, namespace: 'default', name: 'x0' });
  for (let at = 0; at < length; at++) {
    const time = new Date(Date.UTC(2026, 0, 1) + at * (seed % 5 === 0 ? 1000 : 10_000)).toISOString();
    const fought = seed % 5 === 0 && next() < 0.9 ? fightWith(before, pick) : null;
    const likely = fought ?? (next() < 0.6 ? answerFor(before, pick) : null);
    const rare = seed % 11 === 2 && next() < 0.3 ? rareFactFor(before, pick) : null;
    const event: InterfaceEvent = { ...(rare ?? likely ?? factFor(before, pick)), time };
    const { snapshot: after, operations } = fold(before, event);
    yield { event, before, after, operations };
    before = after;
  }
}

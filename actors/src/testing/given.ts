import type { EventData, EventType, InterfaceEvent, Key, Observed, ObservedLink, Operation } from '@ifactor/crds';
import { fold, initial } from '../interface/machine/fold.ts';
import type { Snapshot } from '../interface/machine/fold.ts';
import { shown } from './rules.ts';

/* The life of one bridge, told as events: what tests of the machine are given. */

export const bridgeKey: Key = { kind: 'netlinkinterface', namespace: 'default', name: 'br0' };
export const bridgeMark = 'ifactor:default/netlinkinterface/br0';
export const bridgeSpec = { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true, mtu: 1400, addresses: [] };
/** The link of `bridgeSpec` as the kernel shows it. */
export const bridgeLink: ObservedLink = shown({
  index: 3,
  name: 'br0',
  kind: 'bridge',
  mtu: 1400,
  alias: bridgeMark,
  slaves: [],
});

const begin = Date.UTC(2026, 0, 1);
export const timeAt = (milliseconds: number): string => new Date(begin + milliseconds).toISOString();

/** An event; without a time, in milliseconds, it is a second after the one before. */
export type Given = { [T in EventType]: [type: T, data: EventData[T], milliseconds?: number] }[EventType];

/** `more`: fields of the spec that differ from `bridgeSpec`. */
export const declared = (generation = 1, more: object = {}, uid = 'u1'): Given => [
  'SpecChanged',
  {
    uid,
    generation,
    resourceVersion: String(generation),
    creationTimestamp: timeAt(0),
    spec: { ...bridgeSpec, ...more } as never,
  },
];
/** `declared` with one IPv4 address, and the link that has it. */
export const addressed = (generation = 1, more: object = {}): Given =>
  declared(generation, { addresses: [{ ipcidr: '10.0.0.1/24' }], ...more });
export const addressedLink: ObservedLink = {
  ...bridgeLink,
  addresses: [{ family: 'inet', local: '10.0.0.1', peer: null, prefixlen: 24, noPrefixRoute: false }],
};
export const resolved: Given = ['NetnsResolved', { slot: 'target', netns: '42' }];
export const seen = (target: ObservedLink | null): Observed => ({ links: { target }, strays: [], devices: {} });
export const looked = (target: ObservedLink | null, operations?: string): Given => [
  'LinkObserved',
  { observed: seen(target), ...(operations === undefined ? {} : { operations }) },
];

/** The actor after some events, and what it asked for at the last of them. */
export type Outcome = { snapshot: Snapshot; operations: readonly Operation[] };

export function tell(from: Outcome, ...events: Given[]): Outcome {
  let outcome = from;
  events.forEach(([type, data, milliseconds], index) => {
    const event = { type, data, time: timeAt(milliseconds ?? index * 1000) } as InterfaceEvent;
    outcome = fold(outcome.snapshot, event);
  });
  return outcome;
}

export const after = (...events: Given[]): Outcome => tell({ snapshot: initial(bridgeKey), operations: [] }, ...events);

/** `<state> <Ready> <reason>`. */
export const told = ({ snapshot: { value, context } }: Outcome): string =>
  `${value} ${context.ready.status} ${context.verdict.reason}`;

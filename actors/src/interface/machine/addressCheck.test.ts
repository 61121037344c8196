import { expect, test } from 'vitest';
import type { EventData, EventType, InterfaceEvent, ObservedLink, Operation } from '@ifactor/crds';
import { markOf } from '../kind/index.ts';
import { verdictWords } from '../words/verdict.ts';
import { fold, initial } from './fold.ts';
import type { Snapshot } from './fold.ts';

const key = { kind: 'netlinkinterface', namespace: 'default', name: 'br0' };
const bridge = { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true, addresses: [{ ipcidr: 'fd00::1/64' }] };
const link: ObservedLink = {
  index: 3,
  name: 'br0',
  kind: 'bridge',
  up: true,
  mtu: 1500,
  alias: markOf(key),
  addrGenMode: 'none',
  addresses: [{ family: 'inet6', local: 'fd00::1', peer: null, prefixlen: 64, noPrefixRoute: false }],
  slaves: [],
};
const address = 'fd00::1';

type Given = { [T in EventType]: [T, EventData[T]] }[EventType];
const spec = (generation: number, mtu?: number): Given => [
  'SpecChanged',
  {
    uid: 'u1',
    generation,
    resourceVersion: String(generation),
    creationTimestamp: '2026-01-01T00:00:00Z',
    spec: { ...bridge, mtu } as never,
  },
];
const place: Given = ['NetnsResolved', { slot: 'target', netns: '42' }];
const seen = (more: Partial<ObservedLink>): Given => [
  'LinkObserved',
  { observed: { links: { target: { ...link, ...more } }, strays: [], devices: {} } },
];
const elapsed: Given = ['TimerElapsed', { timer: 'addresses' }];

function after(...events: Given[]): { snapshot: Snapshot; operations: readonly Operation[]; told: string } {
  let snapshot = initial(key);
  let operations: readonly Operation[] = [];
  events.forEach(([type, data], at) => {
    const event = { type, data, time: new Date(Date.UTC(2026, 0, 1, 0, 0, at)).toISOString() } as InterfaceEvent;
    ({ snapshot, operations } = fold(snapshot, event));
  });
  const { ready, verdict } = snapshot.context;
  return { snapshot, operations, told: `${snapshot.value} ${ready.status} ${verdict.reason}` };
}

test('an interface whose address is being checked for duplicates is not ready before that has ended', () => {
  const checking = after(spec(1), place, seen({ tentative: [address] }));
  expect(checking.told).toBe('configured False AddressTentative');
  expect(verdictWords(checking.snapshot.context)).toContain(address);
  expect(checking.operations).toEqual([{ type: 'StartTimer', timer: 'addresses', milliseconds: 3000 }]);
  const checked = after(spec(1), place, seen({ tentative: [address] }), seen({}));
  expect(checked.told).toBe('configured True Configured');
  expect(checked.operations).toEqual([{ type: 'StopTimer', timer: 'addresses' }]);
});

test('it is waited for 3 s, and then said that it goes on', () => {
  const { told, snapshot } = after(spec(1), place, seen({ tentative: [address] }), elapsed);
  expect(told).toBe('configured True Configured');
  expect(verdictWords(snapshot.context)).toContain(`after 3 s the kernel has still not checked ${address}`);
  const ended = after(spec(1), place, seen({ tentative: [address] }), elapsed, seen({}));
  expect(ended.operations).toEqual([]);
  expect(verdictWords(ended.snapshot.context)).toBe("in the node's netns, as declared");
});

test('the next check is waited for again: after another spec, and of a link that comes back', () => {
  const over = [spec(1), place, seen({ tentative: [address] }), elapsed];
  expect(after(...over, spec(2, 1400), seen({ mtu: 1400, tentative: [address] })).told).toBe(
    'configured False AddressTentative',
  );
  const again = after(...over, seen({}), seen({ tentative: [address] }));
  expect(again.told).toBe('configured False AddressTentative');
  expect(again.operations).toMatchObject([{ type: 'StartTimer' }]);
  const restarted = after(...over, ['AgentStarted', { version: 'test' }], place, seen({ tentative: [address] }));
  expect(restarted.told).toBe('configured False AddressTentative');
});

test('a timer of a check that has ended says nothing', () => {
  expect(after(spec(1), place, seen({}), elapsed).told).toBe('configured True Configured');
});

test('an address that somebody else has keeps the interface from being ready, and says so', () => {
  const { told, snapshot, operations } = after(spec(1), place, seen({ duplicate: [address] }), elapsed);
  expect(told).toBe('configured False AddressDuplicate');
  expect(verdictWords(snapshot.context)).toContain(`another host on this link has ${address}`);
  expect(operations).toEqual([]);
  expect(after(spec(1), place, seen({ duplicate: [address] }), seen({})).told).toBe('configured True Configured');
});

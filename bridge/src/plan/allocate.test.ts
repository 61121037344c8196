import { WireGuardNetworkPlanSpecSchema } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { allocate } from './allocate.ts';
import type { Allocation, Taken } from './allocate.ts';
import { directionsOf } from './links.ts';

/* Allocations are stable: numbers, names and ports are addresses that the far ends already use. */

const nothing: Taken = { port: () => false, name: () => false };
const range = { start: 51800, end: 51803 };
type Node = { nodeName: string; underlay?: object };
const node = (nodeName: string, underlay: object = {}): Node => ({
  nodeName,
  underlay: { hostname: `${nodeName}.example`, ...underlay },
});
/** One node `a` with links to others. */
const star = (...others: string[]) => ({
  nodes: [node('a'), ...others.map((nodeName) => ({ nodeName }))],
  links: [{ fromNode: 'a', toNodes: others.map((nodeName) => ({ nodeName })) }],
});
const given = (toNode: string, index: number, more: Partial<Allocation> = {}): Allocation => ({
  fromNode: 'a',
  toNode,
  index,
  name: `wg-a-${toNode}-${index}`,
  listenPort: 51800 + index,
  ...more,
});

function allocated(spec: object, previous: readonly Allocation[] = [], taken: Partial<Taken> = {}) {
  const parsed = WireGuardNetworkPlanSpecSchema.parse({ defaultPortRange: range, ...spec });
  const { allocations, blocked, problems } = allocate(parsed, directionsOf(parsed).directions, previous, {
    ...nothing,
    ...taken,
  });
  return {
    /** What `from` was given, by the far end. */
    of: (from: string) =>
      Object.fromEntries(
        [...allocations.values()]
          .filter(({ fromNode }) => fromNode === from)
          .map(({ toNode, index, name, listenPort }) => [toNode, [index, name, listenPort]]),
      ),
    blocked: [...blocked],
    problems,
    whole: [...allocations.values()],
  };
}

test('numbers go by the names of the far ends, ports by the numbers', () => {
  expect(allocated(star('c', 'b', 'd')).of('a')).toEqual({
    b: [0, 'wg-a-b-0', 51800],
    c: [1, 'wg-a-c-1', 51801],
    d: [2, 'wg-a-d-2', 51802],
  });
});

test('what was given is kept, whatever is put before, between or after it', () => {
  const { whole } = allocated(star('c', 'e'));
  expect(allocated(star('a1', 'c', 'd', 'e'), whole).of('a')).toEqual({
    a1: [2, 'wg-a-a1-2', 51802],
    c: [0, 'wg-a-c-0', 51800],
    d: [3, 'wg-a-d-3', 51803],
    e: [1, 'wg-a-e-1', 51801],
  });
});

test('a number whose link is gone is given again, the lowest first', () => {
  const previous = [given('b', 0), given('c', 1), given('e', 3)];
  expect(allocated(star('b', 'd', 'e'), previous).of('a')).toEqual({
    b: [0, 'wg-a-b-0', 51800],
    d: [1, 'wg-a-d-1', 51801],
    e: [3, 'wg-a-e-3', 51803],
  });
  // Its number is taken: use the lowest free one.
  expect(allocated(star('b', 'c', 'd'), [given('b', 1), given('d', 2)]).of('a')['c']).toEqual([0, 'wg-a-c-0', 51800]);
});

test('two new links do not get the same number', () => {
  expect(allocated(star('b', 'c', 'd'), [given('d', 0)]).of('a')).toEqual({
    b: [1, 'wg-a-b-1', 51801],
    c: [2, 'wg-a-c-2', 51802],
    d: [0, 'wg-a-d-0', 51800],
  });
});

test.each([
  [51800, 51800],
  [51803, 51803],
  [51799, 51801],
  [51804, 51801],
  [undefined, 51801],
])('a port %s that was given is kept within the range: %s', (before, after) => {
  const { of } = allocated(star('b'), [given('b', 1, { listenPort: before })]);
  expect(of('a')['b']).toEqual([1, 'wg-a-b-1', after]);
});

test('a port that was given stays with its link, though another link would have it by its number', () => {
  const { of } = allocated(star('b', 'c'), [given('c', 1, { listenPort: 51800 })]);
  expect(of('a')).toEqual({ b: [0, 'wg-a-b-0', 51801], c: [1, 'wg-a-c-1', 51800] });
});

test('a port that somebody else has on that node is passed over, the next free one is given', () => {
  const { of } = allocated(star('b'), [], { port: (at, port) => at === 'a' && port < 51803 });
  expect(of('a')).toEqual({ b: [0, 'wg-a-b-0', 51803] });
});

test('a link without a port is blocked where it needs one; its number and name stay with it', () => {
  const { of, blocked, problems } = allocated(star('b', 'c'), [], { port: () => true });
  expect(of('a')['b']).toEqual([0, 'wg-a-b-0', undefined]);
  expect(blocked).toEqual(['a/b', 'a/c']);
  expect(problems).toEqual([
    {
      link: 'a → b',
      reason: 'PortRangeExhausted',
      message: 'no port from 51800 to 51803 is free on a; widen the range',
    },
    {
      link: 'a → c',
      reason: 'PortRangeExhausted',
      message: 'no port from 51800 to 51803 is free on a; widen the range',
    },
  ]);
});

test('a node without an underlay is called by nobody: it needs no port', () => {
  const { of, blocked, problems, whole } = allocated({
    ...star('b'),
    defaultPortRange: undefined,
    nodes: [{ nodeName: 'a' }, { nodeName: 'b' }],
  });
  expect(of('b')).toEqual({ a: [0, 'wg-b-a-0', undefined] });
  expect(whole.every((one) => !('listenPort' in one))).toBe(true);
  expect([blocked, problems]).toEqual([[], []]);
});

test('a node with an underlay and no range says what to set', () => {
  const { blocked, problems } = allocated({ ...star('b'), defaultPortRange: undefined }, [given('b', 0)]);
  expect(blocked).toEqual(['a/b']);
  expect(problems).toEqual([
    {
      link: 'a → b',
      reason: 'NoPortRange',
      message: 'a has an underlay but no ports; set its underlay.portRange or defaultPortRange',
    },
  ]);
});

test("a node's own range is before the plan's", () => {
  const portRange = { start: 40000, end: 40001 };
  const { of } = allocated({ ...star('b'), nodes: [node('a', { portRange }), { nodeName: 'b' }] });
  expect(of('a')).toEqual({ b: [0, 'wg-a-b-0', 40000] });
});

test("a name that is not this plan's is said and blocked, and stays given", () => {
  const { of, blocked, problems } = allocated(star('b'), [], { name: (name) => name === 'wg-a-b-0' });
  expect(of('a')).toEqual({ b: [0, 'wg-a-b-0', 51800] });
  expect(blocked).toEqual(['a/b']);
  expect(problems).toEqual([
    {
      link: 'a → b',
      reason: 'NameTaken',
      message: "a WireGuardInterface wg-a-b-0 that is not this plan's exists; delete or rename it",
    },
  ]);
});

test('a name has at most 15 bytes: what is longer is a hash of the link, the same each time', () => {
  expect(allocated(star('bcdefgh')).of('a')['bcdefgh']).toEqual([0, 'wg-a-bcdefgh-0', 51800]);
  expect(allocated(star('bcdefghi')).of('a')['bcdefghi']).toEqual([0, 'wg-a-bcdefghi-0', 51800]);
  const long = (other: string): unknown => allocated(star(other)).of('a')[other]?.[1];
  expect(long('bcdefghij')).toMatch(/^wg-[0-9a-f]{12}$/);
  expect(long('bcdefghij')).toBe(long('bcdefghij'));
  expect(long('bcdefghij')).not.toBe(long('bcdefghik'));
});

test('two links that would have one name do not', () => {
  // a → b-b-0 and a-b → b are both wg-a-b-b-0.
  const spec = {
    nodes: [{ nodeName: 'a' }, { nodeName: 'a-b' }, { nodeName: 'b-b' }, { nodeName: 'b' }],
    links: [
      { fromNode: 'a', toNodes: [{ nodeName: 'b-b' }] },
      { fromNode: 'a-b', toNodes: [{ nodeName: 'b' }] },
    ],
  };
  const { whole } = allocated(spec);
  expect(new Set(whole.map(({ name }) => name)).size).toBe(whole.length);
  // Nor with a previous allocation, regardless of the order.
  const kept = allocated(spec, [{ fromNode: 'a-b', toNode: 'b', index: 0, name: 'wg-a-b-b-0' }]);
  expect(kept.of('a-b')['b']?.[1]).toBe('wg-a-b-b-0');
  expect(kept.of('a')['b-b']?.[1]).toMatch(/^wg-[0-9a-f]{12}$/);
});

test('a name of a link that is gone is free again', () => {
  const { of } = allocated(star('b'), [{ fromNode: 'x', toNode: 'y', index: 0, name: 'wg-a-b-0' }]);
  expect(of('a')).toEqual({ b: [0, 'wg-a-b-0', 51800] });
});

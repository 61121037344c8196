import { expect, test } from 'vitest';
import type { ActorDetail } from '../../../src/inspector/protocol.ts';
import { lines } from './compare.tsx';

const moment = (message: string, mtu: string | null): ActorDetail => ({
  id: 'lax1 netlinkinterface/default/br1',
  node: 'lax1',
  key: { kind: 'netlinkinterface', namespace: 'default', name: 'br1' },
  interfaceName: 'br1',
  type: 'bridge',
  container: null,
  at: 1,
  state: 'configured',
  reason: 'Configured',
  message,
  waiting: [],
  conditions: [],
  fields: [
    { name: 'link', desired: 'br1', observed: 'br1', differs: false },
    { name: 'mtu', desired: '1500', observed: mtu, differs: mtu !== '1500' },
  ],
  tried: [],
  transitions: [],
  next: [],
  first: 1,
  last: 1,
  events: 1,
});

test('what changed between two moments comes first, desired and observed apart', () => {
  const [first, ...rest] = lines(moment('as declared', '1500'), moment('as declared', '1400'));
  expect(first).toEqual({ name: 'mtu, observed', a: '1500', b: '1400' });
  expect(rest.every(({ a, b }) => a === b)).toBe(true);
});

test('a moment that has not arrived leaves its side empty', () => {
  expect(lines(null, moment('as declared', null)).map(({ a }) => a)).toEqual([null, null, null, null, null]);
});

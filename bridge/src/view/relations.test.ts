import { expect, test } from 'vitest';
import { wireguard } from '../testing/objects.ts';
import { createIndex, isPlace, objectOf, placeOf } from './relations.ts';

test('an object belongs to its node, or it is said why it can belong to none', () => {
  const kind = 'wireguardinterface';
  expect(placeOf(wireguard('wg1'), kind)).toEqual({ node: 'lax1', kind, namespace: 'default', name: 'wg1' });
  for (const node of [undefined, 7, '', '*', 'a b', 'A', '>'])
    expect(isPlace(placeOf(wireguard('wg1', { node }), kind))).toBe(false);
  expect(isPlace(placeOf({ ...wireguard('wg1'), spec: 'text' as never }, kind))).toBe(false);
  expect(placeOf(wireguard('wg1', { peers: 'x'.repeat(1_000_000) }), kind)).toMatchObject({
    refused: expect.stringContaining('split the object') as string,
  });
});

test('subjects name their object; those of another program name nothing', () => {
  expect(objectOf('ifactor.desired.lax1.netlinkinterface.default.br_1')).toBe('netlinkinterface/default/br.1');
  expect(objectOf('ifactor.status.lax1.netlinkinterface.default.br1')).toBe('netlinkinterface/default/br1');
  expect(objectOf('ifactor.desired.lax1.x')).toBeUndefined();
});

test('an index forgets what no longer holds', () => {
  const index = createIndex();
  index.set('a', ['x', 'y']);
  index.set('b', ['y']);
  expect([...index.sources('y')]).toEqual(['a', 'b']);
  index.set('a', ['x']);
  index.set('b', []);
  expect([...index.sources('y')]).toEqual([]);
  expect([...index.sources('x')]).toEqual(['a']);
});

test('an index remembers nothing of names that are gone', () => {
  const index = createIndex();
  for (let number = 0; number < 20_000; number++) {
    index.set(`subject${number}`, [`key${number}`, 'shared']);
    index.set(`subject${number}`, []);
  }
  expect(index.size).toBe(0);
  index.set('subject', ['key']);
  expect([...index.sources('key'), index.size]).toEqual(['subject', 2]);
});

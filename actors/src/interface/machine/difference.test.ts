import { describe, expect, test } from 'vitest';
import type { KindRules } from '../kind/index.ts';
import type { KernelOperation, ObservedLink } from '@ifactor/crds';
import { bridgeLink as link, seen } from '../../testing/given.ts';
import { asDeclared } from '../../testing/decisions.ts';
import { knowing } from '../../testing/known.ts';
import { differenceOf, rulesIn } from './difference.ts';

const narrow: ObservedLink = { ...link, mtu: 1300 };
const stray = { netns: '43', index: 9, name: 'br0' };

const rulesOfBridge = (): KindRules => rulesIn(asDeclared())!;

describe('how the kernel differs', () => {
  test('is unknown without a spec or a look, as are the rulesOfBridge() of what no schema reads', () => {
    expect(differenceOf(asDeclared({ spec: null }), rulesOfBridge())).toBeNull();
    expect(differenceOf(asDeclared({ observed: null }), rulesOfBridge())).toBeNull();
    expect([rulesIn(knowing()), rulesIn(asDeclared({ spec: { type: 'bridge' } as never }))]).toEqual([null, null]);
  });

  test('includes strays, which go first, but leaves them where there is a conflict', () => {
    const strays = [stray];
    const difference = differenceOf(asDeclared({ observed: { ...seen(narrow), strays } }), rulesOfBridge());
    expect(difference?.drift).toEqual([
      { field: 'mtu', wanted: 1400, found: 1300 },
      { field: 'netns', wanted: null, found: 'br0 in netns 43' },
    ]);
    expect(difference?.operations.map(({ type }) => type)).toEqual(['RemoveStray', 'ChangeLink']);
    const foreign = { ...seen({ ...link, alias: null, kind: 'vxlan' }), strays };
    expect(differenceOf(asDeclared({ observed: foreign }), rulesOfBridge())).toMatchObject({
      operations: [],
      conflict: {},
    });
  });

  test('by a move: strays go when the new link needs their port, or when it is moved', () => {
    const strays = [stray];
    const made = (...types: KernelOperation['type'][]): string[] => {
      const operations = types.map((type) => ({ type })) as KernelOperation[];
      const found = { drift: [], operations, waiting: [], conflict: null };
      return differenceOf(asDeclared({ observed: { ...seen(link), strays } }), {
        ...rulesOfBridge(),
        diff: () => found,
      })!.operations.map(({ type }) => type);
    };
    expect(made('CreateLink', 'SetWireGuard', 'MoveLink')).toEqual([
      'CreateLink',
      'RemoveStray',
      'SetWireGuard',
      'MoveLink',
    ]);
    expect(made('CreateLink', 'MoveLink')).toEqual(['CreateLink', 'RemoveStray', 'MoveLink']);
    expect(made('CreateLink', 'SetWireGuard')).toEqual(['RemoveStray', 'CreateLink', 'SetWireGuard']);
  });
});

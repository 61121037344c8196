import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { SmallMap } from './smallMap.ts';
import { Multimap } from './multimap.ts';

const key = fc.constantFrom('a', 'b', 'c');
const act = fc.record({ what: fc.constantFrom('set', 'set', 'delete', 'clear'), key, value: fc.nat(3) });

describe('few', () => {
  it('is a map', () => {
    fc.assert(
      fc.property(fc.array(act), (acts) => {
        const [few, map] = [new SmallMap<string, number>(), new Map<string, number>()];
        for (const one of acts) {
          for (const either of [few, map]) {
            if (one.what === 'set') either.set(one.key, one.value);
            else if (one.what === 'delete') either.delete(one.key);
            else either.clear();
          }
          expect([[...few], few.keys(), few.values(), few.size, few.get('a')]).toEqual([
            [...map],
            [...map.keys()],
            [...map.values()],
            map.size,
            map.get('a'),
          ]);
        }
      }),
    );
  });

  it('can be walked while it changes', () => {
    const few = new SmallMap<string, number>();
    few.set('a', 1);
    few.set('b', 2);
    const seen: string[] = [];
    for (const [name] of few) {
      seen.push(name);
      few.delete(name);
    }
    expect([seen, few.size]).toEqual([['a', 'b'], 0]);
  });
});

describe('many', () => {
  const values = [{ n: 0 }, { n: 1 }, { n: 2 }];

  it('is a map of sets', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.boolean(), key, fc.nat(2))), (acts) => {
        const many = new Multimap<object>();
        const sets = new Map<string, Set<object>>([
          ['a', new Set()],
          ['b', new Set()],
          ['c', new Set()],
        ]);
        for (const [adds, name, at] of acts) {
          if (adds) many.add(name, values[at]!);
          else many.delete(name, values[at]!);
          if (adds) sets.get(name)?.add(values[at]!);
          else sets.get(name)?.delete(values[at]!);
          for (const [of, set] of sets) expect(new Set(many.get(of))).toEqual(set);
        }
      }),
    );
  });
});

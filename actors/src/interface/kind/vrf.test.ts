import { expect, test } from 'vitest';
import { difference, rulesFor, netlinkKey as key, shown } from '../../testing/rules.ts';
import { markOf } from '../diff/mark.ts';

const wanted = { interfaceName: 'red', type: 'vrf', up: true, vrf: { table: 10, slaves: ['a', 'b'] } };
const found = shown({ name: 'red', kind: 'vrf', alias: markOf(key), vrf: { table: 10 }, slaves: ['a', 'b'] });
const of = (target: typeof found | null, devices: { [name: string]: boolean } = { a: true, b: true }) =>
  difference(key, wanted, { links: { target }, devices });

test('a vrf needs its slaves, takes those that it lacks and releases the others', () => {
  expect(rulesFor(key, wanted).rules.devices(rulesFor(key, wanted).spec)).toEqual(['a', 'b']);
  expect(of(found)).toEqual({ drift: [], operations: [], waiting: [], conflict: null });
  const { drift, operations } = of({ ...found, slaves: ['b', 'c'] });
  expect(drift).toEqual([
    { field: 'vrf.slaves', wanted: null, found: 'c' },
    { field: 'vrf.slaves', wanted: 'a', found: null },
  ]);
  expect(operations).toEqual([
    { type: 'ReleaseSlave', slot: 'target', name: 'red', slave: 'c' },
    { type: 'AttachSlave', slot: 'target', name: 'red', slave: 'a' },
  ]);
});

test('a vrf of another table is recreated, and takes its slaves again', () => {
  const { operations } = of({ ...found, vrf: { table: 11 } });
  expect(operations.map(({ type }) => type)).toEqual(['RemoveLink', 'CreateLink', 'AttachSlave', 'AttachSlave']);
});

test('a slave that does not exist is waited for, and the others are not', () => {
  const { operations, waiting } = of(null, { b: true });
  expect(operations).toMatchObject([{ type: 'CreateLink' }, { type: 'AttachSlave', slave: 'b' }]);
  expect(waiting).toEqual([
    {
      reason: 'SlaveMissing',
      params: { slave: 'a', upper: 'vrf' },
    },
  ]);
});

test("a vrf that is somebody else's keeps its slaves", () => {
  expect(of({ ...found, alias: 'ifactor:other/netlinkinterface/y' }, {})).toMatchObject({
    drift: [],
    operations: [],
    waiting: [],
    conflict: { reason: 'NameConflict' },
  });
});

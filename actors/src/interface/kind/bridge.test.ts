import { describe, expect, test } from 'vitest';
import { difference, rulesFor, netlinkKey as key, shown } from '../../testing/rules.ts';
import { markOf } from '../diff/mark.ts';

const mark = markOf(key);
const slot = 'target';
const none = { drift: [], operations: [], waiting: [], conflict: null };

describe('a bridge', () => {
  const bridge = { interfaceName: 'br0', type: 'bridge', up: true, bridge: { slaves: ['a', 'b'] } };
  const found = shown({ name: 'br0', kind: 'bridge', alias: mark, slaves: ['a', 'b'] });
  const both = { a: true, b: true };
  const of = (target: typeof found | null, devices: { [name: string]: boolean } = both, wanted: object = bridge) =>
    difference(key, wanted, { links: { target }, devices });

  test('needs its slaves in its netns', () => {
    expect(rulesFor(key, bridge).rules.devices(rulesFor(key, bridge).spec)).toEqual(['a', 'b']);
    expect(of(found)).toEqual(none);
    expect(of({ ...found, slaves: [] }, {}, { ...bridge, bridge: undefined })).toEqual(none);
  });

  test('takes slaves that it lacks and releases those that it should not have', () => {
    expect(of({ ...found, slaves: ['b', 'c'] })).toEqual({
      ...none,
      drift: [
        { field: 'bridge.slaves', wanted: null, found: 'c' },
        { field: 'bridge.slaves', wanted: 'a', found: null },
      ],
      operations: [
        { type: 'ReleaseSlave', slot, name: 'br0', slave: 'c' },
        { type: 'AttachSlave', slot, name: 'br0', slave: 'a' },
      ],
    });
  });

  test('leaves a slave where another resource has it, and takes the others', () => {
    const taken = { a: { master: 'br9', owner: 'netlinkinterface default/nine' } };
    const { operations, drift, waiting } = difference(key, bridge, {
      links: { target: { ...found, slaves: [] } },
      devices: both,
      taken,
    });
    expect(drift).toEqual([{ field: 'bridge.slaves', wanted: 'b', found: null }]);
    expect(operations).toEqual([{ type: 'AttachSlave', slot, name: 'br0', slave: 'b' }]);
    expect(waiting).toEqual([{ reason: 'SlaveTaken', params: { slave: 'a', upper: 'bridge', ...taken.a } }]);
  });

  test('is made with its slaves; one that does not exist is waited for, and the others are not', () => {
    const { operations, waiting } = of(null, { b: true });
    expect(operations.map(({ type }) => type)).toEqual(['CreateLink', 'AttachSlave']);
    expect(operations[0]).toMatchObject({ link: { kind: 'bridge' } });
    expect(operations[1]).toEqual({ type: 'AttachSlave', slot, name: 'br0', slave: 'b' });
    expect(waiting).toEqual([
      {
        reason: 'SlaveMissing',
        params: { slave: 'a', upper: 'bridge' },
      },
    ]);
  });

  test('re-made as another kind has no slaves, whatever the other has', () => {
    const { operations } = of({ ...found, kind: 'vxlan', slaves: ['a', 'b'] });
    expect(operations.map(({ type }) => type)).toEqual(['RemoveLink', 'CreateLink', 'AttachSlave', 'AttachSlave']);
  });

  test('with other settings to mend keeps the slaves that it has', () => {
    expect(of({ ...found, up: false }).operations).toEqual([
      { type: 'ChangeLink', slot, name: 'br0', change: { up: true } },
    ]);
  });

  const made = (slaves: string[]) =>
    difference(
      key,
      { ...bridge, bridge: { slaves } },
      { links: { target: null }, devices: both },
      { macs: { mac: '02:00:00:00:00:09' } },
    ).operations[0];

  test('has its MAC address again where no slave gives it one', () => {
    expect(made([])).toMatchObject({ mac: '02:00:00:00:00:09' });
    expect(made(['a'])).not.toHaveProperty('mac');
  });

  test("that is somebody else's keeps its slaves", () => {
    const { conflict, ...rest } = of({ ...found, kind: 'veth', alias: null }, {});
    expect(conflict?.reason).toBe('NameConflict');
    expect(rest).toEqual({ drift: [], operations: [], waiting: [] });
  });
});

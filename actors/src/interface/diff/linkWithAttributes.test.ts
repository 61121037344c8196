import { describe, expect, test } from 'vitest';
import type { KindAttributes, ObservedLink } from '@ifactor/crds';
import { difference, rulesFor, netlinkKey as key, shown } from '../../testing/rules.ts';
import { section } from './linkWithAttributes.ts';
import { markOf } from './mark.ts';

const mark = markOf(key);
const slot = 'target';
const none = { drift: [], operations: [], waiting: [], conflict: null };

const made = (kind: string, attributes: object) => ({
  type: 'CreateLink',
  slot,
  name: 'x0',
  mark,
  up: true,
  link: { kind, [kind]: attributes },
});

type Kind = Exclude<keyof KindAttributes, 'vxlan'>;
type Example = {
  kind: Kind;
  /** The section of the spec in full, what is seen of it, and the same of the shortest that is legal. */
  full: [given: object, seen: object];
  bare: [given: object, seen: object];
  /** What another program may have made of it: changed where it stands, or only by a new link. */
  changed: [field: string, found: unknown][];
  anew: [field: string, found: unknown][];
  /** Whether the link has a MAC address that is to be kept. */
  mac: boolean;
};

const tunnel = { dev: 'low0', local: '192.0.2.1', remote: '192.0.2.2', ttl: 9, tos: 4 };
const bareTunnel = { dev: null, local: null, remote: '192.0.2.2', ttl: 0, tos: 0 };
const tunnelChanges: Example['changed'] = [
  ['local', null],
  ['local', '192.0.2.9'],
  ['remote', '192.0.2.9'],
  ['ttl', 0],
  ['tos', 1],
];
const tunnelAnew: Example['anew'] = [
  ['dev', null],
  ['dev', 'if4'],
  ['remote', null],
];
const examples: Example[] = [
  {
    kind: 'vlan',
    mac: false,
    full: [
      { dev: 'low0', id: 9, protocol: '802.1ad' },
      { dev: 'low0', id: 9, protocol: '802.1ad' },
    ],
    bare: [
      { dev: 'low0', id: 9 },
      { dev: 'low0', id: 9, protocol: '802.1Q' },
    ],
    changed: [],
    anew: [
      ['id', 10],
      ['protocol', '802.1Q'],
      ['dev', null],
    ],
  },
  {
    kind: 'macvlan',
    mac: true,
    full: [
      { dev: 'low0', mode: 'private' },
      { dev: 'low0', mode: 'private' },
    ],
    bare: [{ dev: 'low0' }, { dev: 'low0', mode: 'bridge' }],
    changed: [
      ['mode', 'vepa'],
      ['mode', 'bridge'],
    ],
    anew: [
      ['dev', null],
      ['mode', 'passthru'],
      ['mode', 'source'],
    ],
  },
  {
    kind: 'vrf',
    mac: true,
    full: [{ table: 9 }, { table: 9 }],
    bare: [{ table: 4_294_967_295 }, { table: 4_294_967_295 }],
    changed: [],
    anew: [['table', 10]],
  },
  {
    kind: 'ipip',
    mac: false,
    full: [tunnel, tunnel],
    bare: [{ remote: '192.0.2.2' }, bareTunnel],
    changed: tunnelChanges,
    anew: tunnelAnew,
  },
  {
    kind: 'gre',
    mac: false,
    full: [
      { ...tunnel, key: 7 },
      { ...tunnel, inputKey: 7, outputKey: 7 },
    ],
    bare: [{ remote: '192.0.2.2' }, { ...bareTunnel, inputKey: null, outputKey: null }],
    changed: [...tunnelChanges, ['inputKey', 8], ['outputKey', null]],
    anew: tunnelAnew,
  },
];

describe.each(examples)('a $kind', ({ kind, full: [given, seen], bare, changed, anew, mac }) => {
  const spec = (settings: object): object => ({ interfaceName: 'x0', type: kind, up: true, [kind]: settings });
  const found = (attributes: object): ObservedLink => shown({ name: 'x0', kind, alias: mark, [kind]: attributes });
  const devices = { low0: true };
  const of = (target: ObservedLink | null, wanted = spec(given), there: { [name: string]: boolean } = devices) =>
    difference(key, wanted, { links: { target }, devices: there });
  const stacked = 'dev' in given;

  test('that is as declared is left alone', () => {
    expect(of(found(seen))).toEqual(none);
    expect(of(found(bare[1]), spec(bare[0]))).toEqual(none);
    expect(rulesFor(key, spec(given)).rules.devices(rulesFor(key, spec(given)).spec)).toEqual(stacked ? ['low0'] : []);
    expect(rulesFor(key, spec(bare[0])).rules.devices(rulesFor(key, spec(bare[0])).spec)).toEqual(
      'dev' in bare[0] ? ['low0'] : [],
    );
  });

  test('is made with what is declared, and with its defaults elsewhere', () => {
    expect(of(null).operations).toEqual([made(kind, seen)]);
    expect(of(null, spec(bare[0])).operations).toEqual([made(kind, bare[1])]);
  });

  test.for(changed)('is changed where it stands: %s is %s', ([field, other]) => {
    expect(of(found({ ...seen, [field]: other }))).toEqual({
      ...none,
      drift: [{ field: `${kind}.${field}`, wanted: seen[field as never], found: other }],
      operations: [{ type: 'ChangeLink', slot, name: 'x0', change: { link: { kind, [kind]: seen } } }],
    });
  });

  test.for(anew)('is recreated: %s is %s', ([field, other]) => {
    const { drift, operations } = of(found({ ...seen, [field]: other }));
    expect(drift).toEqual([{ field: `${kind}.${field}`, wanted: seen[field as never], found: other }]);
    expect(operations).toEqual([
      { type: 'RemoveLink', slot, name: 'x0', index: 7, mark, anew: [`${kind}.${field}`] },
      made(kind, seen),
    ]);
  });

  test('of another kind under its mark is recreated', () => {
    const { drift, operations } = of(shown({ name: 'x0', kind: 'bridge', alias: mark }));
    expect(drift).toEqual([{ field: 'kind', wanted: kind, found: 'bridge' }]);
    expect(operations).toEqual([
      { type: 'RemoveLink', slot, name: 'x0', index: 7, mark, anew: ['kind'] },
      made(kind, seen),
    ]);
  });

  test('says what it is to look like', () => {
    const { rules, spec: read } = rulesFor(key, spec(given));
    expect(rules.attributes?.(read)).toEqual({ [kind]: seen });
  });

  test('is adopted where nobody has it, and is a conflict where somebody has', () => {
    expect(of({ ...found(seen), alias: null }).operations).toEqual([
      { type: 'AdoptLink', slot, name: 'x0', index: 7, mark },
    ]);
    for (const attributes of [seen, ...[...changed, ...anew].map(([field, other]) => ({ ...seen, [field]: other }))]) {
      expect(of({ ...found(attributes), alias: 'ifactor:other/netlinkinterface/y' })).toMatchObject({
        drift: [],
        operations: [],
        conflict: { reason: 'NameConflict' },
      });
    }
  });

  test('has its MAC address again when it is recreated, if it has one', () => {
    const known = { macs: { mac: '02:00:00:00:00:09' } };
    const [operation] = difference(key, spec(given), { links: { target: null }, devices }, known).operations;
    expect(operation).toMatchObject({ type: 'CreateLink' });
    expect('mac' in operation! ? operation.mac : undefined).toBe(mac ? '02:00:00:00:00:09' : undefined);
  });

  test('waits for the device below it, where it stands on one, and keeps what there is', () => {
    if (!stacked) return expect(of(null, spec(given), {}).waiting).toEqual([]);
    const waiting = [{ reason: 'DeviceMissing', params: { device: 'low0', kind } }];
    expect(of(null, spec(given), { low0: false })).toEqual({ ...none, waiting });
    expect(of({ ...found(seen), mtu: 1 }, spec(given), {})).toEqual({ ...none, waiting });
    expect(of({ ...found(seen), alias: 'ifactor:other/netlinkinterface/y' }, spec(given), {})).toMatchObject({
      waiting: [],
      conflict: { reason: 'NameConflict' },
    });
  });
});

test('a section that a schema should have asked for is named', () => {
  expect(() => section({ type: 'vrf' } as never, 'vrf')).toThrow('a vrf without spec.vrf has passed its schema');
});

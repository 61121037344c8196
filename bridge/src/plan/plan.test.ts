import { WireGuardNetworkPlanSpecSchema } from '@ifactor/crds';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Allocation } from './allocate.ts';
import { plan } from './plan.ts';
import type { PlanInput, Planned } from './plan.ts';

const parent = { name: 'net', namespace: 'default', uid: 'u1', generation: 3 };
const nobody = { port: () => false, name: () => false };

function planned(spec: object, input: Partial<PlanInput> = {}): Planned {
  return plan({
    parent,
    spec: WireGuardNetworkPlanSpecSchema.parse(spec),
    previous: [],
    given: new Map(),
    reported: new Map(),
    taken: nobody,
    ...input,
  });
}

const range = { start: 51800, end: 51820 };
const node = (nodeName: string, more: object = {}): object => ({
  nodeName,
  underlay: { hostname: `${nodeName}.example` },
  ...more,
});
const link = (fromNode: string, ...to: string[]): object => ({
  fromNode,
  toNodes: to.map((nodeName) => ({ nodeName })),
});
const child = ({ children }: Planned, name: string) => children.find(({ metadata }) => metadata.name === name);
const address = { family: 'inet', local: '10.4.0.1', peer: '10.4.0.2', prefixlen: 32 };

describe('the walkthrough', () => {
  const spec = {
    defaultPortRange: range,
    nodes: [
      node('lax1', {
        underlay: { hostname: '192.0.2.1' },
        moveToContainer: true,
        container: { docker: { name: 'agent1' } },
      }),
      { nodeName: 'lax2' },
    ],
    links: [{ fromNode: 'lax1', toNodes: [{ nodeName: 'lax2', addresses: [address] }] }, link('lax2', 'lax1')],
  };
  const reported = new Map([
    ['wg-lax1-lax2-0', 'K1'.padEnd(43, 'A') + '='],
    ['wg-lax2-lax1-0', 'K2'.padEnd(43, 'A') + '='],
  ]);

  test('becomes one interface per direction, each the peer of the other', () => {
    const result = planned(spec, { reported });
    expect(result.problems).toEqual([]);
    expect(child(result, 'wg-lax1-lax2-0')?.spec).toMatchObject({
      node: 'lax1',
      interfaceName: 'wg-lax1-lax2-0',
      listenPort: 51800,
      moveToContainer: true,
      container: { docker: { name: 'agent1' } },
      addresses: [address],
      peers: [{ publicKey: reported.get('wg-lax2-lax1-0'), allowedIPs: ['0.0.0.0/0', '::/0'] }],
    });
    expect(child(result, 'wg-lax1-lax2-0')?.spec.peers[0]).not.toHaveProperty('endpoint');
    expect(child(result, 'wg-lax1-lax2-0')?.spec.peers[0]).not.toHaveProperty('persistentKeepalive');
    expect(child(result, 'wg-lax2-lax1-0')?.spec.peers).toMatchObject([
      { publicKey: reported.get('wg-lax1-lax2-0'), endpoint: '192.0.2.1:51800', persistentKeepalive: 25 },
    ]);
  });

  test('hands down how its changes prove themselves', () => {
    const confirm = { timeoutSeconds: 30, probe: '10.4.0.1' };
    expect(planned({ ...spec, confirm }, { reported }).children.map((one) => one.spec.confirm)).toEqual([
      confirm,
      confirm,
    ]);
    expect(planned(spec, { reported }).children[0]?.spec).not.toHaveProperty('confirm');
  });

  test('has no peers until the far end has said its public key', () => {
    const result = planned(spec);
    expect(result.children.map(({ spec: { peers } }) => peers)).toEqual([[], []]);
    expect(result.keyless).toEqual(['lax1 → lax2', 'lax2 → lax1']);
  });

  test('keeps what was known of a key that can no longer be read', () => {
    const ref = { name: 's', key: 'k', namespace: 'default' };
    const result = planned(spec, { reported, given: new Map([['lax1', { ref, publicKey: undefined }]]) });
    expect(child(result, 'wg-lax2-lax1-0')?.spec.peers).toMatchObject([{ publicKey: reported.get('wg-lax1-lax2-0') }]);
  });

  test('marks its children as its own', () => {
    expect(child(planned(spec), 'wg-lax1-lax2-0')?.metadata).toMatchObject({
      namespace: 'default',
      labels: {
        'networkplan.networking.dn42.io/resource-id': 'lax1-lax2-0',
        'networkplan.networking.dn42.io/is-controlled-by': 'net',
        'networkplan.networking.dn42.io/config-hash': expect.stringMatching(/^[0-9a-f]{16}$/),
      },
      annotations: { 'networkplan.networking.dn42.io/parent-observed-generation': '3' },
      ownerReferences: [{ kind: 'WireGuardNetworkPlan', name: 'net', uid: 'u1', controller: true }],
    });
  });

  test('refers to a given key instead of copying it', () => {
    const ref = { name: 's', key: 'k', namespace: 'default' };
    const publicKey = 'P'.padEnd(43, 'A') + '=';
    const result = planned(spec, { given: new Map([['lax1', { ref, publicKey }]]) });
    expect(child(result, 'wg-lax1-lax2-0')?.spec.privateKeySecretRef).toEqual(ref);
    expect(child(result, 'wg-lax2-lax1-0')?.spec.peers).toMatchObject([{ publicKey }]);
    expect(JSON.stringify(result)).not.toContain('"privateKey"');
  });
});

describe('single rules', () => {
  const cases: [string, object, (result: Planned) => unknown, unknown][] = [
    [
      'numbers follow the names of the far ends, not their order in the spec',
      { nodes: [node('a'), node('b'), node('c')], links: [link('a', 'c', 'b')] },
      ({ children }) => children.filter(({ spec }) => spec.node === 'a').map(({ metadata }) => metadata.name),
      ['wg-a-b-0', 'wg-a-c-1'],
    ],
    [
      'a missing direction is added',
      { nodes: [node('a'), node('b')], links: [link('a', 'b')] },
      ({ children, problems }) => [children.map(({ metadata }) => metadata.name), problems],
      [['wg-a-b-0', 'wg-b-a-0'], []],
    ],
    [
      'the older spelling of a far end counts as well',
      { nodes: [node('a'), node('b')], links: [{ fromNode: 'a', toNode: 'b' }] },
      ({ children }) => children.length,
      2,
    ],
    [
      'an IPv6 underlay is bracketed in the endpoint',
      { nodes: [node('a', { underlay: { hostname: '2001:db8::1' } }), node('b')], links: [link('a', 'b')] },
      (result) => child(result, 'wg-b-a-0')?.spec.peers[0]?.endpoint,
      '[2001:db8::1]:51800',
    ],
    [
      'a node has its own range of ports',
      {
        nodes: [node('a', { underlay: { hostname: 'a', portRange: { start: 7000, end: 7001 } } }), node('b')],
        links: [link('a', 'b')],
      },
      (result) => [child(result, 'wg-a-b-0')?.spec.listenPort, child(result, 'wg-b-a-0')?.spec.listenPort],
      [7000, 51800],
    ],
    [
      "a node's and a link's addresses are joined",
      {
        nodes: [node('a', { addresses: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }] }), node('b')],
        links: [{ fromNode: 'a', toNodes: [{ nodeName: 'b', addresses: [address] }] }],
      },
      (result) => child(result, 'wg-a-b-0')?.spec.addresses.map(({ local }) => local),
      ['10.0.0.1', '10.4.0.1'],
    ],
    [
      'overrideAddresses with an empty list clears them',
      {
        nodes: [node('a', { addresses: [address] }), node('b')],
        links: [{ fromNode: 'a', toNodes: [{ nodeName: 'b', overrideAddresses: true }] }],
      },
      (result) => child(result, 'wg-a-b-0')?.spec.addresses,
      [],
    ],
    [
      'a bad link is named, the good ones go up',
      { nodes: [node('a'), node('b')], links: [link('a', 'b', 'zz'), link('a', 'a'), link('b', 'a'), link('b', 'a')] },
      ({ children, problems }) => [children.length, problems.map(({ link: at, reason }) => `${at} ${reason}`)],
      [2, ['a → zz UnknownNode', 'a → a SelfLink', 'b → a DuplicateLink']],
    ],
    [
      'an exhausted range takes down only the link that found no port',
      {
        defaultPortRange: { start: 7000, end: 7000 },
        nodes: [node('a'), node('b'), node('c')],
        links: [link('a', 'b', 'c')],
      },
      ({ children, problems }) => [
        children.map(({ metadata }) => metadata.name),
        problems.map(({ link: at, reason }) => `${at} ${reason}`),
      ],
      [['wg-a-b-0', 'wg-b-a-0'], ['a → c PortRangeExhausted']],
    ],
    [
      'a node that others reach needs ports',
      { defaultPortRange: undefined, nodes: [node('a'), { nodeName: 'b' }], links: [link('a', 'b')] },
      ({ children, problems }) => [children.length, problems.map(({ reason }) => reason)],
      [0, ['NoPortRange']],
    ],
    [
      'a long name is shortened and kept whole in an annotation',
      { nodes: [node('frankfurt'), node('amsterdam')], links: [link('frankfurt', 'amsterdam')] },
      ({ children }) =>
        children.map(({ metadata: { name, annotations }, spec }) => [
          name === spec.interfaceName,
          /^wg-[0-9a-f]{12}$/.test(name),
          annotations['networkplan.networking.dn42.io/full-name'],
        ]),
      [
        [true, true, 'wg-frankfurt-amsterdam-0'],
        [true, true, 'wg-amsterdam-frankfurt-0'],
      ],
    ],
    [
      'two links whose names would read alike do not share one',
      { nodes: [node('a'), node('b-c'), node('a-b'), node('c')], links: [link('a', 'b-c'), link('a-b', 'c')] },
      ({ children }) => new Set(children.map(({ metadata }) => metadata.name)).size,
      4,
    ],
  ];
  test.each(cases)('%s', (_what, spec, look, expected) => {
    const reported = new Map(
      planned({ defaultPortRange: range, ...spec }).children.map(({ metadata }) => [
        metadata.name,
        'K'.padEnd(43, 'A') + '=',
      ]),
    );
    expect(look(planned({ defaultPortRange: range, ...spec }, { reported }))).toEqual(expected);
  });

  test('a port that another plan or a hand has taken is passed over', () => {
    const spec = { defaultPortRange: range, nodes: [node('a'), node('b')], links: [link('a', 'b')] };
    const result = planned(spec, { taken: { name: () => false, port: (at, port) => at === 'a' && port === 51800 } });
    expect(child(result, 'wg-a-b-0')?.spec.listenPort).toBe(51801);
  });

  test("a name that is not the plan's is left alone and said", () => {
    const spec = { defaultPortRange: range, nodes: [node('a'), node('b')], links: [link('a', 'b')] };
    const result = planned(spec, { taken: { name: (name) => name === 'wg-a-b-0', port: () => false } });
    expect(result.children).toEqual([]);
    expect(result.problems).toMatchObject([{ link: 'a → b', reason: 'NameTaken' }]);
  });
});

const places = ({ children }: Planned): Map<string | undefined, string> =>
  new Map(
    children.map(({ spec, metadata }) => [
      metadata.labels['networkplan.networking.dn42.io/resource-id'],
      `${metadata.name} ${spec.node} ${spec.listenPort}`,
    ]),
  );

describe('any sequence of specs', () => {
  const names = ['a', 'b', 'c', 'd', 'e', 'a-b'];
  const anySpec = fc
    .record({
      present: fc.subarray(names, { minLength: 2 }),
      pairs: fc.uniqueArray(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...names)), {
        selector: (pair) => pair.join('/'),
      }),
    })
    .map(({ present, pairs }) => ({
      defaultPortRange: range,
      nodes: present.map((name) => node(name)),
      links: pairs.map(([from, to]) => link(from, to)),
    }));
  test('never renames or re-ports a link that stays, never gives a name or a port of a node twice', () => {
    fc.assert(
      fc.property(fc.array(anySpec, { minLength: 1, maxLength: 6 }), (specs) => {
        let previous: Allocation[] = [];
        let before = new Map<string | undefined, string>();
        for (const spec of specs) {
          const result = planned(spec, { previous });
          const now = places(result);
          for (const [id, place] of now) {
            expect(before.get(id) ?? place).toBe(place);
          }
          const ports = result.children.map(({ spec: { node: at, listenPort } }) => `${at}/${listenPort}`);
          expect(new Set(ports).size).toBe(ports.length);
          const own = result.children.map(({ metadata }) => metadata.name);
          expect(new Set(own).size).toBe(own.length);
          for (const name of own) expect(Buffer.byteLength(name)).toBeLessThanOrEqual(15);
          previous = result.allocations;
          before = now;
        }
      }),
    );
  });

  test('plans the same twice', () => {
    fc.assert(
      fc.property(anySpec, (spec) => {
        const first = planned(spec);
        const second = planned(spec, { previous: first.allocations });
        expect(second).toEqual(first);
      }),
    );
  });
});

const both = { nodes: [{ nodeName: 'a' }, { nodeName: 'b' }], links: [link('a', 'b')] };
/** The label that names the plan, on an interface of a plan of that name. */
const label = (name: string): string | undefined =>
  planned(both, { parent: { ...parent, name } }).children[0]?.metadata.labels[
    'networkplan.networking.dn42.io/is-controlled-by'
  ];

describe('what is left out is left out', () => {
  test('a child has no field that its plan says nothing of', () => {
    const { children, allocations, keyless } = planned(both);
    expect(keyless).toEqual(['a → b', 'b → a']);
    expect(allocations.map(({ name }) => name)).toEqual(['wg-a-b-0', 'wg-b-a-0']);
    expect(Object.keys(children[0]!.spec).toSorted()).toEqual(
      ['addresses', 'interfaceName', 'moveToContainer', 'mtu', 'node', 'peers'].toSorted(),
    );
    expect(children[0]).toMatchObject({ apiVersion: 'networking.dn42.io/v1alpha1', kind: 'WireGuardInterface' });
    expect(children[0]!.metadata.annotations).not.toHaveProperty('networkplan.networking.dn42.io/full-name');
  });

  test('a far end whose key is known is waited for no longer; one without a port has no endpoint', () => {
    const reported = new Map([['wg-b-a-0', 'K'.padEnd(43, 'A') + '=']]);
    const result = planned({ ...both, nodes: [{ nodeName: 'a' }, node('b')] }, { reported });
    expect(result.publicKeys).toEqual(reported);
    expect(result.keyless).toEqual([]);
    const open = planned(both, { reported });
    expect(open.keyless).toEqual(['b → a']);
    expect(child(open, 'wg-a-b-0')?.spec.peers).toEqual([
      { publicKey: reported.get('wg-b-a-0'), allowedIPs: ['0.0.0.0/0', '::/0'], persistentKeepalive: 25 },
    ]);
  });

  test('a link goes up in both directions or not at all', () => {
    const result = planned(both, { taken: { port: () => false, name: (name) => name === 'wg-b-a-0' } });
    expect(result.children).toEqual([]);
    expect(result.allocations).toHaveLength(2);
  });

  test('of a link that is wrong it is said what, where and what to do', () => {
    const { problems } = planned({
      nodes: [{ nodeName: 'a' }, { nodeName: 'b' }],
      links: [link('a', 'a', 'b', 'x'), link('y', 'a'), link('a', 'b')],
    });
    expect(problems).toEqual([
      { link: 'a → a', reason: 'SelfLink', message: 'a node cannot have a link to itself; remove it' },
      { link: 'a → x', reason: 'UnknownNode', message: 'x is not in nodes; add it there' },
      { link: 'y → a', reason: 'UnknownNode', message: 'y is not in nodes; add it there' },
      { link: 'a → b', reason: 'DuplicateLink', message: 'listed more than once; only the first counts' },
    ]);
  });

  test('a direction that is added has the addresses of its node', () => {
    const addresses = [{ family: 'inet', local: '10.0.0.1', prefixlen: 32 }];
    const result = planned({ ...both, nodes: [{ nodeName: 'a' }, { nodeName: 'b', addresses }] });
    expect(child(result, 'wg-b-a-0')?.spec.addresses).toMatchObject(addresses);
  });

  test('a label has at most 63 characters, and a hash for the rest', () => {
    expect(label('n'.repeat(63))).toBe('n'.repeat(63));
    expect(label('n'.repeat(64))).toMatch(/^n{46}-[0-9a-f]{16}$/);
    expect(label('n'.repeat(64))).not.toBe(label('n'.repeat(65)));
  });
});

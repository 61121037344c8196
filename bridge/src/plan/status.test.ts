import { WireGuardNetworkPlanSpecSchema } from '@ifactor/crds';
import type { InterfaceStatus } from '@ifactor/crds';
import { expect, test } from 'vitest';
import { wireguard } from '../testing/objects.ts';
import { plan } from './plan.ts';
import type { Planned } from './plan.ts';
import { interfaceStatusOf, planStatus, refusedPlan, unreadablePlan } from './status.ts';
import type { Said } from './status.ts';
import type { Problem } from './links.ts';

const now = new Date('2026-01-01T00:10:00.000Z');
const earlier = '2026-01-01T00:00:00.000Z';
const key = (letter: string): string => letter.padEnd(43, 'A') + '=';
const names = ['wg-a-b-0', 'wg-b-a-0'];

function planned(reported: ReadonlyMap<string, string> = new Map(names.map((name) => [name, key('K')]))): Planned {
  return plan({
    parent: { name: 'net', namespace: 'default', uid: 'u1', generation: 3 },
    spec: WireGuardNetworkPlanSpecSchema.parse({
      nodes: [
        { nodeName: 'a', underlay: { hostname: 'a.example' } },
        { nodeName: 'b', addresses: [{ family: 'inet', local: '10.0.0.1', peer: '10.0.0.2', prefixlen: 32 }] },
      ],
      defaultPortRange: { start: 7000, end: 7001 },
      links: [
        {
          fromNode: 'a',
          toNodes: [{ nodeName: 'b', addresses: [{ family: 'inet6', local: 'fe80::1', prefixlen: 64 }] }],
        },
      ],
    }),
    previous: [],
    given: new Map(),
    reported,
    taken: { port: () => false, name: () => false },
  });
}

type Ready = { status?: 'True' | 'False' | 'Unknown'; reason?: string; observedGeneration?: number };
const readyStatus = ({ status = 'True', reason = 'Configured', observedGeneration }: Ready = {}): InterfaceStatus => ({
  conditions: [
    {
      type: 'Ready',
      status,
      reason,
      message: 'as it is',
      lastTransitionTime: earlier,
      ...(observedGeneration !== undefined && { observedGeneration }),
    },
  ],
});

/** Every child exists as planned; its agent reports this. */
const saying =
  (of: Planned, status: (name: string) => InterfaceStatus, generation = 1): Said =>
  (name) => {
    const child = of.children.find(({ metadata }) => metadata.name === name);
    return child && { object: { ...wireguard(name, {}, { generation }), spec: child.spec }, status: status(name) };
  };

const verdict = (of: Planned, said: Said, problems: Problem[] = [], before?: ReturnType<typeof planStatus>) =>
  planStatus(of, 3, before, said, problems, now);
const readyOf = (status: ReturnType<typeof planStatus>): string => {
  const [ready] = status.conditions ?? [];
  return `${ready?.status} ${ready?.reason}: ${ready?.message}`;
};

test('a plan is ready when each of its interfaces is', () => {
  const of = planned();
  const status = verdict(
    of,
    saying(of, () => ({ ...readyStatus(), observedGeneration: 1 })),
  );
  expect(readyOf(status)).toBe('True InterfacesReady: all 2 interfaces are ready');
  expect(status.links).toBe('2/2');
  expect(status.conditions).toMatchObject([
    { observedGeneration: 3, lastTransitionTime: now.toISOString() },
    {
      type: 'LinksValid',
      status: 'True',
      reason: 'AllLinksValid',
      message: 'all links are planned',
      observedGeneration: 3,
      lastTransitionTime: now.toISOString(),
    },
  ]);
});

const firstLacksKey = (name: string): InterfaceStatus =>
  name === names[0] ? readyStatus({ status: 'False', reason: 'SecretNotFound' }) : readyStatus();

test('the first interface that is not ready is named, with why and how many more there are', () => {
  const of = planned();
  expect(readyOf(verdict(of, saying(of, firstLacksKey, 0)))).toBe(
    'False InterfacesNotReady: wg-a-b-0 is not ready: SecretNotFound: as it is',
  );
  expect(verdict(of, saying(of, firstLacksKey, 0)).links).toBe('1/2');
  expect(
    readyOf(
      verdict(
        of,
        saying(of, () => ({})),
      ),
    ),
  ).toBe('False InterfacesNotReady: wg-a-b-0 (and 1 more) is not ready: no status yet');
  expect(readyOf(verdict(of, () => undefined))).toContain('wg-a-b-0 (and 1 more) is not ready: no status yet');
});

test('a message is cut where the API server would refuse it', () => {
  const of = planned();
  const [condition] = readyStatus({ status: 'False' }).conditions!;
  const long = { conditions: [{ ...condition!, message: 'x'.repeat(32_768) }] };
  expect(
    verdict(
      of,
      saying(of, () => long),
    ).conditions?.[0]?.message,
  ).toHaveLength(32_768);
});

test('an interface is ready for the generation that its condition, or else its status, is about', () => {
  const of = planned();
  const links = (status: InterfaceStatus): string | undefined =>
    verdict(
      of,
      saying(of, () => status, 2),
    ).links;
  expect(links(readyStatus({ observedGeneration: 2 }))).toBe('2/2');
  expect(links({ ...readyStatus(), observedGeneration: 2 })).toBe('2/2');
  expect(links({ ...readyStatus({ observedGeneration: 1 }), observedGeneration: 2 })).toBe('0/2');
  expect(links(readyStatus())).toBe('0/2');
  expect(links({ ...readyStatus({ observedGeneration: 2 }), observedGeneration: 1 })).toBe('2/2');
});

const outdated: Said = (name) => ({ object: wireguard(name), status: readyStatus({ observedGeneration: 1 }) });

test('an interface that is not as planned yet is not ready, whatever its agent says of what it was', () => {
  const of = planned();
  expect(readyOf(verdict(of, outdated))).toBe(
    'False InterfacesNotReady: wg-a-b-0 (and 1 more) is not ready: its agent has not applied the last change yet',
  );
});

test('while the key of a far end is not known the plan is not ready, and says whose', () => {
  const of = planned(new Map([[names[0]!, key('K')]]));
  expect(
    readyOf(
      verdict(
        of,
        saying(of, () => readyStatus({ observedGeneration: 1 })),
      ),
    ),
  ).toBe('False PublicKeyUnknown: waiting for the public key of the far end of a → b');
});

const problem = (at: number): Problem => ({ link: `l${at}`, reason: 'NameTaken', message: 'taken' });

test('problems come first; of many, twenty are named', () => {
  const of = planned();
  const said = saying(of, () => readyStatus({ observedGeneration: 1 }));
  const two = verdict(of, said, [problem(1), problem(2)]);
  expect(readyOf(two)).toBe('False InvalidLinks: l1: taken; l2: taken');
  expect(two.conditions?.[1]).toMatchObject({ status: 'False', reason: 'NameTaken', message: 'l1: taken; l2: taken' });
  const many = (count: number): string =>
    readyOf(
      verdict(
        of,
        said,
        Array.from({ length: count }, (_, at) => problem(at)),
      ),
    );
  expect(many(20)).toMatch(/l19: taken$/);
  expect(many(22)).toMatch(/l19: taken; and 2 more$/);
});

test('the time of a transition moves only with the transition', () => {
  const of = planned();
  const said = saying(of, () => readyStatus({ observedGeneration: 1 }));
  const old = verdict(of, said);
  for (const condition of old.conditions ?? []) condition.lastTransitionTime = earlier;
  const times = (status: typeof old): unknown => status.conditions?.map((one) => one.lastTransitionTime);
  expect(times(verdict(of, said, [], old))).toEqual([earlier, earlier]);
  expect(times(verdict(of, said, [{ link: 'l', reason: 'R', message: 'm' }], old))).toEqual([
    now.toISOString(),
    now.toISOString(),
  ]);
  expect(times(verdict(of, () => undefined, [], old))).toEqual([now.toISOString(), earlier]);
  expect(times(verdict(of, said, [], { conditions: [] }))).toEqual([now.toISOString(), now.toISOString()]);
});

test('each interface is shown as its agent says it is, else as it is planned', () => {
  const of = planned();
  expect(verdict(of, () => undefined).interfaces).toEqual([
    {
      nodeName: 'a',
      wgObjectRef: { name: 'wg-a-b-0', namespace: 'default' },
      publicKey: key('K'),
      listenPort: 7000,
      mtu: 1420,
      addresses: ['fe80::1/64'],
    },
    {
      nodeName: 'b',
      wgObjectRef: { name: 'wg-b-a-0', namespace: 'default' },
      publicKey: key('K'),
      listenPort: 7000,
      mtu: 1420,
      addresses: ['10.0.0.1 -> 10.0.0.2/32'],
    },
  ]);
  const status: InterfaceStatus = {
    hostname: 'host-a',
    netlink: { mtu: 1300, addresses: ['192.0.2.1/24'] } as never,
    wireguard: { listenPort: 9000, peers: [{ publicKey: key('P'), lastHandshakeTime: earlier }] } as never,
  };
  expect(
    verdict(
      of,
      saying(of, () => status),
    ).interfaces?.[0],
  ).toEqual({
    nodeName: 'a',
    hostName: 'host-a',
    wgObjectRef: { name: 'wg-a-b-0', namespace: 'default' },
    publicKey: key('K'),
    listenPort: 9000,
    mtu: 1300,
    addresses: ['192.0.2.1/24'],
    lastHandshake: earlier,
  });
  const [unknown] = verdict(planned(new Map()), () => undefined).interfaces ?? [];
  expect(unknown).not.toHaveProperty('publicKey');
  const silent = verdict(
    of,
    saying(of, () => ({ wireguard: { peers: [] } }) as never),
  ).interfaces?.[0];
  expect(silent).not.toHaveProperty('lastHandshake');
});

test('a plan that cannot be read keeps what was given to its links', () => {
  const before = { allocations: [], links: '2/2', conditions: [] };
  expect(refusedPlan('spec.links: wrong', 4, before, now)).toMatchObject({
    allocations: [],
    links: '2/2',
    observedGeneration: 4,
    conditions: [
      { type: 'Ready', status: 'False', reason: 'InvalidSpec', message: 'spec.links: wrong', observedGeneration: 4 },
    ],
  });
});

test('a plan whose objects cannot be listed says what is missing, and keeps the rest of its status', () => {
  const object = { ...wireguard('net', {}, { generation: 5 }), status: { links: '2/2', observedGeneration: 4 } };
  const shown = unreadablePlan(['interfaces: 403', 'secrets: 403'], object, now);
  expect(shown).toMatchObject({
    links: '2/2',
    observedGeneration: 4,
    conditions: [
      {
        status: 'Unknown',
        reason: 'ListIncomplete',
        observedGeneration: 5,
        message:
          'interfaces: 403; secrets: 403; children, Secrets and finalizers are left as they are; see bridge/rbac.yaml',
      },
    ],
  });
  expect(unreadablePlan([], { ...object, status: { links: 7 } }, now)).not.toHaveProperty('links');
});

test('a malformed status counts as an empty one', () => {
  expect(interfaceStatusOf({ ...wireguard('wg1'), status: readyStatus() })).toEqual(readyStatus());
  expect(interfaceStatusOf({ ...wireguard('wg1'), status: { conditions: 7 } })).toEqual({});
  expect(interfaceStatusOf(wireguard('wg1'))).toEqual({});
});

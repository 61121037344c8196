import { markOf } from '@ifactor/actors';
import type { Observed, ObservedLink, RecordedEvent } from '@ifactor/crds';
import { beforeEach, describe, expect, test } from 'vitest';
import { detailOf } from './detail.ts';
import { EventLog } from './log.ts';
import type { ActorDetail } from '../protocol.ts';

const publicKey = `${'A'.repeat(42)}0=`;
const peerKey = `${'B'.repeat(42)}0=`;
const key = { kind: 'wireguardinterface', namespace: 'default', name: 'wg1' };
const peer = {
  publicKey: peerKey,
  allowedIPs: ['10.0.0.0/8'],
  endpoint: '192.0.2.1:51820',
  presharedKeySecretRef: { name: 'psk', key: 'psk' },
};
const spec = {
  node: 'n1',
  interfaceName: 'wg1',
  moveToContainer: false,
  addresses: [{ family: 'inet', local: '10.0.0.1', prefixlen: 24 }],
  listenPort: 51820,
  mtu: 1420,
  peers: [peer],
};
const shownPeer = {
  publicKey: peerKey,
  presharedKey: 'f1ngerpr1nt',
  endpoint: '192.0.2.1:51820',
  persistentKeepalive: 0,
  allowedIPs: ['10.0.0.0/8'],
};
const link: ObservedLink = {
  index: 3,
  name: 'wg1',
  kind: 'wireguard',
  up: true,
  mtu: 1420,
  alias: markOf(key),
  addrGenMode: 'none',
  addresses: [{ family: 'inet', local: '10.0.0.1', peer: null, prefixlen: 24, noPrefixRoute: false }],
  wireguard: { publicKey, listenPort: 51820, fwmark: 0, peers: [shownPeer] },
};

let log: EventLog;
let sequence = 0;
function happen(fact: { type: string; data: object }): ActorDetail {
  const id = `n1.j.${++sequence}`;
  log.append({
    ...fact,
    id,
    sequence,
    node: 'n1',
    key,
    time: '2026-11-23T00:00:00.000Z',
    causationId: null,
    correlationId: id,
    state: 'pending',
    machine: 1,
  } as unknown as RecordedEvent);
  return detailOf(log, 'n1 wireguardinterface/default/wg1', null);
}
const declare = (change: object = {}): ActorDetail =>
  happen({
    type: 'SpecChanged',
    data: {
      uid: 'u',
      generation: 1,
      resourceVersion: '1',
      creationTimestamp: '2026-11-23T00:00:00Z',
      spec: { ...spec, ...change },
    },
  });
const look = (home: ObservedLink | null): ActorDetail =>
  happen({ type: 'LinkObserved', data: { observed: { links: { home }, strays: [], devices: {} } satisfies Observed } });
const resolve = (ref: string, fingerprint: string): ActorDetail =>
  happen({ type: 'SecretResolved', data: { ref, version: '1', fingerprint } });
const differing = ({ fields }: ActorDetail): object[] => fields.filter(({ differs }) => differs);

beforeEach(() => {
  log = new EventLog();
  sequence = 0;
  declare();
});

function settle(): ActorDetail {
  resolve('privateKey', publicKey);
  resolve(`psk:${peerKey}`, 'f1ngerpr1nt');
  happen({ type: 'NetnsResolved', data: { slot: 'home', netns: '1' } });
  return look(link);
}

test('a link that is as declared differs nowhere, and says so field by field', () => {
  const detail = settle();
  expect(differing(detail)).toEqual([]);
  const texts = Object.fromEntries(detail.fields.map(({ name, desired, observed }) => [name, [desired, observed]]));
  expect(texts).toEqual({
    link: ['wg1', 'wg1'],
    kind: ['wireguard', 'wireguard'],
    up: ['yes', 'yes'],
    mtu: ['1420', '1420'],
    addresses: ['10.0.0.1/24', '10.0.0.1/24'],
    publicKey: [publicKey, publicKey],
    listenPort: ['51820', '51820'],
    fwmark: ['off', 'off'],
    'peers[BBBBBBBB…].endpoint': ['192.0.2.1:51820', '192.0.2.1:51820'],
    'peers[BBBBBBBB…].allowedIPs': ['10.0.0.0/8', '10.0.0.0/8'],
    'peers[BBBBBBBB…].persistentKeepalive': ['off', 'off'],
    'peers[BBBBBBBB…].presharedKey': ['f1ngerpr1nt', 'f1ngerpr1nt'],
  });
});

describe('what differs is what the rules would repair', () => {
  test.each([
    ['mtu', { mtu: 1400 }, { name: 'mtu', desired: '1420', observed: '1400', differs: true }],
    ['up', { up: false }, { name: 'up', desired: 'yes', observed: 'no', differs: true }],
    ['addresses', { addresses: [] }, { name: 'addresses', desired: '10.0.0.1/24', observed: 'none', differs: true }],
  ])('%s', (_, change, field) => {
    settle();
    expect(differing(look({ ...link, ...change }))).toEqual([field]);
  });

  test('but not the endpoint that the kernel learned by roaming', () => {
    settle();
    const wireguard = {
      publicKey,
      listenPort: 51820,
      fwmark: 0,
      peers: [{ ...shownPeer, endpoint: '198.51.100.7:1' }],
    };
    const detail = look({ ...link, wireguard });
    expect(differing(detail)).toEqual([]);
    expect(detail.fields).toContainEqual({
      name: 'peers[BBBBBBBB…].endpoint',
      desired: '192.0.2.1:51820',
      observed: '198.51.100.7:1',
      differs: false,
    });
  });

  test('everything, where the link is gone', () => {
    settle();
    const { fields } = look(null);
    expect(
      fields.filter(({ desired }) => desired !== null).every(({ observed, differs }) => observed === null && differs),
    ).toBe(true);
  });
});

test('what it waits for is said: a secret that is missing, a netns that is gone', () => {
  expect(
    happen({
      type: 'SecretMissing',
      data: { ref: 'privateKey', reason: 'NotDelivered', message: 'not yet' },
    }).waiting,
  ).toEqual([
    "the private key has not arrived from the bridge; see the Ready condition of the object and the bridge's log",
  ]);
  resolve('privateKey', publicKey);
  expect(
    happen({
      type: 'NetnsLost',
      data: { slot: 'home', reason: 'Forbidden', message: 'no' },
    }).waiting,
  ).toEqual(["permission denied for the node's netns: run the agent as root with CAP_SYS_PTRACE"]);
});

test('a failed operation is told with the words of the kernel', () => {
  settle();
  const operation = { type: 'ChangeLink', slot: 'home', name: 'wg1', change: { mtu: 1420 } };
  const { tried } = happen({
    type: 'OperationFailed',
    data: { operations: '1', operation, code: 'EPERM', message: 'Operation not permitted' },
  });
  expect(tried[0]).toMatchObject({
    operation: 'set mtu 1420 on wg1',
    answer: 'EPERM: Operation not permitted',
    failed: true,
  });
});

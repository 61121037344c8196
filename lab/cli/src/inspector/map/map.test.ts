import type { InterfaceSpec, Key, RecordedEvent, StatusMessage } from '@ifactor/crds';
import { describe, expect, test } from 'vitest';
import { graphOf } from './graph.ts';
import { Handshakes } from '../history/handshake.ts';
import { layOut } from './layout.ts';
import { EventLog } from '../history/log.ts';
import type { Rectangle, Topology } from '../protocol.ts';

const keyOf = (letter: string): string => `${letter.repeat(42)}0=`;
let sequence = 0;

function said(node: string, key: Key, fact: Pick<RecordedEvent, 'type' | 'data'>): RecordedEvent {
  const id = `${node}.j.${++sequence}`;
  return {
    ...fact,
    id,
    sequence,
    node,
    key,
    time: '2026-11-23T00:00:00.000Z',
    causationId: null,
    correlationId: id,
    state: 'pending',
    machine: 1,
  } as RecordedEvent;
}

function declared(node: string, kind: string, name: string, spec: object): RecordedEvent {
  const data = {
    uid: `uid-${name}`,
    generation: 1,
    resourceVersion: '1',
    creationTimestamp: '2026-11-23T00:00:00Z',
    spec: { node, interfaceName: name, ...spec } as InterfaceSpec,
  };
  return said(node, { kind, namespace: 'default', name }, { type: 'SpecChanged', data });
}

/** A WireGuard interface with this own key and these peers. */
function wireguard(node: string, name: string, own: string, peers: string[], more: object = {}): RecordedEvent[] {
  const spec = {
    moveToContainer: false,
    addresses: [],
    peers: peers.map((letter) => ({ publicKey: keyOf(letter), allowedIPs: [] })),
    ...more,
  };
  const event = declared(node, 'wireguardinterface', name, spec);
  return [
    event,
    said(node, event.key, {
      type: 'SecretResolved',
      data: { ref: 'privateKey', version: '1', fingerprint: keyOf(own) },
    }),
  ];
}

const netlink = (node: string, name: string, type: string, more: object = {}): RecordedEvent =>
  declared(node, 'netlinkinterface', name, { type, up: true, addresses: [], ...more });

function graph(...events: RecordedEvent[]): ReturnType<typeof graphOf> {
  const log = new EventLog();
  for (const event of events) log.append(event);
  return graphOf(log.tracks.values());
}
const links = (topology: Pick<Topology, 'links'>): string[] =>
  topology.links.map(({ from, to, kind }) => `${kind} ${from.split('/').at(-1)} ${to.split('/').at(-1)}`);

describe('what belongs together', () => {
  test('is a tunnel where both ends name the other, and not where only one does', () => {
    expect(
      links(
        graph(
          ...wireguard('n1', 'wg1', 'A', ['B', 'C']),
          ...wireguard('n2', 'wg2', 'B', ['A']),
          ...wireguard('n3', 'wg3', 'C', []),
        ),
      ),
    ).toEqual(['tunnel wg1 wg2']);
  });

  test('is a bridge with what it holds, and a vxlan with the device below it, in one netns', () => {
    const container = { netns: { name: 'blue' } };
    const found = graph(
      netlink('n1', 'br0', 'bridge', { container, bridge: { slaves: ['vx0', 'eth7'] } }),
      netlink('n1', 'vx0', 'vxlan', {
        container,
        vxlan: { vni: 7, dev: 'wg1', noLearning: false, noAge: false, proxyARP: false, port: 4789 },
      }),
      netlink('n1', 'vx0x', 'dummy'),
      ...wireguard('n1', 'wg1', 'A', [], { moveToContainer: true, container }),
      ...wireguard('n2', 'wg1', 'B', []),
    );
    expect(links(found)).toEqual(['slave br0 vx0', 'under vx0 wg1']);
    expect(
      found.actors.map(({ interfaceName, type, container: inside }) => [interfaceName, type, inside]),
    ).toContainEqual(['wg1', 'wireguard', 'blue']);
  });
});

const status = (node: string, name: string, peer: string, time: string): StatusMessage => ({
  uid: 'u',
  kind: 'WireGuardInterface',
  namespace: 'default',
  name,
  node,
  hash: '',
  status: {
    wireguard: { listenPort: 1, peers: [{ publicKey: keyOf(peer), allowedIPs: [], lastHandshakeTime: time }] },
  },
});

test('a handshake is known of a tunnel by either end, also where the status came before the log', () => {
  const { links: tunnels } = graph(...wireguard('n1', 'wg1', 'A', ['B']), ...wireguard('n2', 'wg2', 'B', ['A']));
  const log = new EventLog();
  const handshakes = new Handshakes();
  handshakes.hear(status('n1', 'wg1', 'B', '2026-11-23T00:00:01Z'));
  expect(handshakes.of(tunnels, log.tracks)).toEqual({});
  for (const event of [...wireguard('n1', 'wg1', 'A', ['B']), ...wireguard('n2', 'wg2', 'B', ['A'])]) log.append(event);
  expect(Object.values(handshakes.of(tunnels, log.tracks))).toEqual(['2026-11-23T00:00:01Z']);
  handshakes.hear(status('n2', 'wg2', 'A', '2026-11-23T00:00:02Z'));
  expect(Object.values(handshakes.of(tunnels, log.tracks))).toEqual(['2026-11-23T00:00:02Z']);
});

describe('the map', () => {
  const many = Array.from({ length: 12 }, (_, host) =>
    Array.from({ length: 9 }, (_none, index) =>
      netlink(
        `n${host}`,
        `l${index}`,
        'dummy',
        index % 3 === 0 ? {} : { container: { docker: { name: `c${index % 3}` } } },
      ),
    ),
  ).flat();
  const tunnels = [...wireguard('n1', 'wg1', 'A', ['B']), ...wireguard('n2', 'wg2', 'B', ['A'])];

  test('puts nothing on anything else, and everything into what holds it', async () => {
    const { nodes, containers, actors } = await layOut(graph(...many, ...tunnels));
    expect([nodes.length, containers.length, actors.length]).toEqual([12, 24, 110]);
    apart(nodes);
    for (const node of nodes) {
      const inside = containers.filter((one) => one.node === node.name);
      const bare = actors.filter((one) => one.node === node.name && one.container === null);
      apart([...inside, ...bare]);
      for (const one of [...inside, ...bare]) within(one, node);
      for (const container of inside) {
        const members = actors.filter((one) => one.node === node.name && one.container === container.name);
        apart(members);
        for (const one of members) within(one, container);
      }
    }
  });

  test('is the same for the same things, in whatever order they were heard of', async () => {
    expect(await layOut(graph(...tunnels, ...many))).toEqual(await layOut(graph(...many, ...tunnels)));
  });
});

function apart(all: readonly Rectangle[]): void {
  for (const [index, a] of all.entries()) {
    for (const b of all.slice(index + 1))
      expect(a.x + a.width <= b.x || b.x + b.width <= a.x || a.y + a.height <= b.y || b.y + b.height <= a.y).toBe(true);
  }
}

function within(inner: Rectangle, outer: Rectangle): void {
  expect(
    inner.x > 0 && inner.y > 0 && inner.x + inner.width < outer.width && inner.y + inner.height < outer.height,
  ).toBe(true);
}

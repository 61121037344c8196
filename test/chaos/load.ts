import { setTimeout as sleep } from 'node:timers/promises';
import type { Client } from '@ifactor/bridge';
import type { Dice } from '../heal/dice.ts';
import { containers, nodes } from './cluster.ts';
import type { Cluster, Node, Place } from './cluster.ts';

/* Somebody who creates, changes and deletes objects all the time, whether anybody answers or not. */

export const ours = '/apis/networking.dn42.io/v1alpha1/namespaces/default';
/** The interface of every so many that is a tunnel; each costs a process where the kernel has no WireGuard. */
const tunnelPace = 25;
const plan = 'mesh';

const nodeOf = (at: number): Node => nodes[at % 2] ?? 'lax1';
const isTunnel = (at: number): boolean => at % tunnelPace === 4;
const kindOf = (at: number): string => ['bridge', 'vxlan', 'veth', 'bridge'][(at >> 1) % 4] ?? 'bridge';

/** What of a spec changes; the rest stands for the life of an object. */
function changing(at: number, dice: Dice): Record<string, unknown> {
  const mtu = 1300 + dice.below(100);
  const address = `10.${20 + (at >> 8)}.${at & 255}.${1 + dice.below(200)}`;
  if (isTunnel(at)) return { mtu, addresses: [{ family: 'inet', local: address, prefixlen: 24 }] };
  return { mtu, up: dice.roll() < 0.9, addresses: [{ ipcidr: `${address}/24` }, { ipcidr: `fd00:${at + 1}::1/64` }] };
}

function specOf(at: number, dice: Dice): Record<string, unknown> {
  const node = nodeOf(at);
  const container = { docker: { name: containers[node] } };
  const common = { node, interfaceName: `o${at}`, ...changing(at, dice) };
  if (isTunnel(at)) {
    const publicKey = Buffer.alloc(32, at).fill(9, 31).toString('base64');
    const presharedKeySecretRef = { name: `key-o${at}`, key: 'psk' };
    return {
      ...common,
      moveToContainer: true,
      container,
      privateKeySecretRef: { name: `key-o${at}`, key: 'privateKey' },
      peers: [{ publicKey, allowedIPs: ['10.99.0.0/24'], persistentKeepalive: 25, presharedKeySecretRef }],
    };
  }
  const type = kindOf(at);
  const inside = at % 3 === 0 ? {} : { container };
  switch (type) {
    case 'vxlan':
      return {
        ...common,
        type,
        ...inside,
        vxlan: { vni: 1000 + at, local: '192.0.2.1', group: '192.0.2.2', port: 4789 },
      };
    case 'veth':
      return { ...common, type, ...inside, veth: { peer: { interfaceName: `o${at}-far` } } };
    default:
      return { ...common, type, ...inside, bridge: { slaves: [] } };
  }
}

const key = (dice: Dice): string => Buffer.from(Array.from({ length: 32 }, () => dice.below(256))).toString('base64');

export type Load = {
  /** Every key that a Secret held. */
  readonly keys: Set<string>;
  /** Requests that the API server carried out. */
  readonly done: { created: number; changed: number; deleted: number; broken: number };
  /** Resolves when nobody changes anything any more. */
  stop(): Promise<void>;
};

/** Works on up to `count` objects until it is stopped. */
export function startLoad(cluster: Cluster, count: number, dice: Dice): Load {
  const { client } = cluster;
  const keys = new Set<string>();
  const done = { created: 0, changed: 0, deleted: 0, broken: 0 };
  const end = new AbortController();

  async function secret(at: number): Promise<void> {
    const [privateKey, psk] = [key(dice), key(dice)];
    keys.add(privateKey).add(psk);
    const body = {
      apiVersion: 'v1',
      kind: 'Secret',
      metadata: { name: `key-o${at}` },
      stringData: { privateKey, psk },
    };
    const path = '/api/v1/namespaces/default/secrets';
    await call(client, 'POST', path, body).catch(() =>
      call(client, 'PATCH', `${path}/key-o${at}`, { stringData: body.stringData }),
    );
  }

  async function step(): Promise<void> {
    const at = dice.below(count);
    const name = `o${at}`;
    const plural = isTunnel(at) ? 'wireguardinterfaces' : 'netlinkinterfaces';
    const what = dice.roll();
    if (what < 0.02) {
      await toggle();
    } else if (what < 0.5) {
      if (isTunnel(at)) await secret(at);
      const kind = isTunnel(at) ? 'WireGuardInterface' : 'NetlinkInterface';
      const body = { apiVersion: 'networking.dn42.io/v1alpha1', kind, metadata: { name }, spec: specOf(at, dice) };
      await call(client, 'POST', `${ours}/${plural}`, body);
      done.created++;
    } else if (what < 0.75) {
      await call(client, 'PATCH', `${ours}/${plural}/${name}`, { spec: changing(at, dice) });
      done.changed++;
    } else if (what < 0.93) {
      await call(client, 'DELETE', `${ours}/${plural}/${name}`);
      done.deleted++;
    } else {
      const node = nodeOf(at);
      const place: Place = at % 3 === 0 && !isTunnel(at) ? node : containers[node];
      await cluster.ip(place, 'link', 'del', name);
      done.broken++;
    }
  }

  async function toggle(): Promise<void> {
    if (dice.roll() < 0.3) await call(client, 'DELETE', `${ours}/wireguardnetworkplans/${plan}`);
    const mtu = 1300 + dice.below(100);
    const members = nodes.map((nodeName, at) => ({
      nodeName,
      mtu,
      moveToContainer: true,
      container: { docker: { name: containers[nodeName] } },
      ...(at === 0 && { underlay: { hostname: '192.0.2.1' } }),
    }));
    const [one, two] = nodes;
    const spec = {
      defaultPortRange: { start: 51_800, end: 51_820 },
      nodes: members,
      links: [
        {
          fromNode: one,
          toNodes: [{ nodeName: two, addresses: [{ family: 'inet', local: '10.4.0.1', prefixlen: 24 }] }],
        },
        {
          fromNode: two,
          toNodes: [{ nodeName: one, addresses: [{ family: 'inet', local: '10.4.0.2', prefixlen: 24 }] }],
        },
      ],
    };
    const body = {
      apiVersion: 'networking.dn42.io/v1alpha1',
      kind: 'WireGuardNetworkPlan',
      metadata: { name: plan },
      spec,
    };
    await call(client, 'POST', `${ours}/wireguardnetworkplans`, body).catch(() =>
      call(client, 'PATCH', `${ours}/wireguardnetworkplans/${plan}`, { spec: { nodes: members } }),
    );
  }

  const work = async (): Promise<void> => {
    while (!end.signal.aborted) {
      // What is refused, or answered by nobody, is left: what the API has in the end is what counts.
      await step().catch(() => undefined);
      await sleep(dice.below(60));
    }
  };
  const working = Promise.all([work(), work(), work()]);
  return {
    keys,
    done,
    async stop() {
      end.abort();
      await working;
    },
  };
}

function call(client: Client, method: string, path: string, body?: object): Promise<unknown> {
  const signal = AbortSignal.timeout(5000);
  return client.call(method, path, { signal, ...(body && { body }), ...(method === 'PATCH' && { patch: 'merge' }) });
}

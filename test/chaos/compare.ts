import { isDeepStrictEqual } from 'node:util';
import type { KubeObject } from '@ifactor/bridge';
import { eventStoreOf, streams } from '@ifactor/common/nats';
import { DesiredSchema, InterfaceStatusSchema, kinds, StatusMessageSchema } from '@ifactor/crds';
import type { Desired, InterfaceStatus, StatusMessage } from '@ifactor/crds';
import type { NatsConnection } from '@nats-io/transport-node';
import { containers, places } from './cluster.ts';
import type { Cluster, Node, Place } from './cluster.ts';
import { ours } from './load.ts';

/** What one side says of an object, and what another one says of the same, where they differ. */
type Sides = { objects: KubeObject[]; desired: Desired[]; statuses: StatusMessage[]; links: Map<string, Shown> };

type Shown = {
  ifindex: number;
  ifname: string;
  mtu: number;
  flags: string[];
  ifalias?: string;
  linkinfo?: { info_kind?: string };
  addr_info: { local: string; prefixlen: number }[];
};

/** Differences between API, streams, status and kernel, a line each; empty where all four say the same of every object. */
export async function differences(cluster: Cluster, connection: NatsConnection): Promise<string[]> {
  const sides = await read(cluster, connection);
  const found = sides.objects.flatMap((object) => differencesOf(object, sides));
  const known = new Set(sides.objects.map(({ metadata }) => metadata.uid));
  const expected = new Set(sides.objects.flatMap((object) => linksOf(object).map(({ at }) => at)));
  for (const { uid, name, deleted } of sides.desired)
    if (deleted !== true && !known.has(uid))
      found.push(`${name}: the stream still wants ${uid}, which the API does not have`);
  for (const { uid, name } of sides.statuses)
    if (!known.has(uid)) found.push(`${name}: a status speaks of ${uid}, which the API does not have`);
  for (const [at, { ifalias }] of sides.links)
    if (!expected.has(at)) found.push(`${at}: a link that nobody declares, with the mark ${ifalias ?? 'of nobody'}`);
  for (const object of sides.objects.filter(({ kind }) => kind === kinds.WireGuardInterface.kind)) {
    const { interfaceName, node, peers } = object.spec as {
      interfaceName: string;
      node: Node;
      peers: { publicKey: string }[];
    };
    const [device, ...shown] = (await cluster.wg(node, interfaceName).catch(() => '')).trim().split('\n');
    const said = (object.status as InterfaceStatus | undefined)?.wireguard?.publicKey;
    if (device?.split('\t')[1] !== said) found.push(`${interfaceName}: wg shows another public key than its status`);
    const have = shown.map((line) => line.split('\t')[0] ?? '').toSorted();
    const want = peers.map(({ publicKey }) => publicKey).toSorted();
    if (!isDeepStrictEqual(have, want)) found.push(`${interfaceName}: wg shows the peers ${have.join()}`);
  }
  return found;
}

async function read(cluster: Cluster, connection: NatsConnection): Promise<Sides> {
  const signal = AbortSignal.timeout(20_000);
  const lists = await Promise.all(
    ['netlinkinterfaces', 'wireguardinterfaces'].map((plural) =>
      cluster.client.call<{ items: KubeObject[]; kind: string }>('GET', `${ours}/${plural}`, { signal }),
    ),
  );
  const objects = lists.flatMap(({ items, kind }) =>
    items.map((item) => ({ ...item, kind: kind.replace('List', '') })),
  );
  const links = new Map<string, Shown>();
  for (const place of places) {
    for (const link of JSON.parse(await cluster.ip(place, '-d', '-j', 'address')) as Shown[])
      if (!/^(lo|underlay0)$/.test(link.ifname)) links.set(`${place}/${link.ifname}`, link);
  }
  const lasts = async (stream: string): Promise<unknown[]> => {
    const bodies: unknown[] = [];
    const stop = new AbortController();
    for await (const one of eventStoreOf(connection).follow(stream, '>', AbortSignal.any([stop.signal, signal]))) {
      if (one.type === 'message') bodies.push(JSON.parse(one.message.body));
      else stop.abort();
    }
    return bodies;
  };
  return {
    objects,
    links,
    desired: (await lasts(streams.desired)).map((body) => DesiredSchema.parse(body)),
    statuses: (await lasts(streams.status)).map((body) => StatusMessageSchema.parse(body)),
  };
}

function differencesOf(object: KubeObject, { desired, statuses, links }: Sides): string[] {
  const { metadata, kind } = object;
  const { name, uid, generation } = metadata;
  const found: string[] = [];
  const differ = (what: string, one: unknown, other: unknown): void => {
    if (!isDeepStrictEqual(one, other))
      found.push(`${name}: ${what}: ${JSON.stringify(one)}, ${JSON.stringify(other)}`);
  };
  differ('deletionTimestamp', metadata.deletionTimestamp, undefined);
  const wished = desired.filter((one) => one.uid === uid && one.deleted !== true);
  differ('messages in the stream', wished.length, 1);
  const { privateKey: _, ...spec } = object.spec as Record<string, unknown>;
  differ('generation in API and stream', generation, wished[0]?.generation);
  differ('spec in API and stream', spec, wished[0]?.spec);
  differ('missing secrets', wished[0]?.missing, []);

  const told = statuses.filter((one) => one.uid === uid);
  differ('statuses', told.length, 1);
  const said = told[0]?.status;
  const shown = InterfaceStatusSchema.safeParse(object.status).data;
  differ('generation and its status', generation, shown?.observedGeneration);
  for (const field of ['state', 'observedGeneration', 'netlink', 'wireguard', 'conditions'] as const)
    differ(`${field} in stream and API`, said?.[field], shown?.[field]);
  const ready = shown?.conditions?.find(({ type }) => type === 'Ready');
  differ(`Ready (${ready?.message})`, ready?.status, 'True');

  for (const { at, own, ...wanted } of linksOf(object)) {
    const link = links.get(at);
    if (link === undefined) {
      found.push(`${name}: ${at} is missing`);
      continue;
    }
    const { mtu, flags, ifalias, linkinfo, addr_info } = link;
    differ(`mtu of ${at}`, mtu, wanted.mtu);
    differ(`flag UP of ${at}`, flags.includes('UP'), wanted.up);
    differ(`mark of ${at}`, ifalias, `ifactor:default/${kind.toLowerCase()}/${name}${own ? '' : '#peer'}`);
    if (wanted.type !== 'wireguard') differ(`kind of ${at}`, linkinfo?.info_kind, wanted.type);
    const addresses = addr_info.map(({ local, prefixlen }) => `${local}/${prefixlen}`).toSorted();
    differ(`addresses of ${at}`, addresses, wanted.addresses.toSorted());
    if (own) differ(`index of ${at} and in its status`, link.ifindex, shown?.netlink?.index);
  }
  return found;
}

type Wanted = { at: string; own: boolean; type: string; mtu: number; up: boolean; addresses: string[] };

/** The links that an object of the load declares. */
function linksOf({ kind, spec }: KubeObject): Wanted[] {
  const { node, interfaceName, container, type, mtu, up, addresses } = spec as {
    node: Node;
    interfaceName: string;
    container?: unknown;
    type: string;
    mtu: number;
    up: boolean;
    addresses: ({ ipcidr: string } | { local: string; prefixlen: number })[];
  };
  const place: Place = container === undefined ? node : containers[node];
  const listed = addresses.map((one) => ('ipcidr' in one ? one.ipcidr : `${one.local}/${one.prefixlen}`));
  const near = { at: `${place}/${interfaceName}`, own: true, mtu, addresses: listed };
  if (kind === kinds.WireGuardInterface.kind) return [{ ...near, type: 'wireguard', up: true }];
  if (type !== 'veth') return [{ ...near, type, up }];
  const far = { at: `${near.at}-far`, own: false, type, mtu, up, addresses: [] };
  return [{ ...near, type, up }, far];
}

import type { EventData, EventType, KernelOperation, Performed, Slot } from '@ifactor/crds';
import { isKernelError, KernelError } from '../kernel/index.ts';
import type { Link, NewLink, Netns, WireGuardPeerChange } from '../kernel/index.ts';
import { withoutUndefined } from '../interface/diff/withoutUndefined.ts';
import { readEndpoint } from '../interface/diff/endpoint.ts';
import { farMark, isMark } from '../interface/diff/mark.ts';
import { printSocketAddress } from '@ifactor/common/ip';
import { hasAttributes, toKernel } from './attributes.ts';
import { explained } from './refusal.ts';

/** What `perform` needs from its caller. */
export type Hands = {
  /** The open netns of a slot. @throws KernelError ENOENT if it has no netns now */
  netns(slot: Slot): Netns;
  /** An open netns by its inode; undefined where it is gone, and all its links with it. */
  netnsById(id: string): Netns | undefined;
  /** The private or preshared key with this fingerprint. @throws Error that says which secret is missing */
  secret(fingerprint: string): Buffer;
  /** The address of a host name. @throws Error where it has none now */
  address(host: string): Promise<string>;
};

type Done = { [T in EventType]: { type: T; data: Omit<EventData[T], keyof Performed> } }[EventType];

/** From the cache; a link that our own last request made or renamed is in it after a barrier. */
async function find(netns: Netns, name: string): Promise<Link> {
  const link = netns.link(name);
  if (link) return link;
  await netns.barrier();
  const late = netns.link(name);
  if (!late) throw new KernelError('ENODEV', `find ${name}`, { advice: 'retrying' });
  return late;
}

function newLink(operation: KernelOperation & { type: 'CreateLink' }, netns: Netns, hands: Hands): NewLink {
  const { name, mtu, mac, farMac, link } = operation;
  const base = { name, ...withoutUndefined({ mtu, mac }) };
  if (hasAttributes(link)) return { ...base, ...toKernel(netns, link) };
  if (!('peer' in link)) return { ...base, kind: link.kind };
  const peer = { name: link.peer, netns: hands.netns('peer'), ...withoutUndefined({ mtu, mac: farMac }) };
  return { ...base, kind: link.kind, peer };
}

/** Gives a new or adopted link its mark and its fixed settings. */
const settle = (netns: Netns, link: Link, mark: string, up: boolean | undefined): Promise<void> =>
  netns.changeLink(link.index, { alias: mark, addrGenMode: 'none', ...(up ? { up } : {}) });

/** Creates the link unless it exists. Returns whether it is new. */
async function makeLink(
  operation: KernelOperation & { type: 'CreateLink' },
  netns: Netns,
  hands: Hands,
): Promise<boolean> {
  const { name, mark, link } = operation;
  try {
    await netns.createLink(newLink(operation, netns, hands));
    return true;
  } catch (error) {
    // Adopt a link that a former run created and could not mark before it ended. Anything else is a conflict.
    if (!isKernelError(error, 'EEXIST')) throw error;
    await netns.barrier();
    const there = netns.link(name);
    if (there?.kind !== link.kind || (isMark(there.alias) && there.alias !== mark)) throw error;
    return false;
  }
}

/** Whether a link that was just created has its mark, and the far end of a pair its own. */
async function isMarked(
  { slot, name, mark, link }: KernelOperation & { type: 'CreateLink' },
  hands: Hands,
): Promise<boolean> {
  const ends = [{ netns: hands.netns(slot), name, mark }];
  if ('peer' in link) ends.push({ netns: hands.netns('peer'), name: link.peer, mark: farMark(mark) });
  for (const end of ends) {
    await end.netns.barrier();
    if (end.netns.link(end.name)?.alias !== end.mark) return false;
  }
  return true;
}

async function createLink(operation: KernelOperation & { type: 'CreateLink' }, hands: Hands): Promise<Done> {
  const { slot, name, mark, up, link } = operation;
  const netns = hands.netns(slot);
  const isNew = await makeLink(operation, netns, hands);
  await netns.barrier();
  const made = await find(netns, name);
  try {
    await settle(netns, made, mark, up);
    const data = { slot, name, index: made.index, ...withoutUndefined({ mac: made.mac ?? undefined }) };
    if (!('peer' in link)) return { type: 'LinkCreated', data };
    const far = hands.netns('peer');
    await far.barrier();
    const peer = await find(far, link.peer);
    await settle(far, peer, farMark(mark), up);
    return { type: 'LinkCreated', data: { ...data, ...withoutUndefined({ farMac: peer.mac ?? undefined }) } };
  } catch (error) {
    // The kernel takes no alias in the request that makes a link. Delete a link that could not be marked: no resource would own it.
    if (isNew && !(await isMarked(operation, hands))) await netns.deleteLink(made.index).catch(() => {});
    throw error;
  }
}

/** Removing a link that does not exist succeeds; a link with a foreign mark is left alone. */
async function removeLink(netns: Netns | undefined, index: number, mark: string): Promise<{ absent?: true }> {
  const link = netns?.linkAt(index);
  if (!netns || !link || (isMark(link.alias) && link.alias !== mark && link.alias !== farMark(mark)))
    return { absent: true };
  try {
    await netns.deleteLink(index);
    return {};
  } catch (error) {
    if (!isKernelError(error, 'ENODEV')) throw error;
    return { absent: true };
  }
}

async function setPeer(operation: KernelOperation & { type: 'SetPeer' }, hands: Hands): Promise<Done[]> {
  const { slot, name, publicKey, change } = operation;
  const peer: WireGuardPeerChange = { publicKey };
  const done: Done[] = [];
  if (change.presharedKey !== undefined) {
    peer.presharedKey = change.presharedKey === null ? null : hands.secret(change.presharedKey);
  }
  Object.assign(peer, withoutUndefined({ persistentKeepalive: change.persistentKeepalive }));
  if (change.allowedIPs !== undefined) Object.assign(peer, { replaceAllowedIPs: true, allowedIPs: change.allowedIPs });
  let endpoint: string | null = change.endpoint ?? null;
  let resolved: string | undefined;
  if (endpoint !== null) {
    const { host, port, named } = readEndpoint(endpoint);
    try {
      peer.endpoint = { host: named ? await hands.address(host) : host, port };
      if (named) resolved = printSocketAddress(peer.endpoint);
    } catch (error) {
      const message = `${host} has no address now (${error instanceof Error ? error.message : String(error)}); retrying`;
      done.push({ type: 'EndpointUnresolved', data: { publicKey, endpoint, message } });
      endpoint = null;
    }
  }
  await hands.netns(slot).wireguard.set(name, { peers: [peer] });
  return [
    ...done,
    { type: 'PeerChanged', data: { slot, name, publicKey, endpoint, ...withoutUndefined({ resolved }), change } },
  ];
}

async function setWireGuard(operation: KernelOperation & { type: 'SetWireGuard' }, hands: Hands): Promise<Done> {
  const { slot, name, change } = operation;
  const { privateKey, ...rest } = change;
  await hands.netns(slot).wireguard.set(name, {
    ...rest,
    ...(privateKey === undefined ? {} : { privateKey: hands.secret(privateKey) }),
  });
  return { type: 'WireGuardChanged', data: { slot, name, change } };
}

const without = async (action: Promise<void>, ...codes: [string, ...string[]]): Promise<void> => {
  await action.catch((error: unknown) => {
    if (!isKernelError(error, ...codes)) throw error;
  });
};

/**
 * Performs one operation and returns what was done.
 * @throws KernelError with the kernel's words, or with the field of the object that it concerns
 */
export async function perform(operation: KernelOperation, hands: Hands): Promise<Done[]> {
  try {
    return await carryOut(operation, hands);
  } catch (error) {
    throw explained(error, operation);
  }
}

async function carryOut(operation: KernelOperation, hands: Hands): Promise<Done[]> {
  switch (operation.type) {
    case 'CreateLink':
      return [await createLink(operation, hands)];
    case 'AdoptLink': {
      const { slot, name, index, mark } = operation;
      await hands.netns(slot).changeLink(index, { alias: mark });
      return [{ type: 'LinkAdopted', data: { slot, name } }];
    }
    case 'ChangeLink': {
      const { slot, name, change } = operation;
      const netns = hands.netns(slot);
      const { link, ...rest } = change;
      await netns.changeLink((await find(netns, name)).index, {
        ...rest,
        ...(link === undefined ? {} : { attributes: toKernel(netns, link) }),
      });
      return [{ type: 'LinkChanged', data: { slot, name, change } }];
    }
    case 'MoveLink': {
      const { slot, name, from } = operation;
      const [source, target] = [hands.netns(from), hands.netns(slot)];
      await source.changeLink((await find(source, name)).index, { netns: target });
      await target.barrier();
      return [{ type: 'LinkMoved', data: { slot, name, from } }];
    }
    case 'RemoveLink': {
      const { slot, name, index, mark, anew } = operation;
      const removal = await removeLink(hands.netns(slot), index, mark);
      return [{ type: 'LinkRemoved', data: { slot, name, ...withoutUndefined({ anew }), ...removal } }];
    }
    case 'RemoveStray': {
      const { netns, name, index, mark } = operation;
      const removal = await removeLink(hands.netnsById(netns), index, mark);
      return [{ type: 'LinkRemoved', data: { slot: null, name, ...removal } }];
    }
    case 'AddAddress': {
      const { slot, name, address } = operation;
      const netns = hands.netns(slot);
      await without(netns.addAddress((await find(netns, name)).index, address), 'EEXIST');
      return [{ type: 'AddressAdded', data: { slot, name, address } }];
    }
    case 'RemoveAddress': {
      const { slot, name, address } = operation;
      const netns = hands.netns(slot);
      await without(netns.removeAddress((await find(netns, name)).index, address), 'EADDRNOTAVAIL', 'ENODEV');
      return [{ type: 'AddressRemoved', data: { slot, name, address } }];
    }
    case 'AttachSlave':
    case 'ReleaseSlave': {
      const { slot, name, slave } = operation;
      const netns = hands.netns(slot);
      const attach = operation.type === 'AttachSlave';
      const master = attach ? (await find(netns, name)).index : null;
      const changed = netns.changeLink((await find(netns, slave)).index, { master });
      await (attach ? changed : without(changed, 'ENODEV'));
      return [{ type: attach ? 'SlaveAttached' : 'SlaveReleased', data: { slot, name, slave } }];
    }
    case 'SetWireGuard':
      return [await setWireGuard(operation, hands)];
    case 'SetPeer':
      return setPeer(operation, hands);
    case 'RemovePeer': {
      const { slot, name, publicKey } = operation;
      await hands.netns(slot).wireguard.set(name, { peers: [{ publicKey, remove: true }] });
      return [{ type: 'PeerRemoved', data: { slot, name, publicKey } }];
    }
  }
}

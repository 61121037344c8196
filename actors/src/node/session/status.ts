import { hash } from 'node:crypto';
import { statusLimits } from '@ifactor/crds';
import type { Condition, InterfaceStatus, StatusMessage } from '@ifactor/crds';
import { printAddress } from '@ifactor/crds/words';
import { privateKeyRef } from '../../interface/kind/index.ts';
import { printSocketAddress } from '@ifactor/common/ip';
import { hashOf } from '../../interface/machine/fold.ts';
import type { Actor } from '../runner/actor.ts';
import { verdictWords } from '../../interface/words/verdict.ts';

/** The least time between two updates of handshakes in the status, in milliseconds. */
const handshakeEvery = 30_000;

/** Where the agent runs. */
export type Host = { node: string; hostname: string };

/**
 * The published status of an actor: its fold, and what the kernel shows now (operational state, flags,
 * handshakes), which no decision depends on. Null before its object is known.
 */
export function statusMessage(actor: Actor, host: Host): StatusMessage | null {
  const { context } = actor.snapshot;
  if (!context.desired) return null;
  const { kind, namespace, name } = actor.key;
  return {
    uid: context.desired.uid,
    kind,
    namespace,
    name,
    node: host.node,
    hash: hashOf(actor.snapshot),
    status: statusOf(actor, host),
  };
}

function statusOf(actor: Actor, host: Host): InterfaceStatus {
  const { value, context } = actor.snapshot;
  const { desired, ready, verdict } = context;
  const condition: Condition = {
    type: 'Ready',
    status: ready.status,
    lastTransitionTime: ready.since,
    reason: verdict.reason,
    message: verdictWords(context),
    ...(desired ? { observedGeneration: desired.generation } : {}),
  };
  const netlink = netlinkOf(actor);
  const wireguard = wireguardOf(actor, netlink !== undefined);
  return {
    state: value,
    conditions: [condition],
    hostname: host.hostname,
    nodename: host.node,
    ...(desired ? { observedGeneration: desired.generation } : {}),
    ...(netlink ? { netlink } : {}),
    ...(wireguard ? { wireguard } : {}),
    ...(actor.lastEvent ? { lastEvent: actor.lastEvent } : {}),
  };
}

/**
 * Takes in what a look showed beyond the fold. True if the status should be published again: the link's operational state
 * changed, or a peer completed a handshake and the last update of handshakes is long enough ago.
 */
export function refreshDetails(actor: Actor, now: number): boolean {
  const { handshakes, device } = actor;
  const first = device?.peers.some(
    ({ publicKey, lastHandshakeTime }) => lastHandshakeTime !== null && !handshakes.times.has(publicKey),
  );
  if (first || now - handshakes.at >= handshakeEvery) {
    const shaken = device?.peers.flatMap(({ publicKey, lastHandshakeTime }) =>
      lastHandshakeTime === null ? [] : [[publicKey, lastHandshakeTime] as const],
    );
    actor.handshakes = { at: now, times: new Map(shaken) };
  }
  // Kept for every interface for its whole life: a digest takes the least memory.
  const digest = hash('sha1', JSON.stringify([netlinkOf(actor), wireguardOf(actor, true)]), 'base64');
  if (digest === actor.statusDigest) return false;
  actor.statusDigest = digest;
  return true;
}

/** The link where it belongs, or, on its way there, at home. */
function netlinkOf(actor: Actor): InterfaceStatus['netlink'] {
  const links = actor.snapshot.context.observed?.links ?? {};
  for (const slot of ['target', 'home'] as const) {
    const netns = actor.netns.get(slot);
    const link = netns?.linkAt(links[slot]?.index ?? -1);
    if (!netns || !link) continue;
    return {
      index: link.index,
      mtu: link.mtu,
      flags: link.flags.slice(0, statusLimits.flags),
      operState: link.operState.toUpperCase(),
      addresses: netns
        .addresses(link.index)
        .slice(0, statusLimits.addresses)
        .map((address) => printAddress({ ...address, noPrefixRoute: false })),
      netns: netns.id,
    };
  }
  return undefined;
}

/**
 * The device. Its public key is published as soon as it is known, and also while the link is missing: peers are configured with it,
 * and must not drop it while the link is being repaired.
 */
function wireguardOf({ device, handshakes, snapshot }: Actor, there: boolean): InterfaceStatus['wireguard'] {
  const publicKey = snapshot.context.secrets[privateKeyRef] ?? device?.publicKey;
  if (!device || !there) return publicKey ? { publicKey, listenPort: 0, peers: [] } : undefined;
  return {
    ...(publicKey ? { publicKey } : {}),
    listenPort: device.listenPort,
    peers: device.peers.slice(0, statusLimits.peers).map((peer) => ({
      publicKey: peer.publicKey,
      ...(peer.endpoint === null ? {} : { endpoint: printSocketAddress(peer.endpoint) }),
      allowedIPs: peer.allowedIPs.slice(0, statusLimits.allowedIPs),
      ...(handshakes.times.has(peer.publicKey)
        ? { lastHandshakeTime: new Date(handshakes.times.get(peer.publicKey) ?? 0).toISOString() }
        : {}),
      ...(peer.persistentKeepalive === 0 ? {} : { persistentKeepalive: peer.persistentKeepalive }),
    })),
  };
}

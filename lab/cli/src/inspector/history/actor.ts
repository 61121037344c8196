import type { Context } from '@ifactor/actors';
import type { ContainerSelector, InterfaceSpec } from '@ifactor/crds';
import type { ActorInfo } from '../protocol.ts';
import type { Track } from './track.ts';

/** Describes an actor from its log so far. */
export function infoOf({ id, node, key, snapshot }: Pick<Track, 'id' | 'node' | 'key' | 'snapshot'>): ActorInfo {
  const spec = snapshot?.context.spec ?? null;
  return {
    id,
    node,
    key,
    interfaceName: spec?.interfaceName ?? key.name,
    type: spec === null ? key.kind : typeOf(spec),
    container: spec === null ? null : containerOf(spec),
  };
}

const typeOf = (spec: InterfaceSpec): string => ('type' in spec ? spec.type : 'wireguard');

/** The container as the spec names it; null: the node's home netns. */
function containerOf(spec: InterfaceSpec): string | null {
  if ('moveToContainer' in spec && !spec.moveToContainer) return null;
  return spec.container === undefined ? null : selectorText(spec.container);
}

function selectorText({ docker, podman, netns }: ContainerSelector): string | null {
  const pid = netns?.pid === undefined ? null : `process ${netns.pid}`;
  return docker?.name ?? podman?.name ?? netns?.path ?? netns?.name ?? pid;
}

/** The device's own public key, and those of its peers. */
export function keysOf({ spec, secrets, observed }: Context): { own: string | null; peers: readonly string[] } {
  if (spec === null || !('peers' in spec)) return { own: null, peers: [] };
  const seen = observed?.links.target?.wireguard ?? observed?.links.home?.wireguard;
  return { own: secrets['privateKey'] ?? seen?.publicKey ?? null, peers: spec.peers.map(({ publicKey }) => publicKey) };
}

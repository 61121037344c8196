import { deviceBelow, slavesOf } from '@ifactor/crds';
import type { NetlinkInterfaceSpec } from '@ifactor/crds';
import { infoOf, keysOf } from '../history/actor.ts';
import type { ActorId, ActorInfo, Topology } from '../protocol.ts';
import type { Track } from '../history/track.ts';

/** What there is and what belongs together, before it has places on a map. */
export type Graph = { actors: readonly ActorInfo[]; links: Topology['links'] };

/** The name under which a tunnel is known from both of its ends. */
const tunnelId = (a: ActorId, b: ActorId): string => `tunnel ${[a, b].toSorted().join(' ')}`;

/** Actors and their links, from the log so far. */
export function graphOf(tracks: Iterable<Track>): Graph {
  const all = [...tracks].toSorted((a, b) => (a.id < b.id ? -1 : 1));
  const actors = all.map(infoOf);
  const byPlace = new Map(actors.map((actor) => [placeText(actor, actor.interfaceName), actor.id]));
  const keys = all.flatMap(({ id, snapshot }) => (snapshot ? [{ id, ...keysOf(snapshot.context) }] : []));
  const owners = new Map(keys.flatMap(({ id, own }) => (own === null ? [] : [[own, id]])));
  const peers = new Map(keys.map(({ id, peers: list }) => [id, new Set(list)]));
  const links: Topology['links'][number][] = [];
  for (const { id, own, peers: list } of keys) {
    for (const publicKey of list) {
      const other = owners.get(publicKey);
      if (other === undefined || own === null || other <= id || !peers.get(other)?.has(own)) continue;
      links.push({ id: tunnelId(id, other), from: id, to: other, kind: 'tunnel' });
    }
  }
  all.forEach(({ snapshot }, index) => {
    const spec = snapshot?.context.spec;
    const actor = actors[index];
    if (!spec || !actor || !('type' in spec)) return;
    const add = (name: string, kind: 'slave' | 'under'): void => {
      const other = byPlace.get(placeText(actor, name));
      if (other !== undefined && other !== actor.id)
        links.push({ id: `${kind} ${actor.id} ${other}`, from: actor.id, to: other, kind });
    };
    for (const slave of slavesOf(spec)) add(slave, 'slave');
    for (const dev of devicesUnder(spec)) add(dev, 'under');
  });
  return { actors, links };
}

/** The device below, in a list; empty if it has no such device. */
const devicesUnder = (spec: NetlinkInterfaceSpec): string[] => [deviceBelow(spec) ?? []].flat();

/** Everything that an actor adds to the graph, to detect changes. */
export function shapeOf(track: Track): string {
  const context = track.snapshot?.context;
  const spec = context?.spec;
  const below = spec && 'type' in spec ? [slavesOf(spec), devicesUnder(spec)] : [];
  return JSON.stringify([infoOf(track), context ? keysOf(context) : null, below]);
}

/** A name in the netns that an actor belongs in. */
const placeText = ({ node, container }: ActorInfo, name: string): string => JSON.stringify([node, container, name]);

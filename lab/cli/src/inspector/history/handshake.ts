import type { StatusMessage } from '@ifactor/crds';
import { actorOf, originOf } from '../../log/lives.ts';
import { keysOf } from './actor.ts';
import type { ActorId, Topology } from '../protocol.ts';
import type { Track } from './track.ts';

/** The last handshake of each actor with each peer, as its agent reported; a status may arrive before the events it is based on. */
export class Handshakes {
  readonly #heard = new Map<ActorId, ReadonlyMap<string, string>>();

  /** @returns whether the status reports any */
  hear(status: StatusMessage): boolean {
    const times = (status.status.wireguard?.peers ?? []).flatMap(({ publicKey, lastHandshakeTime }) =>
      lastHandshakeTime === undefined ? [] : [[publicKey, lastHandshakeTime] as const],
    );
    if (times.length > 0) this.#heard.set(actorOf(originOf(status)), new Map(times));
    return times.length > 0;
  }

  /** The newest of each tunnel, by either of its ends. */
  of(links: Topology['links'], tracks: ReadonlyMap<ActorId, Track>): { [link: string]: string } {
    const own = (id: ActorId): string => {
      const snapshot = tracks.get(id)?.snapshot;
      return (snapshot && keysOf(snapshot.context).own) ?? '';
    };
    const tunnels = links.filter(({ kind }) => kind === 'tunnel');
    return Object.fromEntries(
      tunnels.flatMap(({ id, from, to }) => {
        const times = [this.#heard.get(from)?.get(own(to)), this.#heard.get(to)?.get(own(from))].filter(
          (time) => time !== undefined,
        );
        const newest = times.toSorted().at(-1);
        return newest === undefined ? [] : [[id, newest]];
      }),
    );
  }
}

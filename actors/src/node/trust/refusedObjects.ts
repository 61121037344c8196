import type { NodeEntry } from '@ifactor/crds';
import type { RefusalReason } from './trust.ts';

/** Objects whose refused messages are remembered, at most. */
const most = 1000;

type Refused = { reason: RefusalReason; subject: string; since: string };

/** Objects whose last message was refused, by the actor's id. */
export class RefusedObjects {
  readonly #known = new Map<string, Refused>();

  /** @returns whether that is news: not known of this object, or for another reason */
  add(id: string, refused: Refused): boolean {
    if (this.#known.get(id)?.reason === refused.reason) return false;
    this.#known.delete(id);
    const [oldest] = this.#known.keys();
    if (this.#known.size >= most && oldest !== undefined) this.#known.delete(oldest);
    this.#known.set(id, refused);
    return true;
  }

  /** A message about the object was accepted. */
  drop(id: string): void {
    this.#known.delete(id);
  }

  /** Of other objects the stream has no message any more. */
  keepOnly(ids: ReadonlySet<string>): void {
    for (const id of this.#known.keys()) if (!ids.has(id)) this.#known.delete(id);
  }

  /** What the node says of it; undefined if there is nothing to say. */
  summary(): NodeEntry['refused'] {
    const last = [...this.#known.values()].at(-1);
    return last && { objects: this.#known.size, ...last };
  }
}

import { timestamp } from '@ifactor/common';
import type { StoredMessage } from '@ifactor/common/eventStore';
import { formatDesiredSubject } from '@ifactor/crds';
import type { Key, NodeEntry } from '@ifactor/crds';
import { refusedDesiredWords } from '@ifactor/crds/words';
import type { Runtime } from '../../runtime.ts';
import { spellKey } from '../journal/read.ts';
import type { Runner } from '../runner/runner.ts';
import { RefusedObjects } from './refusedObjects.ts';
import type { RefusalReason, Trust } from './trust.ts';

/**
 * What stands between NATS and the actors: lets through what the bridge signed. What is refused is told once, until a message about
 * the object is accepted: in the log, as an event of the interface, and in the node's entry.
 */
export class Intake {
  readonly #trust: Trust;
  readonly #runner: Pick<Runner, 'actors' | 'tell'>;
  readonly #runtime: Runtime;
  readonly #node: string;
  readonly #refusals = new RefusedObjects();

  constructor(trust: Trust, runner: Pick<Runner, 'actors' | 'tell'>, node: string, runtime: Runtime) {
    this.#trust = trust;
    this.#runner = runner;
    this.#node = node;
    this.#runtime = runtime;
  }

  /** Whether a message about an object is accepted. */
  admits(key: Key, message: StoredMessage): boolean {
    const refused = this.#trust.judge(spellKey(key), message);
    if (refused === null) this.#refusals.drop(spellKey(key));
    else this.refuse(key, refused);
    return refused === null;
  }

  refuse(key: Key, reason: RefusalReason): void {
    const id = spellKey(key);
    const subject = formatDesiredSubject({ ...key, node: this.#node });
    if (!this.#refusals.add(id, { reason, subject, since: timestamp(this.#runtime.clock) })) return;
    this.#runtime.log.warn(refusedDesiredWords(reason), { reason, subject });
    const actor = this.#runner.actors.get(id);
    if (actor) this.#runner.tell(actor, { type: 'DesiredRefused', data: { reason } }, null);
  }

  /** The stream has messages about these objects only. */
  caughtUp(ids: ReadonlySet<string>): void {
    this.#refusals.keepOnly(ids);
  }

  /** What the node's entry says of it. */
  refused(): NodeEntry['refused'] {
    return this.#refusals.summary();
  }
}

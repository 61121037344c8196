import { explain } from '@ifactor/common';
import type { Key } from '@ifactor/crds';
import { fold } from '../interface/machine/fold.ts';
import { spellKey } from '../node/journal/read.ts';
import { Actor } from '../node/runner/actor.ts';
import type { Cause, Fact } from '../node/runner/actor.ts';
import type { Mailbox } from '../node/runner/mailbox.ts';

export const bridgeSpec = { node: 'n1', interfaceName: 'br0', type: 'bridge', up: true, addresses: [] };

/** Keeps what actors are told, in order; nothing is folded unless a test does it with `learn`. */
export class TestMailbox implements Mailbox {
  readonly actors = new Map<string, Actor>();
  parked = false;
  /** Failures that were contained: `<actor> <step>: <message>`. */
  readonly failures: string[] = [];
  #told: { to: string; fact: Fact; cause: Cause | null }[] = [];

  tell(actor: Actor, fact: Fact, cause: Cause | null): void {
    this.#told.push({ to: actor.key.name, fact, cause });
  }

  contain(actor: Actor, step: string, run: () => void): void {
    try {
      run();
    } catch (error) {
      this.failures.push(`${actor.key.name} ${step}: ${explain(error)}`);
    }
  }

  /** What was told since the last call: `<actor> <type>` with its data. */
  take(): [what: string, data: unknown][] {
    return this.takeCaused().map(([what, data]) => [what, data]);
  }

  /** As `take`, with the cause of each. */
  takeCaused(): [what: string, data: unknown, cause: Cause | null][] {
    const told = this.#told;
    this.#told = [];
    return told.map(({ to, fact, cause }) => [`${to} ${fact.type}`, fact.data, cause]);
  }

  /** An actor of the node that has received no event. */
  add(name: string, kind = 'netlinkinterface'): Actor {
    const key: Key = { kind, namespace: 'default', name };
    const actor = new Actor(key, spellKey(key));
    this.actors.set(actor.id, actor);
    return actor;
  }

  /** An actor that has received its spec. */
  declare(name: string, spec: object = bridgeSpec, more: Partial<Declared> & { kind?: string } = {}): Actor {
    const { kind, ...declared } = more;
    const actor = this.add(name, kind);
    respecify(actor, spec, declared);
    return actor;
  }
}

type Declared = { uid: string; generation: number; resourceVersion: string; creationTimestamp: string };

/** The spec changes. */
export function respecify(actor: Actor, spec: object, more: Partial<Declared> = {}): void {
  const { desired } = actor.snapshot.context;
  const declared = { uid: `uid-${actor.key.name}`, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z' };
  const generation = (desired?.generation ?? 0) + 1;
  learn(actor, {
    type: 'SpecChanged',
    data: { ...declared, generation, spec: { node: 'n1', ...spec } as never, ...more },
  });
}

/** Folds a fact into an actor, as the runner does once it is recorded. */
export function learn(actor: Actor, fact: Fact): void {
  actor.snapshot = fold(actor.snapshot, { ...fact, time: '2026-01-01T00:00:00.000Z' }).snapshot;
}

import { setImmediate } from 'node:timers/promises';
import { expect } from 'vitest';
import type { EventType, State } from '@ifactor/crds';
import type { Actor } from '../node/runner/actor.ts';
import type { Bench } from './kernel/suite.ts';
import type { Netns } from '../kernel/index.ts';
import { TestClock } from '@ifactor/common/testing';
import { key, live, situation, specOf, start } from './model.ts';
import type { Cause, Model } from './model.ts';
import { TestNode } from './node.ts';

const name = 'vx9';
/** Longer than any timer, in milliseconds. */
const longest = 61_000;

/** A node on a kernel, that the causes of a path really happen to; the model goes beside it. */
export class Stage {
  readonly #bench: Bench;
  readonly #paths: { home: string; box: string };
  readonly #box: Netns;
  #clock = new TestClock();
  #node: TestNode;
  #model = start;
  #there = true;
  #generation = 0;

  private constructor(bench: Bench, paths: { home: string; box: string }, box: Netns) {
    this.#bench = bench;
    this.#paths = paths;
    this.#box = box;
    this.#node = this.#begin();
  }

  static async make(bench: Bench): Promise<Stage> {
    const paths = { home: await bench.addNetns(), box: await bench.addNetns() };
    return new Stage(bench, paths, await bench.kernel.open(paths.box));
  }

  #begin(folder?: string): TestNode {
    const path = (place: string): string => (place === 'home' ? this.#paths.home : this.#paths.box);
    return new TestNode({
      kernel: this.#bench.kernel,
      path,
      clock: this.#clock,
      ...(folder === undefined ? {} : { folder }),
    });
  }

  /** Lets the causes happen, one after the other, and compares with the model after each. Leaves the box empty. @throws */
  async walk(path: readonly Cause[]): Promise<void> {
    for (const cause of path) {
      const from = this.#node.journal.sequence;
      const before = this.#model;
      this.#model = live(before, cause);
      await this.#happen(cause, this.#model);
      await this.#agrees(`${situation(before)}\n  ${cause.type} → ${situation(this.#model)}`, from);
    }
  }

  /** Resets to a kernel without links and a node without objects. */
  async clear(): Promise<void> {
    this.#node.dispose();
    await this.#empty();
    this.#clock = new TestClock();
    this.#there = true;
    this.#node = this.#begin();
    this.#model = start;
  }

  async end(): Promise<void> {
    this.#node.dispose();
    await this.#bench.close();
  }

  async #empty(): Promise<void> {
    for (const link of [name, 'rival']) await this.#remove(link);
  }

  async #remove(link: string): Promise<void> {
    await this.#box.barrier();
    const found = this.#box.link(link);
    if (found) await this.#box.deleteLink(found.index);
    await this.#box.barrier();
  }

  get #actor(): Actor | undefined {
    return this.#node.runner.actors.get(`${key.kind}/${key.namespace}/${key.name}`);
  }

  async #happen({ type }: Cause, { mtu, objects }: Model): Promise<void> {
    const declare = (more: object): void =>
      void this.#node.apply('NetlinkInterface', key.name, specOf(mtu ?? 0), {
        uid: `uid-${objects}`,
        generation: ++this.#generation,
        ...more,
      });
    const tell = (fact: 'Paused' | 'Resumed'): void =>
      this.#node.runner.tell(this.#actor!, { type: fact, data: { by: 'test' } }, null);
    switch (type) {
      case 'apply':
      case 'edit':
      case 'spoil':
        return declare({});
      case 'delete':
        return declare({ deletionTimestamp: '2026-01-02T00:00:00Z' });
      case 'forget':
        return declare({ deletionTimestamp: '2026-01-02T00:00:00Z', deleted: true });
      case 'change':
        return this.#box.changeLink(this.#box.link(name)?.index ?? 0, { mtu: 1200 });
      case 'unlink':
      case 'vacate':
        return this.#remove(name);
      case 'occupy':
        return this.#box.createLink({ kind: 'bridge', name });
      case 'rival':
        return this.#box.createLink({ kind: 'vxlan', name: 'rival', vxlan: { vni: 9, port: 4790 } });
      case 'yield':
        return this.#remove('rival');
      case 'leave':
      case 'return':
        this.#there = type === 'return';
        await this.#node.places.set('box', this.#there);
        return this.#there ? undefined : this.#empty();
      case 'pause':
        return tell('Paused');
      case 'resume':
        return tell('Resumed');
      case 'wait': {
        const until = this.#actor?.snapshot.context.failure?.until;
        return this.#clock.pass(until ? Date.parse(until) - this.#clock.now() : longest);
      }
      case 'restart':
        this.#node.stop();
        this.#node = this.#begin(this.#node.folder);
        await this.#node.places.set('box', this.#there);
        this.#node.runner.restore('test');
    }
  }

  /** Waits until the node has come to what the model says, by the same states, and checks the kernel. */
  async #agrees(what: string, from: number): Promise<void> {
    const { actor, events, states, link } = this.#model;
    const story = (): string => `${what}\n${this.#node.story()}`;
    const log = () => this.#node.events().filter(({ sequence }) => sequence > from);
    const arrived = (): boolean => {
      // It is forgotten in the same turn, after its last word.
      if (!actor)
        return events.length === 0 || log().some(({ type, data }) => type === 'DeletionRequested' && data.gone);
      const now = this.#actor;
      if (!now) return false;
      const { value, context } = now.snapshot;
      const { secrets, places, observe } = context.asked;
      const busy = context.running !== null || secrets || places || observe;
      return (
        !busy &&
        value === actor.value &&
        context.verdict.reason === actor.context.verdict.reason &&
        within(
          events,
          log().map(({ type }) => type),
        )
      );
    };
    await this.#node.until(arrived, story, 20_000);
    if (!actor) await setImmediate();
    if (!actor) expect(this.#actor, story()).toBeUndefined();
    expect(turns(log().map(({ state }) => state as State)), story()).toEqual(turns(states));
    await this.#box.barrier();
    const found = this.#box.link(name);
    expect(found && { kind: found.kind, mtu: found.mtu, alias: found.alias }, story()).toEqual(
      link ? { kind: link.kind, mtu: link.mtu, alias: link.alias } : undefined,
    );
  }
}

/** States without those that only stay. */
const turns = (states: readonly State[]): State[] => states.filter((state, at) => state !== states[at - 1]);

/** Whether all of these happened, in this order; the kernel may report others in between. */
function within(events: readonly EventType[], log: readonly EventType[]): boolean {
  let at = 0;
  for (const type of log) if (type === events[at]) at++;
  return at === events.length;
}

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { states } from '@ifactor/crds';
import type { State } from '@ifactor/crds';
import {
  causes,
  cover,
  isOurs,
  live,
  liveAll,
  paths,
  possibleIn,
  situation,
  spellPath,
  start,
} from '../../testing/model.ts';
import type { Cause, Model } from '../../testing/model.ts';
import { fold, hashOf } from './fold.ts';
import { describeVerdict } from '../words/verdict.ts';
import { successors } from './arrows.ts';

/*
 * The pure machine on every path that xstate/graph finds through it and a world of one container, one link and one rival. That a link of
 * somebody else's is operated on, or that it goes on without end, the world itself refuses.
 */
const all = paths();
const lives = all.map((path) => ({ path, models: liveAll(path) }));
const situations = new Map(
  lives.flatMap(({ path, models }) =>
    models.map((model, at) => [situation(model), { model, path: path.slice(0, at + 1) }] as const),
  ),
);

/** What a person would do who wants the interface up. */
const cures: Cause['type'][] = ['resume', 'return', 'vacate', 'yield', 'edit', 'wait'];
function cured(model: Model): Model {
  let next = model;
  for (const type of cures) if (possibleIn(next).some((cause) => cause.type === type)) next = live(next, { type });
  return next;
}

/** Random causes, each time with one result of an operation told again; the numbers choose. */
function undisturbed(picks: [cause: number, again: number][]): void {
  let model = start;
  const results: Model['told'][number][] = [];
  for (const [cause, late] of picks) {
    const possible = possibleIn(model);
    model = live(model, possible[cause % possible.length]!);
    results.push(...model.told.filter(({ data }) => 'operations' in data));
    const again = results[late % results.length];
    if (!model.actor || !again) continue;
    const { snapshot, operations } = fold(model.actor, { ...again, time: new Date(model.now).toISOString() });
    expect(operations).toEqual([]);
    expect(hashOf(snapshot)).toBe(hashOf(model.actor));
  }
}

describe('for any order of causes', () => {
  it('what was done is no news when it is told twice, or late', () => {
    const picks = fc.array(fc.tuple(fc.nat(1000), fc.nat(1000)), { maxLength: 40 });
    expect(() => fc.assert(fc.property(picks, undisturbed), { numRuns: 300 })).not.toThrow();
  });
});

describe('on every path through the lifecycle', () => {
  it('there are some hundreds of situations, and with every cause, and every state but that of what stays at home', () => {
    expect(situations.size).toBeGreaterThan(200);
    expect(new Set(all.flat().map(({ type }) => type))).toEqual(new Set(causes));
    expect(new Set(lives.flatMap(({ models }) => models.flatMap((model) => model.states)))).toEqual(
      new Set(states.filter((state) => state !== 'configured')),
    );
  });

  it('a few of them have everything happen that happens in all', () => {
    expect(cover(all).length).toBeLessThan(all.length / 4);
  });

  it('the actor goes from state to state as the law allows', () => {
    const ways = new Set<string>();
    for (const { models } of lives) {
      let last: State = 'pending';
      for (const { states: passed, actor } of models) {
        for (const state of passed) {
          if (state !== last) expect(successors[last], `${last} to ${state}`).toContain(state);
          if (state !== last) ways.add(`${last} ${state}`);
          last = state;
        }
        if (actor === null) last = 'pending';
      }
    }
    expect(ways.size).toBeGreaterThanOrEqual(20);
  });

  it('is healthy with exactly the link that is declared, or says what it waits for', () => {
    for (const { model, path } of situations.values()) {
      const { actor, link, mtu, deleting } = model;
      if (actor === null || actor.context.paused !== null) continue;
      const { state, reason, message } = describeVerdict(actor.context);
      const why = `${spellPath(path)}: ${state} ${reason}`;
      if (state === 'moved-to-netns') expect([isOurs(link), link?.mtu, deleting], why).toEqual([true, mtu, false]);
      else if (state === 'deleted') expect(deleting && (!isOurs(link) || !model.there), why).toBe(true);
      else expect(['ContainerGone', 'NameConflict', 'InvalidSpec', 'OperationFailed'], why).toContain(reason);
      if (reason === 'OperationFailed') expect(model.timers, why).toEqual(['retry']);
      expect(message, why).not.toBe('');
    }
  });

  it('becomes healthy, or is gone without a trace, once what it waits for is there', () => {
    for (const { model, path } of situations.values()) {
      if (model.actor === null) continue;
      const { actor, link } = cured(model);
      const why = `${spellPath(path)}, and cured`;
      if (model.deleting) expect([actor?.value, isOurs(link)], why).toEqual(['deleted', false]);
      else expect([actor?.value, isOurs(link)], why).toEqual(['moved-to-netns', true]);
    }
  });

  it('goes on from a stored state as if it had not been away', () => {
    for (const { model, path } of situations.values()) {
      if (model.actor === null || model.timers.length > 0 || model.actor.context.paused !== null) continue;
      const after = live(model, { type: 'restart' });
      expect(after.actor?.value, spellPath(path)).toBe(model.actor.value);
      expect(after.link, spellPath(path)).toEqual(model.link);
    }
  });
});

import { describe, expect, it, vi } from 'vitest';
import { states } from '@ifactor/crds';
import type { InterfaceEvent } from '@ifactor/crds';
import { cover, live, paths, start } from '../../testing/model.ts';
import { walk } from '../../testing/walks.ts';
import type { WalkStep } from '../../testing/walks.ts';
import { verdictWords } from '../words/verdict.ts';
import { arrows, groupsOf, leafOf, leads, valueOf } from './arrows.ts';
import { fold, initial, step, TransitionError } from './fold.ts';
import { isHealthy } from './verdict.ts';

/*
 * Random lives with everything that an agent could tell an actor, likely or not, through the fold, which throws where the statechart
 * has no way for what was decided.
 */
vi.setConfig({ testTimeout: 300_000 });

const lives = 150;
/** Lives that take every way between them; where the machine has changed, others are looked for. */
const rich = [
  24552, 899, 8036, 592, 3396, 800, 894, 1851, 2749, 2000, 3804, 4478, 43, 45, 91, 170, 184, 241, 253, 531, 1305, 1661,
  1853, 2754, 6352,
];
const length = 120;

/** Looks at every step of many lives; a failure says which life it was. */
function everywhere(look: (taken: WalkStep, seed: number) => void): void {
  for (let seed = 1; seed <= lives; seed++) for (const taken of walk(seed, length)) look(taken, seed);
}

describe('the statechart', () => {
  it('groups the states of status, and no others', () => {
    for (const state of states) expect(leafOf(valueOf(state))).toBe(state);
    expect(valueOf('moved-to-netns')).toEqual({ alive: { healthy: 'moved-to-netns' } });
    expect(valueOf('deleted')).toEqual({ ending: 'deleted' });
    expect(groupsOf('pending')).toEqual(['alive']);
  });

  it('has no way that no life takes', () => {
    const left = new Set(arrows.flatMap(({ from, to, guards }) => guards.map((guard) => `${from} ${guard} ${to}`)));
    const take = (seed: number): void => {
      for (const { before, after } of walk(seed, length)) {
        if (before.value !== after.value)
          left.delete(`${before.value} ${after.context.verdict.finding} ${after.value}`);
      }
    };
    rich.forEach(take);
    for (let seed = 1; seed <= 30_000 && left.size > 0; seed++) take(seed);
    expect([...left]).toEqual([]);
  });

  it('is what the fold folds: XState comes to the same, in random lives and on the paths that xstate/graph finds', () => {
    everywhere(({ event, before, after }, seed) => expect(step(before, event), `life ${seed}`).toEqual(after));
    for (const path of cover(paths())) {
      let model = start;
      for (const cause of path) {
        let actor = model.actor;
        model = live(model, cause);
        const time = new Date(model.now).toISOString();
        actor ??= model.actor && initial(model.actor.context.key);
        for (const fact of model.told) {
          if (!actor) break;
          const event: InterfaceEvent = { ...fact, time };
          const { snapshot } = fold(actor, event);
          expect(step(actor, event)).toEqual(snapshot);
          actor = snapshot;
        }
      }
    }
  });

  it('refuses what it has no way for, and names both states', () => {
    expect(leads('pending', 'kernelDiffers', 'drifted')).toBe(false);
    const taken = rich.flatMap((seed) => [...walk(seed, length)]).find(({ after }) => after.value === 'drifted');
    const given = { ...taken!.before, value: 'pending' as const };
    expect(() => fold(given, taken!.event)).toThrow(TransitionError);
    expect(() => fold(given, taken!.event)).toThrow('no way from pending to drifted by kernelDiffers');
    expect(() => step(given, taken!.event)).toThrow('no way from pending to drifted by kernelDiffers');
  });
});

describe('in any life', () => {
  it('Ready is True only of what was seen as declared, for the spec in force', () => {
    everywhere(({ event, before, after }, seed) => {
      const { context, value } = after;
      if (context.ready.status !== 'True') return;
      const why = `life ${seed}, ${event.type}`;
      expect(isHealthy(value), why).toBe(true);
      expect([context.settled, context.deletion, context.refused], why).toEqual([true, null, null]);
      const known = context.observed !== null || context.asked.observe || context.asked.places || context.asked.secrets;
      expect(known, why).toBe(true);
      // Another generation is Ready at once only where it asks for nothing new.
      if (before.context.desired?.generation !== context.desired?.generation)
        expect({ ...context.spec, mode: null }, why).toEqual({ ...before.context.spec, mode: null });
    });
  });

  it('everything is said: no verdict without words', () => {
    everywhere(({ after: { context } }) => expect(verdictWords(context)).toMatch(/^\S.*\S$/s));
  });

  it('a context holds no sentence of ours', () => {
    // What the tests spell as the kernel's and as others' words.
    const given = new Set(['no', 'gone', 'no such secret', 'round-1', 'round-7']);
    const texts = (value: unknown): string[] =>
      typeof value === 'string'
        ? [value]
        : typeof value === 'object' && value !== null
          ? Object.values(value).flatMap(texts)
          : [];
    everywhere(({ after: { context } }, seed) => {
      const sentences = texts(context).filter((text) => /[a-z] [a-z]/.test(text) && !given.has(text));
      // Drift names what was found where no field does.
      expect(
        sentences.filter((text) => !/^x0 in netns |^[a-z]+ \S+\/\S+$/.test(text)),
        `life ${seed}`,
      ).toEqual([]);
    });
  });
});

describe('a deletion', () => {
  /** Fails every operation in a way, for so many rounds; then the kernel does what is asked. */
  const failing = ['ENODEV', 'EPERM', 'EOPNOTSUPP', 'EADDRINUSE', 'Failed'];

  it('ends from every state that a life comes to, with every operation failing in every way', () => {
    let steps = 0;
    everywhere(({ after }, seed) => {
      if (after.value === 'deleted' || steps++ % 5 > 0) return;
      const code = failing[seed % failing.length]!;
      let at = Date.UTC(2027, 0, 1);
      let snapshot = after;
      const tell = (
        fact: Parameters<typeof fold>[1] extends infer E ? Omit<E & InterfaceEvent, 'time'> : never,
      ): void => {
        at += 1000;
        ({ snapshot } = fold(snapshot, { ...fact, time: new Date(at).toISOString() } as InterfaceEvent));
      };
      const uid = after.context.desired?.uid ?? 'u1';
      // What was in flight fails first, as it does where a creation is overtaken.
      tell({ type: 'DeletionRequested', data: { uid, resourceVersion: '9', gone: false } });
      const gone = { links: {}, strays: [], devices: {} };
      const link = {
        alias: `ifactor:default/${after.context.key.kind}/x0`,
        index: 3,
        name: 'x0',
        kind: 'bridge',
        up: true,
        mtu: 1500,
        addrGenMode: 'none' as const,
        addresses: [],
        slaves: [],
      };
      const there = {
        links: { target: link, home: link },
        strays: [{ netns: '43', index: 9, name: 'x0' }],
        devices: {},
      };
      const operation = { type: 'RemoveLink', slot: 'target', name: 'x0', index: 3, mark: link.alias } as const;
      let rounds = 0;
      for (let events = 0; snapshot.value !== 'deleted' && events < 60; events++) {
        const { running, asked, failure, places } = snapshot.context;
        if (running !== null) {
          rounds++;
          if (rounds <= 4)
            tell({ type: 'OperationFailed', data: { operations: running, operation, code, message: 'no' } });
          else tell({ type: 'LinkObserved', data: { operations: running, observed: gone } });
        } else if (failure !== null) {
          expect(failure.until, `life ${seed}: tried again`).not.toBeNull();
          tell({ type: 'TimerElapsed', data: { timer: 'retry' } });
        } else if (asked.places) {
          const slot = places.home === undefined ? 'home' : 'target';
          tell({ type: 'NetnsResolved', data: { slot, netns: '42' } });
        } else if (asked.observe) tell({ type: 'LinkObserved', data: { observed: rounds <= 4 ? there : gone } });
        else {
          // The world is out of reach, and that is said; when it is back the deletion goes on.
          expect(snapshot.context.verdict.reason, `life ${seed}`).toBe('EngineUnreachable');
          tell({ type: 'NetnsResolved', data: { slot: 'target', netns: '42' } });
          tell({ type: 'NetnsResolved', data: { slot: 'home', netns: '42' } });
        }
      }
      expect(snapshot.value, `life ${seed}: ${verdictWords(snapshot.context)} after ${rounds} rounds`).toBe('deleted');
    });
  });
});

import { beforeEach, describe, expect, test } from 'vitest';
import type { Netns } from '../../kernel/index.ts';
import { bridgeSpec, learn, respecify, TestMailbox } from '../../testing/mailbox.ts';
import type { Actor } from './actor.ts';
import { Claims } from './claims.ts';

const [home, box] = ['1', '2'].map((id) => ({ id })) as Netns[] as [Netns, Netns];
const taken = (name: string, by: string, slot = 'target') => ({ slot, name, by: `netlinkinterface/default/${by}` });
const january = { creationTimestamp: '2026-01-01T00:00:00Z' };
const february = { creationTimestamp: '2026-02-01T00:00:00Z' };

let mailbox: TestMailbox;
let claims: Claims;
beforeEach(() => {
  mailbox = new TestMailbox();
  claims = new Claims(mailbox);
});

/** An actor that claims br0 in a netns. */
function claiming(name: string, more: object = january, netns = home): Actor {
  const actor = mailbox.declare(name, bridgeSpec, more);
  actor.netns.set('target', netns);
  return actor;
}
/** Folds into each actor what it was told, and says what that was. */
function told(...actors: Actor[]): unknown[] {
  const found = mailbox.take();
  for (const [what, data] of found) {
    const [name, type] = what.split(' ');
    const actor = actors.find(({ key }) => key.name === name);
    if (actor) learn(actor, { type, data } as never);
  }
  return found;
}

describe('a name that two interfaces claim in one netns', () => {
  test.each([
    ['the older object has it', january, february],
    ['of two of one second, that with the smaller uid', { ...january, uid: 'a' }, { ...january, uid: 'b' }],
    ['the age goes before the uid', { ...january, uid: 'z' }, { ...february, uid: 'a' }],
  ])('%s, whichever came first', (_, first, second) => {
    const [older, younger] = [claiming('older', first), claiming('younger', second)];
    claims.update(older);
    expect(told()).toEqual([]);
    claims.update(younger);
    expect(told(older, younger)).toEqual([['younger NameTaken', taken('br0', 'older')]]);
    // Said once.
    const kept = [younger.claims, older.claims];
    claims.update(younger);
    claims.update(older);
    expect([younger.claims === kept[0], older.claims === kept[1]]).toEqual([true, true]);
    expect(told()).toEqual([]);
  });

  test('is left to one of which nothing is known but its spec', () => {
    const [older, unknown] = [claiming('older'), claiming('unknown', february)];
    unknown.snapshot = { ...unknown.snapshot, context: { ...unknown.snapshot.context, desired: null } };
    for (const actor of [older, unknown]) claims.update(actor);
    expect(told()).toEqual([['older NameTaken', taken('br0', 'unknown')]]);
  });

  test('is taken from the younger one when the older comes later', () => {
    const [older, younger] = [claiming('older'), claiming('younger', february)];
    claims.update(younger);
    claims.update(older);
    expect(told()).toEqual([['younger NameTaken', taken('br0', 'older')]]);
  });

  test('goes to the next in age when the first is gone, and the others hear of that one', () => {
    const [first, second, third] = [
      claiming('first'),
      claiming('second', february),
      claiming('third', { creationTimestamp: '2026-03-01T00:00:00Z' }),
    ];
    const all = [first, second, third];
    claims.update(third);
    claims.update(first);
    expect(told(...all)).toEqual([['third NameTaken', taken('br0', 'first')]]);
    claims.update(second);
    expect(told(...all)).toEqual([['second NameTaken', taken('br0', 'first')]]);
    expect(second.snapshot.context.taken).toEqual({ target: { name: 'br0', by: first.id } });
    claims.remove(first);
    expect(told(...all)).toEqual([
      ['third NameTaken', taken('br0', 'second')],
      ['second NameFreed', { slot: 'target', name: 'br0' }],
    ]);
    expect(first.claims).toEqual([]);
    claims.remove(second);
    expect(told(...all)).toEqual([['third NameFreed', { slot: 'target', name: 'br0' }]]);
    claims.remove(third);
    expect(told()).toEqual([]);
  });

  test('is free when the one that has it is deleted, takes another name, or goes elsewhere', () => {
    const ends: ((actor: Actor) => void)[] = [
      (actor) => {
        actor.snapshot = { ...actor.snapshot, value: 'deleted' };
      },
      (actor) => respecify(actor, { ...bridgeSpec, interfaceName: 'br9' }, january),
      (actor) => actor.netns.set('target', box),
      (actor) => actor.netns.delete('target'),
    ];
    for (const [at, end] of ends.entries()) {
      const [older, younger] = [claiming(`older${at}`), claiming(`younger${at}`, february)];
      for (const actor of [older, younger]) claims.update(actor);
      told(younger);
      end(older);
      claims.update(older);
      expect(told()).toEqual([[`younger${at} NameFreed`, { slot: 'target', name: 'br0' }]]);
      expect(older.claims).toHaveLength(at === 0 || at === 3 ? 0 : 1);
      for (const actor of [older, younger]) claims.remove(actor);
    }
  });

  test('may be the name of a far end: the slot that it is of is said', () => {
    const pair = mailbox.declare(
      'pair',
      { interfaceName: 've0', type: 'veth', up: true, veth: { peer: { interfaceName: 'br0' } } },
      february,
    );
    pair.netns.set('target', box);
    pair.netns.set('peer', home);
    const older = claiming('older');
    for (const actor of [pair, older]) claims.update(actor);
    expect(told(pair)).toEqual([['pair NameTaken', taken('br0', 'older', 'peer')]]);
    claims.remove(older);
    expect(told()).toEqual([['pair NameFreed', { slot: 'peer', name: 'br0' }]]);
  });

  test('is no conflict in two netns, nor are two names in one', () => {
    const [one, two] = [claiming('one'), claiming('two', february, box)];
    const three = mailbox.declare('three', { ...bridgeSpec, interfaceName: 'br1' });
    three.netns.set('target', home);
    for (const actor of [one, two, three]) claims.update(actor);
    expect(told()).toEqual([]);
  });
});

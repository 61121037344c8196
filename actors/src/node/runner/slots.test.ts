import { beforeEach, describe, expect, test } from 'vitest';
import type { ContainerSelector } from '@ifactor/crds';
import type { NetnsResolver, ResolvedNetns } from '../../containers/index.ts';
import type { Link, Netns, NetnsChange } from '../../kernel/index.ts';
import { bridgeSpec, learn, respecify, TestMailbox } from '../../testing/mailbox.ts';
import type { Actor } from './actor.ts';
import { Slots } from './slots.ts';

const cause = { id: 'e1', correlation: 'c1' };
const docker = (name: string): ContainerSelector => ({ docker: { name } });
const lost: ResolvedNetns = { lost: { reason: 'ContainerGone', params: { cause: 'no such container' } } };

/** A netns that says what it is told to. */
class FakeNetns {
  readonly listeners = new Set<(change: NetnsChange) => void>();
  readonly id: string;
  readonly there: Partial<Link>[] = [];

  constructor(id: string) {
    this.id = id;
  }

  subscribe(listener: (change: NetnsChange) => void): () => void {
    this.listeners.add(listener);
    return () => void this.listeners.delete(listener);
  }

  links(): Iterable<Partial<Link>> {
    return this.there;
  }

  linkAt(index: number): Partial<Link> | undefined {
    return this.there.find((link) => link.index === index);
  }

  says(change: NetnsChange): void {
    for (const listener of this.listeners) listener(change);
  }
}

class FakePlaces implements NetnsResolver {
  readonly followed = new Map<(place: ResolvedNetns) => void, string>();

  follow(selector: ContainerSelector | null, listener: (place: ResolvedNetns) => void): () => void {
    this.followed.set(listener, selector?.docker?.name ?? 'home');
    return () => void this.followed.delete(listener);
  }

  report(name: string, place: ResolvedNetns | FakeNetns): void {
    const said = place instanceof FakeNetns ? { netns: place as unknown as Netns } : place;
    for (const [listener, followed] of this.followed) if (followed === name) listener(said);
  }

  get names(): string[] {
    return [...this.followed.values()];
  }

  close(): void {
    this.followed.clear();
  }
}

let mailbox: TestMailbox;
let places: FakePlaces;
let slots: Slots;
let [home, one, two]: [FakeNetns, FakeNetns, FakeNetns] = [] as never;
beforeEach(() => {
  mailbox = new TestMailbox();
  places = new FakePlaces();
  slots = new Slots(mailbox, places);
  [home, one, two] = ['1', '2', '3'].map((id) => new FakeNetns(id)) as [FakeNetns, FakeNetns, FakeNetns];
});

const inBox = (name: string) => ({ ...bridgeSpec, container: docker(name) });
/** A bridge in the netns of a container, whose place was reported. */
function placed(name: string, box: string, netns: FakeNetns): Actor {
  const actor = mailbox.declare(name, inBox(box));
  slots.resolve(actor, ['target'], cause);
  places.report(box, netns);
  mailbox.take();
  return actor;
}
const used = (): string[] => [home, one, two].filter(({ listeners }) => listeners.size > 0).map(({ id }) => id);
const ids = (actor: Actor): string[] => [...slots.of(actor)].map(({ id }) => id);

describe('a slot', () => {
  test('is told when its place is known, first with the cause of the question, and then at each change', () => {
    const actor = mailbox.declare('br', inBox('a'));
    slots.resolve(actor, ['target'], cause);
    expect([places.names, mailbox.take(), actor.epoch]).toEqual([['home', 'a'], [], 0]);
    places.report('a', one);
    places.report('a', two);
    places.report('a', lost);
    expect(mailbox.takeCaused()).toEqual([
      ['br NetnsResolved', { slot: 'target', netns: '2' }, cause],
      ['br NetnsResolved', { slot: 'target', netns: '3' }, null],
      [
        'br NetnsLost',
        { slot: 'target', reason: 'ContainerGone', params: { selector: docker('a'), cause: 'no such container' } },
        null,
      ],
    ]);
    expect([actor.epoch, actor.netns.size, used()]).toEqual([3, 0, []]);
  });

  test('that is lost at first is told with the cause of the question', () => {
    const actor = mailbox.declare('br', inBox('a'));
    slots.resolve(actor, ['target'], cause);
    places.report('a', lost);
    expect(mailbox.takeCaused()[0]?.[2]).toBe(cause);
    expect(actor.epoch).toBe(0);
  });

  test('that is asked for again is answered at once where it is known, and followed once', () => {
    const actor = placed('br', 'a', one);
    slots.resolve(actor, ['target'], cause);
    expect(mailbox.takeCaused()).toEqual([['br NetnsResolved', { slot: 'target', netns: '2' }, cause]]);
    places.report('a', lost);
    mailbox.take();
    slots.resolve(actor, ['target'], cause);
    expect(mailbox.take()).toEqual([]);
    expect(places.names).toEqual(['home', 'a']);
  });

  test('that is not asked for is not followed; without a spec none is', () => {
    const pair = mailbox.declare('ve', {
      interfaceName: 've0',
      type: 'veth',
      up: true,
      container: docker('a'),
      veth: { peer: { container: docker('b') } },
    });
    slots.resolve(pair, ['peer'], cause);
    slots.resolve(mailbox.add('bare'), ['target'], cause);
    slots.update(mailbox.add('bare'));
    expect(places.names).toEqual(['home', 'b']);
  });

  test('at the same netns as before is told, and changes no epoch', () => {
    const actor = placed('br', 'a', one);
    const { epoch } = actor;
    places.report('a', one);
    expect([mailbox.take().length, actor.epoch, one.listeners.size]).toEqual([1, epoch, 2]);
  });
});

describe('a netns', () => {
  test('is listened to once, as long as something uses it, and found by its id', () => {
    const heard: unknown[] = [];
    slots.changed.subscribe(({ netns, change }) => heard.push([netns.id, change.type]));
    const [first, second] = [placed('a', 'a', one), placed('b', 'b', one)];
    // One for the marks, one for us.
    expect(one.listeners.size).toBe(2);
    one.says({ type: 'resync' });
    expect(heard).toEqual([['2', 'resync']]);
    expect([slots.byId('2'), slots.byId('9')]).toEqual([one, undefined]);
    slots.leave(first);
    expect(one.listeners.size).toBe(2);
    slots.leave(second);
    expect([one.listeners.size, slots.byId('2'), places.names]).toEqual([0, undefined, ['home']]);
    expect([first.netns.size, first.followers.size]).toEqual([0, 0]);
  });

  test('is home for all, whatever they use, and another home takes its place', () => {
    const actor = placed('a', 'a', one);
    expect(ids(actor)).toEqual(['2']);
    places.report('home', home);
    expect([ids(actor), used()]).toEqual([
      ['2', '1'],
      ['1', '2'],
    ]);
    places.report('home', two);
    expect([ids(actor), used()]).toEqual([
      ['2', '3'],
      ['2', '3'],
    ]);
    places.report('home', lost);
    expect([ids(actor), used()]).toEqual([['2'], ['2']]);
    slots.stop();
    expect(places.names).toEqual(['a']);
  });
});

const moved = (): Actor => {
  const actor = placed('br', 'a', one);
  respecify(actor, inBox('b'));
  slots.update(actor);
  return actor;
};

/** The actor is as declared, but for a link of its own in another netns. */
function rests(actor: Actor, stray?: string): void {
  const strays = stray === undefined ? [] : [{ netns: stray, index: 4, name: 'br0' }];
  const observed = { links: {}, strays, devices: {} };
  actor.snapshot = { value: 'moved-to-netns', context: { ...actor.snapshot.context, settled: true, observed } };
}

describe('a place that the spec does not name any more', () => {
  test('stays open and followed until its links are gone', () => {
    const actor = moved();
    expect([actor.followers.size, actor.netns.size, used(), ids(actor)]).toEqual([0, 0, ['2'], ['2']]);
    expect(actor.former).toHaveLength(1);
    slots.resolve(actor, ['target'], cause);
    places.report('b', two);
    expect(mailbox.take()).toEqual([['br NetnsResolved', { slot: 'target', netns: '3' }]]);
    expect(ids(actor)).toEqual(['3', '2']);
    expect(places.names).toEqual(['home', 'a', 'b']);
    const stays = (): void => {
      slots.dropFormer(actor);
      expect([ids(actor), used(), places.names]).toEqual([
        ['3', '2'],
        ['2', '3'],
        ['home', 'a', 'b'],
      ]);
    };
    stays();
    rests(actor);
    // It was not looked at yet; then it has a link of the actor.
    stays();
    slots.looked(actor);
    rests(actor, '2');
    stays();
    rests(actor);
    slots.dropFormer(actor);
    expect([ids(actor), used(), places.names, actor.former]).toEqual([['3'], ['3'], ['home', 'b'], []]);
    const { former } = actor;
    slots.dropFormer(actor);
    expect(actor.former).toBe(former);
  });

  test('is released once when it goes by itself, and nothing is told', () => {
    const actor = moved();
    const { epoch } = actor;
    const other = placed('other', 'c', one);
    places.report('a', lost);
    places.report('a', two);
    expect([mailbox.take(), ids(actor), used(), actor.epoch]).toEqual([[], [], ['2'], epoch]);
    slots.dropFormer(actor);
    expect(used()).toEqual(['2']);
    slots.leave(other);
    expect(used()).toEqual([]);
  });

  test('raises the epoch, as what was seen there is of another place', () => {
    const actor = placed('br', 'a', one);
    const { epoch } = actor;
    slots.update(actor);
    expect([actor.epoch, actor.followers.size]).toEqual([epoch, 1]);
    respecify(actor, inBox('b'));
    slots.update(actor);
    expect(actor.epoch).toBe(epoch + 1);
  });

  test('is left with the actor', () => {
    slots.leave(moved());
    expect([used(), places.names]).toEqual([[], ['home']]);
  });

  test('is retired by the question for its successor, too', () => {
    const actor = placed('br', 'a', one);
    respecify(actor, inBox('b'));
    slots.resolve(actor, ['target'], cause);
    expect([actor.former.length, places.names]).toEqual([1, ['home', 'a', 'b']]);
  });
});

/** The MAC addresses of its link are known from its creation. */
const made = (data: object): Actor => {
  const actor = placed('br', 'a', one);
  learn(actor, {
    type: 'LinkCreated',
    data: { operations: 'round-1', slot: 'target', name: 'br0', index: 1, ...data },
  });
  return actor;
};

describe('a link that was moved by hand', () => {
  const mac = '02:00:00:00:00:01';
  const marked = (more: Partial<Link>) => ({ index: 4, name: 'x', kind: 'bridge', mac, ...more }) as Partial<Link>;
  const own = 'ifactor:default/netlinkinterface/br';

  test.each<[string, object, Partial<Link>, string[]]>([
    ['with its mark and address is looked for there', { mac }, marked({ alias: own }), ['2', '3']],
    ['as the far end, too', { mac: '02:00:00:00:00:02', farMac: mac }, marked({ alias: `${own}#peer` }), ['2', '3']],
    ['is not ours with another address', { mac: '02:00:00:00:00:02' }, marked({ alias: own }), ['2']],
    ['is not ours where its address is not known', {}, marked({ alias: own }), ['2']],
    ["is not ours with another's mark", { mac }, marked({ alias: 'ifactor:default/netlinkinterface/x' }), ['2']],
  ])('%s', (_, data, link, expected) => {
    two.there.push(link);
    const actor = made(data);
    placed('other', 'c', two);
    expect(ids(actor)).toEqual(expected);
  });

  test('into one of its own places adds none', () => {
    one.there.push(marked({ alias: own }));
    expect(ids(made({ mac }))).toEqual(['2']);
  });

  test('is not looked for where nobody listens any more', () => {
    two.there.push(marked({ alias: own }));
    const actor = made({ mac });
    const other = placed('other', 'c', two);
    expect(ids(actor)).toEqual(['2', '3']);
    slots.leave(other);
    expect(ids(actor)).toEqual(['2']);
  });
});

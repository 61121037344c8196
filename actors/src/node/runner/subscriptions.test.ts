import { beforeEach, describe, expect, test } from 'vitest';
import type { Link, Netns, NetnsChange } from '../../kernel/index.ts';
import { learn, respecify, TestMailbox } from '../../testing/mailbox.ts';
import type { Actor } from './actor.ts';
import { Subscriptions } from './subscriptions.ts';

const links = new Map<number, Partial<Link>>();
const netnsOf = (id: string): Netns => ({ id, linkAt: (index: number) => links.get(index) }) as Netns;
const [home, box] = [netnsOf('1'), netnsOf('2')];
const observed = (index: number) => ({
  links: {
    target: { index, name: 'br0', kind: 'bridge', up: true, mtu: 1500, alias: null, addrGenMode: null, addresses: [] },
  },
  strays: [],
  devices: {},
});

let mailbox: TestMailbox;
let subscriptions: Subscriptions;
let bridge: Actor;
beforeEach(() => {
  links.clear();
  mailbox = new TestMailbox();
  subscriptions = new Subscriptions();
  bridge = mailbox.declare('bridge', {
    interfaceName: 'br0',
    type: 'bridge',
    up: true,
    addresses: [],
    bridge: { slaves: ['port0'] },
  });
  bridge.netns.set('target', home);
  learn(bridge, { type: 'NetnsResolved', data: { slot: 'target', netns: '1' } });
  learn(bridge, { type: 'LinkObserved', data: { observed: observed(5) } });
  subscriptions.update(bridge);
});
const heard = (netns: Netns, change: NetnsChange): string[] =>
  [...subscriptions.in(netns, change)].map(({ key }) => key.name);

describe('an actor hears of a change', () => {
  const own = 'ifactor:default/netlinkinterface/bridge';

  test.each<[string, NetnsChange, Partial<Link> | null]>([
    ['of the name that it claims', { type: 'linkRemoved', index: 9, name: 'br0' }, null],
    ['of the addresses at that name', { type: 'addresses', index: 9, name: 'br0' }, null],
    ['of its link under another name', { type: 'link', index: 5, name: 'renamed' }, null],
    ['of the addresses of its link', { type: 'addresses', index: 5, name: 'renamed' }, null],
    ['of a slave that it waits for', { type: 'link', index: 9, name: 'port0' }, null],
    ['of a link with its mark', { type: 'link', index: 9, name: 'x' }, { alias: own, master: null }],
    [
      "of a link with its far end's mark",
      { type: 'link', index: 9, name: 'x' },
      { alias: `${own}#peer`, master: null },
    ],
    ['of a link that its own enslaved', { type: 'link', index: 9, name: 'x' }, { alias: null, master: 5 }],
    ['of everything, when the netns was read again', { type: 'resync' }, null],
  ])('%s', (_, change, link) => {
    if (link) links.set(9, link);
    expect(heard(home, change)).toEqual(['bridge']);
  });

  test.each<[string, Netns, NetnsChange, Partial<Link> | null]>([
    ['of another name and index', home, { type: 'link', index: 9, name: 'x' }, null],
    ['in a netns that it has nothing in', box, { type: 'link', index: 5, name: 'br0' }, null],
    ['where another netns was read again', box, { type: 'resync' }, null],
    ['where its netns is gone: its place tells it', home, { type: 'lost', reason: 'gone' }, null],
    ["of a link of another's", home, { type: 'link', index: 9, name: 'x' }, { alias: 'ifactor:a/b/c', master: 6 }],
    [
      'of the mark of a link whose addresses changed',
      home,
      { type: 'addresses', index: 9, name: 'x' },
      { alias: own, master: 5 },
    ],
    ['of the mark of a link that went', home, { type: 'linkRemoved', index: 9, name: 'x' }, { alias: own, master: 5 }],
  ])('but not %s', (_, netns, change, link) => {
    if (link) links.set(9, link);
    expect(heard(netns, change)).toEqual([]);
  });

  test('that concerns several', () => {
    const second = mailbox.declare('second', { interfaceName: 'br1', type: 'bridge', up: true });
    second.netns.set('target', home);
    subscriptions.update(second);
    expect(heard(home, { type: 'resync' })).toEqual(['bridge', 'second']);
    expect(heard(home, { type: 'link', index: 9, name: 'br1' })).toEqual(['second']);
  });
});

describe('what an actor hears of', () => {
  const renamed: NetnsChange = { type: 'link', index: 9, name: 'br1' };

  test('follows its spec, its places and its link', () => {
    respecify(bridge, { interfaceName: 'br1', type: 'bridge', up: true });
    expect(heard(home, renamed)).toEqual([]);
    subscriptions.update(bridge);
    expect(heard(home, renamed)).toEqual(['bridge']);
    expect(heard(home, { type: 'link', index: 9, name: 'br0' })).toEqual([]);
    expect(heard(home, { type: 'link', index: 9, name: 'port0' })).toEqual([]);
    bridge.netns.set('target', box);
    subscriptions.update(bridge);
    expect(heard(home, renamed)).toEqual([]);
    expect(heard(box, renamed)).toEqual(['bridge']);
    bridge.netns.delete('target');
    subscriptions.update(bridge);
    expect(heard(box, renamed)).toEqual([]);
    links.set(9, { alias: 'ifactor:default/netlinkinterface/bridge', master: null });
    expect(heard(box, renamed)).toEqual(['bridge']);
  });

  test('is only its mark where its link is not there', () => {
    learn(bridge, { type: 'LinkObserved', data: { observed: { links: { target: null }, strays: [], devices: {} } } });
    subscriptions.update(bridge);
    expect(heard(home, { type: 'link', index: 5, name: 'x' })).toEqual([]);
    expect(bridge.subscriptions).toEqual(['ifactor:default/netlinkinterface/bridge', '1/br0', '1', '1/port0']);
    // The same again is kept.
    const { subscriptions: before } = bridge;
    subscriptions.update(bridge);
    expect(bridge.subscriptions).toBe(before);
  });

  test('are links that it left where they are, too', () => {
    const strays = [{ netns: '2', index: 7, name: 'old0' }];
    learn(bridge, { type: 'LinkObserved', data: { observed: { ...observed(5), strays } } });
    subscriptions.update(bridge);
    expect(heard(box, { type: 'linkRemoved', index: 7, name: 'old0' })).toEqual(['bridge']);
  });

  test('is nothing once it is gone, or without a spec', () => {
    subscriptions.remove(bridge);
    expect(heard(home, { type: 'resync' })).toEqual([]);
    const bare = mailbox.add('bare');
    bare.netns.set('target', home);
    subscriptions.update(bare);
    expect(heard(home, { type: 'resync' })).toEqual([]);
    expect(bare.subscriptions).toEqual([]);
  });
});

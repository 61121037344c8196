import { describe, expect, test } from 'vitest';
import { bridgeLink, declared, looked, seen, timeAt } from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { bridgeAs, busy, desiredAt, eventOf, full, knowing, newsAfter, rest } from '../../testing/known.ts';
import type { News } from '../../testing/known.ts';
import type { Context } from './context.ts';
import { evolve } from './evolve.ts';

const rolledBack = {
  proven: { generation: 1, spec: bridgeAs(), secrets: { privateKey: 'f0' }, listenPort: null },
  trial: null,
  rolledBack: { generation: 2, to: 1, spec: bridgeAs({ mtu: 1300 }), lost: [], seconds: 10, found: true },
};

describe('what an actor knows after', () => {
  test.each<[what: string, before: Context, given: Given, news: News]>([
    [
      'the first deletion',
      { ...full, paused: { by: 'mona', since: timeAt(0) } },
      ['DeletionRequested', { uid: 'u1', resourceVersion: '2', gone: false }],
      {
        deletion: { uid: 'u1', resourceVersion: '2', gone: false },
        failure: null,
        attempts: 0,
        paused: null,
        observed: null,
        asked: { ...busy, observe: false },
        outdated: true,
      },
    ],
    [
      'the end of a deletion: what is under way goes on',
      { ...full, deletion: { uid: 'u1', resourceVersion: '2', gone: false } },
      ['DeletionRequested', { uid: 'u1', resourceVersion: '3', gone: true }],
      { deletion: { uid: 'u1', resourceVersion: '3', gone: true } },
    ],
    [
      'a secret',
      { ...full, secrets: {}, missing: { privateKey: 'SecretNotFound', psk: 'SecretNotFound' } },
      ['SecretResolved', { ref: 'privateKey', version: '1', fingerprint: 'f2' }],
      {
        secrets: { privateKey: 'f2' },
        missing: { psk: 'SecretNotFound' },
        asked: { ...busy, secrets: false },
      },
    ],
    [
      'a secret that it had',
      full,
      ['SecretResolved', { ref: 'privateKey', version: '1', fingerprint: 'f1' }],
      { asked: { ...busy, secrets: false } },
    ],
    [
      'another value of a secret',
      full,
      ['SecretResolved', { ref: 'privateKey', version: '2', fingerprint: 'f2' }],
      { secrets: { privateKey: 'f2' }, asked: { ...busy, secrets: false }, settled: false },
    ],
    [
      'a secret of one that never was as declared',
      { ...full, settled: false },
      ['SecretResolved', { ref: 'privateKey', version: '1', fingerprint: 'f1' }],
      { asked: { ...busy, secrets: false } },
    ],
    [
      'a missing secret',
      full,
      ['SecretMissing', { ref: 'privateKey', reason: 'KeyMissing', message: 'x' }],
      { missing: { psk: 'SecretNotFound', privateKey: 'KeyMissing' }, asked: { ...busy, secrets: false } },
    ],
    [
      'the netns that it knew',
      full,
      ['NetnsResolved', { slot: 'target', netns: '42' }],
      { asked: { ...busy, places: false } },
    ],
    [
      'another netns',
      full,
      ['NetnsResolved', { slot: 'target', netns: '43' }],
      {
        places: { target: { netns: '43' } },
        asked: { secrets: true, places: false, observe: false },
        observed: null,
        failure: null,
      },
    ],
    [
      'a netns in place of one that was lost',
      { ...full, places: { target: { reason: 'ContainerGone' }, home: { netns: '1' } } },
      ['NetnsResolved', { slot: 'target', netns: '43' }],
      {
        places: { target: { netns: '43' }, home: { netns: '1' } },
        asked: { secrets: true, places: false, observe: false },
        observed: null,
        failure: null,
      },
    ],
    [
      'a lost netns',
      full,
      ['NetnsLost', { slot: 'home', reason: 'ContainerGone', message: 'x' }],
      {
        places: { target: { netns: '42' }, home: { reason: 'ContainerGone' } },
        asked: { secrets: true, places: false, observe: false },
        observed: null,
        failure: null,
        settled: false,
      },
    ],
    [
      'a name that another has',
      full,
      ['NameTaken', { slot: 'home', name: 'br1', by: 'oldest' }],
      { taken: { target: { name: 'br0', by: 'older' }, home: { name: 'br1', by: 'oldest' } } },
    ],
    [
      'a name that is free again',
      full,
      ['NameFreed', { slot: 'target', name: 'br0' }],
      { taken: {}, observed: null, asked: { ...busy, observe: false } },
    ],
    [
      'a look',
      full,
      looked(null),
      { observed: seen(null), asked: { ...busy, observe: false }, addressCheck: undefined },
    ],
    [
      'a look after its operations',
      { ...full, outdated: undefined } as unknown as Context,
      looked(bridgeLink, 'round-4'),
      {
        running: null,
        outdated: undefined,
        stuck: 3,
        asked: { ...busy, observe: false },
        addressCheck: undefined,
      },
    ],
    [
      'a look after operations that were decided for another spec',
      { ...full, outdated: true },
      looked(bridgeLink, 'round-4'),
      { running: null, outdated: undefined, observed: null, asked: { ...busy, observe: false } },
    ],
    [
      'a look beside operations that were decided for another spec',
      { ...full, outdated: true },
      looked(bridgeLink),
      { asked: { ...busy, observe: false }, addressCheck: undefined },
    ],
    ['a look after operations that are over', full, looked(null, 'round-3'), {}],
    [
      'a look at an address that is being checked',
      knowing(),
      looked({ ...bridgeLink, tentative: ['fd00::1'] }),
      {
        observed: seen({ ...bridgeLink, tentative: ['fd00::1'] }),
        addressCheck: 'awaited',
        due: [{ type: 'StartTimer', timer: 'addresses', milliseconds: 3000 }],
      },
    ],
    [
      'a secret of a spec that was rolled back: the one in force keeps its own',
      { ...full, confirm: rolledBack },
      ['SecretResolved', { ref: 'privateKey', version: '2', fingerprint: 'f2' }],
      { asked: { ...busy, secrets: false } },
    ],
    [
      'a missing secret of a spec that was rolled back',
      { ...full, confirm: rolledBack },
      ['SecretMissing', { ref: 'privateKey', reason: 'KeyMissing', message: 'x' }],
      { asked: { ...busy, secrets: false } },
    ],
    [
      'a created link: what its device was told goes with the former',
      full,
      ['LinkCreated', { operations: 'round-4', slot: 'target', name: 'br0', index: 4, mac: 'm2' }],
      { endpoints: {}, unresolved: {}, resolved: {}, macs: { mac: 'm2' } },
    ],
    [
      'a created pair of links',
      { ...rest, endpoints: {}, unresolved: {}, resolved: {} },
      ['LinkCreated', { operations: 'round-4', slot: 'target', name: 'br0', index: 4, mac: 'm2', farMac: 'm3' }],
      { macs: { mac: 'm2', farMac: 'm3' } },
    ],
    [
      'a created link without an address, and with nothing known of resolved names',
      knowing({ macs: { mac: 'm1' } }),
      ['LinkCreated', { operations: 'round-4', slot: 'target', name: 'br0', index: 4, farMac: 'm3' }],
      {},
    ],
    [
      'a link created at home: it was born there',
      knowing({ places: { home: { netns: '7' } } }),
      ['LinkCreated', { operations: 'round-4', slot: 'home', name: 'br0', index: 4 }],
      { birth: '7' },
    ],
    [
      'a link created elsewhere',
      knowing({ places: { home: { netns: '7' } } }),
      ['LinkCreated', { operations: 'round-4', slot: 'target', name: 'br0', index: 4 }],
      {},
    ],
    [
      'a link created at a home that is lost',
      knowing({ places: { home: { reason: 'ContainerGone' } } }),
      ['LinkCreated', { operations: 'round-4', slot: 'home', name: 'br0', index: 4 }],
      {},
    ],
    [
      'a link created at an unknown home',
      knowing(),
      ['LinkCreated', { operations: 'round-4', slot: 'home', name: 'br0', index: 4 }],
      {},
    ],
    [
      'a peer that was told its endpoint',
      full,
      ['PeerChanged', { operations: 'round-4', publicKey: 'p2', endpoint: 'b:2' } as never],
      { endpoints: { p1: 'a:1', p2: 'b:2' }, unresolved: {} },
    ],
    [
      'a peer whose host name was looked up',
      full,
      ['PeerChanged', { operations: 'round-4', publicKey: 'p2', endpoint: 'b:2', resolved: '192.0.2.2:2' } as never],
      {
        endpoints: { p1: 'a:1', p2: 'b:2' },
        unresolved: {},
        resolved: { p1: '192.0.2.1:1', p2: '192.0.2.2:2' },
      },
    ],
    [
      'a peer that was changed otherwise',
      full,
      ['PeerChanged', { operations: 'round-4', publicKey: 'p2', endpoint: null } as never],
      {},
    ],
    ['a removed peer', full, ['PeerRemoved', { operations: 'round-4', publicKey: 'p1' } as never], { endpoints: {} }],
    [
      'a host name without an address: it is looked up again',
      full,
      ['EndpointUnresolved', { operations: 'round-4', publicKey: 'p3', endpoint: 'c:3' } as never],
      {
        unresolved: { p2: 'b:2', p3: 'c:3' },
        due: [{ type: 'StartTimer', timer: 'endpoints', milliseconds: 30_000 }],
      },
    ],
    ['a removed link, which a look will show', full, ['LinkRemoved', {} as never], {}],
    ['a fact of a later version', full, ['Renamed' as never, {} as never], {}],
  ])('%s', (_, before, given, news) => {
    expect(newsAfter(before, given)).toStrictEqual(news);
  });
});

describe('after its end', () => {
  const deleted = { state: 'deleted', finding: 'linksGone', reason: 'Deleted' } as const;
  const gone = { uid: 'u1', resourceVersion: '3', gone: true };
  const ended: Context = { ...full, verdict: deleted, deletion: gone };

  test('nothing is news but another object, which begins with nothing', () => {
    expect(newsAfter(ended, looked(null))).toStrictEqual({});
    expect(evolve(ended, eventOf(declared(7, {}, 'u2')))).toStrictEqual({
      ...knowing({ desired: { ...desiredAt(1), uid: 'u2', generation: 7, resourceVersion: '7' }, spec: bridgeAs() }),
      verdict: { state: 'deleted', finding: 'nothingDeclared', reason: 'Unknown' },
    });
  });

  test.each<[string, Context]>([
    ['links are gone and the object is not', { ...ended, deletion: { ...gone, gone: false } }],
    ['the object is gone and links are not', { ...ended, verdict: full.verdict }],
  ])('which it is not while %s', (_, before) => {
    expect(newsAfter(before, looked(null))).toMatchObject({ observed: seen(null) });
  });
});

import { describe, expect, test } from 'vitest';
import type { InterfaceSpec } from '@ifactor/crds';
import { bridgeLink } from '../../testing/given.ts';
import type { Given } from '../../testing/given.ts';
import { bridgeAs, knowing, newsAfter } from '../../testing/known.ts';
import type { News } from '../../testing/known.ts';
import { rulesFor, wireguardKey } from '../../testing/rules.ts';
import type { Context } from './context.ts';

const peer = (publicKey: string, endpoint: string | null): object => ({ publicKey, endpoint, allowedIPs: [] });
const device = (listenPort: number, ...found: object[]): never => ({ listenPort, peers: found }) as never;
const look = (links: object): Given => ['LinkObserved', { observed: { links, strays: [], devices: {} } }];

const learned = (before: Context, links: object): News => {
  const { observed: _, asked: __, ...news } = newsAfter(before, look(links));
  return news;
};

describe('a look at a tunnel', () => {
  const peers = [
    { publicKey: `${'A'.repeat(42)}E=`, allowedIPs: ['10.1.0.0/16'], endpoint: 'a.example:1' },
    { publicKey: `${'B'.repeat(42)}E=`, allowedIPs: ['10.2.0.0/16'] },
  ];
  const [a, b] = peers.map(({ publicKey }) => publicKey) as [string, string];
  const spec = (more: object = {}): InterfaceSpec =>
    rulesFor(wireguardKey, { interfaceName: 'wg0', addresses: [], moveToContainer: false, peers, ...more }).spec;
  const link = { ...bridgeLink, name: 'wg0', kind: 'wireguard' };
  const known = (more: Partial<Context> = {}): Context =>
    knowing({ spec: spec(), places: { home: { netns: '7' } }, ...more }, wireguardKey);
  const home = (...found: object[]): object => ({ home: { ...link, wireguard: device(5000, ...found) } });

  test.each<[what: string, before: Context, links: object, news: News]>([
    ['shows the port that the kernel chose', known(), home(), { listenPort: 5000 }],
    ['keeps the port that is known', known({ listenPort: 4000 }), home(), {}],
    [
      'learns no port where the spec names one',
      known({ spec: spec({ listenPort: 9 }), listenPort: 4 }),
      home(),
      { listenPort: null },
    ],
    ['learns no port of a device without one', known(), { home: { ...link, wireguard: device(0) } }, {}],
    ['learns nothing where there is no device', known(), { home: null, target: link }, {}],
    [
      'learns the endpoint that a peer has had',
      known(),
      home(peer(a, '192.0.2.1:1')),
      { listenPort: 5000, endpoints: { [a]: 'a.example:1' } },
    ],
    ['not of a peer that has none', known(), home(peer(a, null)), { listenPort: 5000 }],
    [
      'not of a peer whose endpoint was written',
      known({ endpoints: { [a]: 'b:2' } }),
      home(peer(a, '192.0.2.1:1')),
      { listenPort: 5000 },
    ],
    [
      'not of a peer whose endpoint is not declared',
      known({ endpoints: { c: 'd' } }),
      home(peer(b, '192.0.2.1:1')),
      { listenPort: 5000 },
    ],
    [
      'beside others',
      known({ endpoints: { c: 'd' } }),
      home(peer(b, '192.0.2.1:1'), peer('other', '192.0.2.1:1'), peer(a, '192.0.2.1:1')),
      { listenPort: 5000, endpoints: { c: 'd', [a]: 'a.example:1' } },
    ],
    [
      'sees the moved device before one at home, and where it was born',
      known(),
      { target: { ...link, wireguard: device(6000) }, home: { ...link, wireguard: device(5000) } },
      { listenPort: 6000, birth: '7' },
    ],
    [
      'keeps the birth that is known',
      known({ birth: '8' }),
      { target: { ...link, wireguard: device(6000) } },
      { listenPort: 6000 },
    ],
  ])('%s', (_, before, links, news) => {
    expect(learned(before, links)).toStrictEqual(news);
  });

  test('that another spec asks for tells no port of a bridge', () => {
    expect(learned(knowing({ spec: bridgeAs(), listenPort: 3 }), home())).toStrictEqual({});
    expect(learned(knowing({}, wireguardKey), home())).toStrictEqual({});
  });
});

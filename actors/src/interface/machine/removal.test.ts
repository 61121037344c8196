import { describe } from 'vitest';
import type { ObservedLink } from '@ifactor/crds';
import { bridgeLink as link, bridgeMark as mark, seen } from '../../testing/given.ts';
import { asDeclared, decides } from '../../testing/decisions.ts';
import type { Row } from '../../testing/decisions.ts';
import { bridgeAs, idle as asked } from '../../testing/known.ts';
import type { Context, Failure } from './context.ts';
import type { Because } from './verdict.ts';

const refusal = (errno: string): Failure => ({ code: 'Refused', errno, text: 'no', module: null, until: null });
const deletion = { uid: 'u1', resourceVersion: '5', gone: false };
const look = { type: 'Observe' };
const removal = { type: 'RemoveLink', slot: 'target', name: 'br0', index: 3, mark };
const stray = { netns: '43', index: 9, name: 'br0' };

const deleting = (more: Partial<Context> = {}): Context => asDeclared({ deletion, round: 1, ...more });
const busy = (params: object): Because => ({ finding: 'deletionAsked', reason: 'Deleting', params }) as Because;
const lost = (reason: string): Because => ({ finding: 'deletionAsked', reason, params: { slot: 'target' } });

describe('a deletion', () => {
  const gone: Because = { finding: 'linksGone', reason: 'Deleted' };
  const veth = bridgeAs({ type: 'veth', veth: { peer: { interfaceName: 'br1' } } });
  const two = { target: { netns: '42' }, peer: { netns: '43' } } as const;
  const peer: ObservedLink = { ...link, name: 'br1', index: 4, kind: 'veth', alias: `${mark}#peer` };

  decides([
    [
      'that failed is tried again after a wait',
      deleting({ failure: refusal('EPERM') }),
      { finding: 'deletionAsked', reason: 'RemovalFailed' },
    ],
    ['waits for operations in flight', deleting({ running: 'round-1' }), null],
    ['of what was never declared', deleting({ spec: null }), gone],
    ['of a spec that no rules read', deleting({ spec: { type: 'bridge' } as never }), gone],
    [
      'asks where the link may be',
      deleting({ places: {} }),
      busy({ step: 'places' }),
      [{ type: 'ResolveNetns', slots: ['target'] }],
    ],
    [
      'waits for where the link may be',
      deleting({ places: {}, asked: { ...asked, places: true } }),
      busy({ step: 'places' }),
    ],
    ['looks for the link', deleting({ observed: null }), busy({ step: 'look' }), [look]],
    ['waits for a look', deleting({ observed: null, asked: { ...asked, observe: true } }), busy({ step: 'look' })],
    ['removes the link', deleting(), busy({ step: 'remove', names: ['br0'] }), [], [removal]],
    [
      'removes strays',
      deleting({ observed: { ...seen(null), strays: [stray] } }),
      busy({ step: 'remove', names: ['br0'] }),
      [],
      [{ type: 'RemoveStray', ...stray, mark }],
    ],
    ['leaves what is of somebody else', deleting({ observed: seen({ ...link, alias: 'ifactor:x/y/z' }) }), gone],
    ['ends without a link', deleting({ observed: seen(null) }), gone],
    ['ends with the netns', deleting({ places: { target: { reason: 'ContainerGone' } }, observed: null }), gone],
    ...['EngineUnreachable', 'Forbidden', 'TooManyLinks'].map((reason): Row => [
      `does not end by ${reason}, where links may be left`,
      deleting({ places: { target: { reason } }, observed: null }),
      lost(reason),
    ]),
    [
      'ends even then where nothing was ever done',
      deleting({ round: 0, places: { target: { reason: 'Forbidden' } }, observed: null }),
      gone,
    ],
    [
      'of a pair of links removes each by its own mark',
      deleting({
        spec: veth,
        places: two,
        observed: { links: { target: { ...link, kind: 'veth' }, peer }, strays: [], devices: {} },
      }),
      busy({ step: 'remove', names: ['br0', 'br1'] }),
      [],
      [removal, { type: 'RemoveLink', slot: 'peer', name: 'br1', index: 4, mark }],
    ],
    [
      'of a pair of links removes the one that it reaches',
      deleting({
        spec: veth,
        places: { target: { netns: '42' }, peer: { reason: 'EngineUnreachable' } },
        observed: seen({ ...link, kind: 'veth' }),
      }),
      busy({ step: 'remove', names: ['br0'] }),
      [],
      [removal],
    ],
    [
      'of a pair of links does not end before the other is reached',
      deleting({
        spec: veth,
        places: { target: { netns: '42' }, peer: { reason: 'EngineUnreachable' } },
        observed: seen(null),
      }),
      { finding: 'deletionAsked', reason: 'EngineUnreachable', params: { slot: 'peer' } },
    ],
    [
      'of a pair of links goes on where one netns is gone',
      deleting({ spec: veth, places: { ...two, peer: { reason: 'ContainerGone' } }, observed: null }),
      busy({ step: 'look' }),
      [look],
    ],
    [
      'of a pair of links asks for the netns that is unknown',
      deleting({ spec: veth, places: { target: { netns: '42' } }, observed: null }),
      busy({ step: 'places' }),
      [{ type: 'ResolveNetns', slots: ['peer'] }],
    ],
  ]);
});

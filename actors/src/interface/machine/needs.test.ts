import { describe } from 'vitest';
import { bridgeMark as mark, seen } from '../../testing/given.ts';
import { asDeclared, decides } from '../../testing/decisions.ts';
import { idle as asked, knowing } from '../../testing/known.ts';
import { rulesFor, wireguardKey } from '../../testing/rules.ts';
import type { Context } from './context.ts';
import type { Because } from './verdict.ts';

const docker = { container: { docker: { name: 'box' } } };
const places = { target: { netns: '42' } } as const;
const verdict = (state: Context['verdict']['state']): Context['verdict'] => ({ ...knowing().verdict, state });
const look = { type: 'Observe' };
const removal = { type: 'RemoveLink', slot: 'target', name: 'br0', index: 3, mark };

const conflict = (...removed: string[]): Because => ({
  finding: 'nameTaken',
  reason: 'NameConflict',
  params: { name: 'br0', by: 'older', removed },
});

describe('what an interface needs', () => {
  const waiting = { reason: 'WaitingForNetns', params: { slots: ['target'] } } as const;
  const resolve = { type: 'ResolveNetns', slots: ['target'] };
  const observing = { reason: 'Observing', params: { slots: ['target'] } } as const;
  const blind: Partial<Context> = { places: {}, observed: null };
  const taken = { target: { name: 'br0', by: 'older' } };
  const tunnel = rulesFor(wireguardKey, { interfaceName: 'wg0', addresses: [], moveToContainer: true, ...docker }).spec;
  const secret = (more: Partial<Context> = {}): Context => ({
    ...asDeclared({ spec: tunnel, observed: null, ...more }),
    key: wireguardKey,
  });
  const refs = { reason: 'WaitingForSecret', params: { refs: ['privateKey'] } } as const;

  decides([
    ['is a netns', asDeclared(blind), { finding: 'lookupsAsked', ...waiting }, [resolve]],
    [
      'is asked for once',
      asDeclared({ ...blind, asked: { ...asked, places: true } }),
      { finding: 'lookupsAsked', ...waiting },
    ],
    ['is looked up while it is healthy without a word', asDeclared({ ...blind, settled: true }), null, [resolve]],
    [
      'is looked up again after another spec',
      asDeclared({ ...blind, verdict: verdict('configured') }),
      { finding: 'lookedUpAgain', ...waiting },
      [resolve],
    ],
    [
      'is looked up again after a failure',
      asDeclared({ ...blind, verdict: verdict('failed') }),
      { finding: 'retryDue', ...waiting },
      [resolve],
    ],
    [
      'is looked up again by one that was being deleted',
      asDeclared({ ...blind, verdict: verdict('deleting') }),
      { finding: 'lookupsAsked', ...waiting },
      [resolve],
    ],
    [
      'is looked up again by one that was deleted',
      asDeclared({ ...blind, verdict: verdict('deleted') }),
      { finding: 'lookupsAsked', ...waiting },
      [resolve],
    ],
    [
      'is said where it is lost',
      asDeclared({ places: { target: { reason: 'ContainerGone' } } }),
      { finding: 'placeLost', reason: 'ContainerGone', params: { slot: 'target' } },
    ],
    ['is a look at the kernel', asDeclared({ observed: null }), { finding: 'lookupsAsked', ...observing }, [look]],
    [
      'is a look that is awaited',
      asDeclared({ observed: null, asked: { ...asked, observe: true } }),
      { finding: 'lookupsAsked', ...observing },
    ],
    ['is a secret', secret(), { finding: 'lookupsAsked', ...refs }, [{ type: 'ResolveSecrets', refs: ['privateKey'] }]],
    [
      'is a secret that is awaited',
      secret({ asked: { ...asked, secrets: true } }),
      { finding: 'lookupsAsked', ...refs },
    ],
    [
      'is a secret that is missing',
      secret({ missing: { privateKey: 'SecretNotFound' } }),
      { finding: 'secretMissing', reason: 'SecretNotFound', params: { ref: 'privateKey' } },
    ],
    [
      'is each netns of a tunnel',
      secret({ secrets: { privateKey: 'f1' }, missing: { privateKey: 'KeyMissing' } }),
      { finding: 'lookupsAsked', reason: 'WaitingForNetns', params: { slots: ['home'] } },
      [{ type: 'ResolveNetns', slots: ['home'] }],
    ],
    [
      'are both of a tunnel before it is looked at',
      secret({ secrets: { privateKey: 'f1' }, places: { ...places, home: { netns: '1' } } }),
      { finding: 'lookupsAsked', reason: 'Observing', params: { slots: ['home', 'target'] } },
      [look],
    ],
    ['is its name: a look tells whether it is in the way', asDeclared({ taken, observed: null }), conflict(), [look]],
    [
      'is its name: the look is awaited',
      asDeclared({ taken, observed: null, asked: { ...asked, observe: true } }),
      conflict(),
    ],
    ['is its name: its own link makes room', asDeclared({ taken }), conflict('br0'), [], [removal]],
    ['is its name: nothing is in the way', asDeclared({ taken, observed: seen(null) }), conflict()],
  ]);
});

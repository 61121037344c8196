import { describe, expect, test } from 'vitest';
import type { KernelOperation, ObservedLink } from '@ifactor/crds';
import { bridgeLink as link, bridgeMark as mark, seen, timeAt } from '../../testing/given.ts';
import { asDeclared, decides } from '../../testing/decisions.ts';
import { bridgeAs, knowing } from '../../testing/known.ts';
import { address } from '../../testing/rules.ts';
import type { Context, Failure } from './context.ts';
import { decide } from './decide.ts';
import type { Because } from './verdict.ts';

const docker = { container: { docker: { name: 'box' } } };
const narrow: ObservedLink = { ...link, mtu: 1300 };
const verdict = (state: Context['verdict']['state']): Context['verdict'] => ({ ...knowing().verdict, state });
const refusal = (errno: string): Failure => ({ code: 'Refused', errno, text: 'no', module: null, until: null });
const deletion = { uid: 'u1', resourceVersion: '5', gone: false };
const look = { type: 'Observe' };
const change: KernelOperation = { type: 'ChangeLink', slot: 'target', name: 'br0', change: { mtu: 1400 } };
const removal = { type: 'RemoveLink', slot: 'target', name: 'br0', index: 3, mark };
const stray = { netns: '43', index: 9, name: 'br0' };
const unknown: Because = { finding: 'nothingDeclared', reason: 'Unknown' };
const drifted: Because = { finding: 'kernelDiffers', reason: 'Drifted', params: { fields: ['mtu'], anew: [] } };
const creating: Because = { finding: 'needsMet', reason: 'Creating', params: { fields: ['mtu'], anew: [] } };
const configured: Because = { finding: 'operationsDone', reason: 'Configured' };

const paused = (fields: readonly string[] | null, finding: 'paused' | 'changesWithheld' = 'paused'): Because => ({
  finding,
  reason: 'Paused',
  params: { fields },
});
const would = (finding: 'changesWithheld' | 'kernelDiffers', count = 1): Because => ({
  finding,
  reason: 'WouldChange',
  params: { operations: Array.from({ length: count }, () => expect.anything() as KernelOperation), more: 0 },
});
const back = (to: number | null, found: boolean): Partial<Context> => ({
  confirm: {
    proven: null,
    trial: null,
    rolledBack: { generation: 4, to, spec: bridgeAs(), lost: [], seconds: 9, found },
  },
});

describe('an interface', () => {
  decides([
    ['of which no object is known', knowing(), unknown],
    ['whose spec no rules read', asDeclared({ spec: { type: 'bridge' } as never }), unknown],
    [
      'whose operations are in flight says nothing new',
      asDeclared({ running: 'round-1', failure: refusal('EPERM') }),
      null,
    ],
    [
      'whose spec breaks its schema',
      asDeclared({ refused: { spec: 1 } }),
      { finding: 'specRefused', reason: 'InvalidSpec' },
    ],
    [
      'that failed',
      asDeclared({ failure: refusal('EPERM'), refused: { spec: 1 } }),
      { finding: 'operationRefused', reason: 'OperationFailed' },
    ],
    [
      'that the kernel does not know',
      asDeclared({ failure: refusal('EOPNOTSUPP') }),
      { finding: 'operationRefused', reason: 'KernelUnsupported' },
    ],
    [
      'that is fought over',
      asDeclared({ failure: { code: 'Contested', fields: 'mtu', times: null, until: null } }),
      { finding: 'operationRefused', reason: 'Contested' },
    ],
    ['as declared', asDeclared(), configured],
    [
      'as declared, in a container',
      asDeclared({ spec: bridgeAs(docker) }),
      { finding: 'operationsDoneInNetns', reason: 'MovedToNetns' },
    ],
    ['that is not made yet', asDeclared({ observed: seen(narrow) }), creating, [], [change]],
    ['that drifted', asDeclared({ observed: seen(narrow), settled: true }), drifted, [], [change]],
    [
      'that has to be made again says which link, and why',
      asDeclared({ observed: seen({ ...link, kind: 'vxlan' }), settled: true }),
      {
        finding: 'kernelDiffers',
        reason: 'Drifted',
        params: { fields: ['kind'], anew: [{ name: 'br0', fields: ['kind'] }] },
      },
      [],
      [{ type: 'RemoveLink' }, { type: 'CreateLink' }],
    ],
    [
      'whose name a link of somebody else has',
      asDeclared({ observed: seen({ ...link, alias: null, kind: 'vxlan' }) }),
      { finding: 'nameTaken', reason: 'NameConflict', params: { name: 'br0', kind: 'vxlan', owner: null } },
    ],
    [
      'that lacks a device',
      asDeclared({
        spec: bridgeAs({ bridge: { slaves: ['s0'] } }),
        observed: { ...seen({ ...link, slaves: [] }), devices: { s0: false } },
      }),
      {
        finding: 'deviceMissing',
        reason: 'SlaveMissing',
        params: { waiting: [{ reason: 'SlaveMissing', params: { slave: 's0', upper: 'bridge' } }] },
      },
    ],
    [
      'that waits for itself through others',
      asDeclared({ loop: ['a', 'b', 'a'] }),
      { finding: 'deviceMissing', reason: 'DependencyLoop', params: { through: ['a', 'b', 'a'] } },
    ],
    [
      'whose address another host has',
      asDeclared({ observed: seen({ ...link, duplicate: ['fd00::1'] }) }),
      { finding: 'operationsDone', reason: 'AddressDuplicate', params: { addresses: ['fd00::1'] } },
    ],
    [
      'whose address is asked for again makes it again without a word',
      asDeclared({
        observed: seen({ ...link, addresses: [address('fd00::1/64')], duplicate: ['fd00::1'] }),
        spec: bridgeAs({ addresses: [{ ipcidr: 'fd00::1/64' }] }),
        recheck: { times: 0, at: timeAt(0), due: true },
      }),
      null,
      [],
      [{ type: 'RemoveAddress', slot: 'target', name: 'br0' }, { type: 'AddAddress' }],
    ],
    [
      'of which a stray could not be removed',
      asDeclared({
        observed: { ...seen(link), strays: [stray] },
        left: [{ netns: '43', index: 9, name: 'br0', message: 'no' }],
      }),
      configured,
    ],
    [
      'of which a stray is left',
      asDeclared({ observed: { ...seen(link), strays: [stray] } }),
      { finding: 'needsMet', reason: 'Creating', params: { fields: ['netns'], anew: [] } },
      [],
      [{ type: 'RemoveStray', ...stray, mark }],
    ],
    [
      'with an address that is being checked',
      asDeclared({ observed: seen({ ...link, tentative: ['fd00::1'] }) }),
      { finding: 'operationsDone', reason: 'AddressTentative', params: { addresses: ['fd00::1'] } },
    ],
  ]);
});

describe('a paused interface', () => {
  const pause: Partial<Context> = { paused: { by: 'mona', since: timeAt(0) } };
  const internal: Failure = { code: 'InternalError', step: 'decide', text: 'x', until: null };

  decides([
    ['as declared', asDeclared(pause), paused([])],
    ['by its spec', asDeclared({ hold: { mode: 'Paused', since: timeAt(0) } }), paused([])],
    [
      'that differs says in what, each once',
      asDeclared({
        ...pause,
        observed: { ...seen({ ...narrow, up: false }), strays: [stray, { ...stray, index: 10 }] },
      }),
      paused(['mtu', 'up', 'netns']),
    ],
    [
      'whose name somebody else has',
      asDeclared({ ...pause, observed: seen({ ...link, alias: null, kind: 'vxlan' }) }),
      paused(['link']),
    ],
    [
      'that lacks slaves',
      asDeclared({
        ...pause,
        spec: bridgeAs({ bridge: { slaves: ['s0', 's1'] } }),
        observed: { ...seen({ ...link, slaves: [] }), devices: { s0: false, s1: false } },
      }),
      paused(['slaves']),
    ],
    [
      'that lacks the device it stands on',
      asDeclared({
        ...pause,
        spec: bridgeAs({ type: 'vlan', vlan: { dev: 's0', id: 5 } }),
        observed: { ...seen(null), devices: { s0: false } },
      }),
      paused(['dev']),
    ],
    ['that has not been looked at', asDeclared({ ...pause, observed: null }), paused(null), [look]],
    [
      'whose netns is not known',
      asDeclared({ ...pause, places: {}, observed: null }),
      paused(null),
      [{ type: 'ResolveNetns', slots: ['target'] }],
    ],
    [
      'whose operations are in flight asks for nothing',
      asDeclared({ ...pause, observed: null, running: 'round-1' }),
      paused(null),
    ],
    ['of which no object is known', knowing(pause), paused(null)],
    ['whose comparison fails', asDeclared({ ...pause, failure: internal }), paused(null)],
    ['that failed otherwise', asDeclared({ ...pause, failure: refusal('EPERM') }), paused([])],
    [
      'that is declared after its deletion began',
      asDeclared({ ...pause, verdict: verdict('deleting') }),
      paused([], 'changesWithheld'),
    ],
    [
      'that is declared after its end',
      asDeclared({ ...pause, verdict: verdict('deleted') }),
      paused([], 'changesWithheld'),
    ],
  ]);

  test('makes no difference to a deletion', () => {
    expect(decide(asDeclared({ ...pause, deletion })).perform).toMatchObject([removal]);
  });

  test('is told no operations that would have to be performed', () => {
    expect(decide(asDeclared({ ...pause, taken: { target: { name: 'br0', by: 'older' } } }))).toEqual({
      because: paused([]),
      operations: [],
    });
  });
});

describe('what is only observed', () => {
  const hold = { mode: 'Observe', since: timeAt(0) } as const;
  decides([
    ['would be made', asDeclared({ hold, observed: seen(null) }), would('changesWithheld')],
    ['would be mended', asDeclared({ hold, observed: seen(narrow), settled: true }), would('kernelDiffers')],
    ['is as declared', asDeclared({ hold }), configured],
    [
      'is deleted all the same',
      asDeclared({ hold, deletion }),
      { finding: 'deletionAsked', reason: 'Deleting', params: { step: 'remove', names: ['br0'] } },
      [],
      [removal],
    ],
  ]);
});

const confirm = (more: object = {}): Partial<Context> => ({
  spec: bridgeAs({ confirm: { timeoutSeconds: 9, probe: '192.0.2.1' } }),
  confirm: {
    proven: null,
    trial: { generation: 4, asked: false, since: null, watched: [], found: false, ...more },
    rolledBack: null,
  },
});

describe('a change under trial', () => {
  const begin = { type: 'BeginConfirm', generation: 4, timeoutSeconds: 9, probe: '192.0.2.1' };
  const confirming: Because = { finding: 'lookupsAsked', reason: 'Confirming' };
  decides([
    ['is asked about before it is made', asDeclared({ ...confirm(), observed: seen(narrow) }), confirming, [begin]],
    ['is asked about once', asDeclared({ ...confirm({ asked: true }), observed: seen(narrow) }), confirming],
    [
      'without a spec.confirm of its own has no time',
      asDeclared({ ...confirm(), spec: bridgeAs(), observed: seen(narrow) }),
      confirming,
      [{ ...begin, timeoutSeconds: 0, probe: null }],
    ],
    [
      'is made once it began',
      asDeclared({ ...confirm({ since: timeAt(0) }), observed: seen(narrow) }),
      creating,
      [],
      [change],
    ],
    [
      'is confirmed once it is made',
      asDeclared(confirm({ since: timeAt(0) })),
      { finding: 'operationsDone', reason: 'Confirming' },
    ],
    ['does not begin where the kernel is as declared', asDeclared(confirm()), configured],
    [
      'does not begin where nothing is changed',
      asDeclared({ ...confirm(), hold: { mode: 'Observe', since: timeAt(0) }, observed: seen(narrow) }),
      { finding: 'changesWithheld', reason: 'WouldChange', params: { operations: [change], more: 0 } },
    ],
  ]);
});

describe('a spec that was rolled back', () => {
  const nothing: Because = { finding: 'nothingToRollBackTo', reason: 'RolledBack' };
  decides([
    ['leaves the former in force', asDeclared(back(3, true)), { finding: 'operationsDone', reason: 'RolledBack' }],
    ['to nothing leaves a link that was there', asDeclared(back(null, true)), nothing],
    ['to nothing removes the link that it made', asDeclared(back(null, false)), nothing, [], [removal]],
    [
      'to nothing looks for the link that it made',
      asDeclared({ ...back(null, false), observed: null }),
      nothing,
      [look],
    ],
    ['to nothing ends when its link is gone', asDeclared({ ...back(null, false), observed: seen(null) }), nothing],
  ]);
});

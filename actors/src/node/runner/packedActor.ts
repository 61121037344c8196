import { deflateRawSync, inflateRawSync } from 'node:zlib';
import type { EventType } from '@ifactor/crds';
import { freeze, initial, thaw } from '../../interface/machine/fold.ts';
import type { Snapshot } from '../../interface/machine/fold.ts';

/*
 * An actor at rest is packed: its state is nearly the same for every interface, so a kilobyte and a half of JSON is
 * compressed to some two hundred bytes against this dictionary, which holds the common part.
 */
const key = { kind: 'netlinkinterface', namespace: 'default', name: 'wireguardinterface' };
const address = { family: 'inet', local: '10.', peer: null, prefixlen: 24, noPrefixRoute: false };
const alike = [
  freeze(initial(key)),
  { verdict: { state: 'configured', finding: 'operationsDone', reason: 'Configured' } },
  {
    verdict: { state: 'moved-to-netns', finding: 'operationsDoneInNetns', reason: 'MovedToNetns' },
    ready: { status: 'True', since: '2026-' },
  },
  {
    spec: {
      node: '',
      interfaceName: '',
      type: 'bridge',
      up: true,
      mtu: 1400,
      addresses: [{ ipcidr: '10.0.0.1/24' }, { ipcidr: 'fd00::1/64' }],
      container: { docker: { name: '' } },
    },
  },
  {
    desired: { uid: '', generation: 1, resourceVersion: '', creationTimestamp: '2026-' },
    places: { target: { netns: '402653' } },
  },
  { lastEvent: { sequence: 1, type: 'LinkObserved', time: '2026-' } },
  {
    settled: true,
    observed: {
      links: {
        target: {
          index: 1,
          name: '',
          kind: 'bridge',
          up: true,
          mtu: 1500,
          alias: 'ifactor:default/netlinkinterface/',
          addrGenMode: 'none',
          addresses: [address, { ...address, family: 'inet6', local: 'fd00::' }],
          slaves: [],
        },
      },
      strays: [],
      devices: {},
    },
  },
];
// A small window: each call makes one of its own.
const options = { dictionary: Buffer.from(JSON.stringify(alike)), windowBits: 12, memLevel: 4 };

/** What an actor knows, and its last event. */
export type ActorState = { snapshot: Snapshot; lastEvent: { sequence: number; type: EventType; time: string } | null };

/** What `unpack` makes the same of, in a string of one byte for each character. */
export const pack = ({ snapshot, lastEvent }: ActorState): string =>
  deflateRawSync(JSON.stringify({ ...freeze(snapshot), lastEvent }), options).toString('latin1');

export function unpack(packed: string): ActorState {
  const text = inflateRawSync(Buffer.from(packed, 'latin1'), options).toString();
  const { lastEvent, ...frozen } = JSON.parse(text) as ReturnType<typeof freeze> & Pick<ActorState, 'lastEvent'>;
  return { snapshot: thaw(frozen), lastEvent };
}

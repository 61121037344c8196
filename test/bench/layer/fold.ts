/** In a process of its own: events that the machine folds per second, one bridge healed again and again. Prints JSON. */
import type { EventData, EventType, InterfaceEvent, ObservedLink, Operation } from '@ifactor/crds';
import { NetlinkInterfaceSpecSchema } from '@ifactor/crds';
import { fold, initial, stateOf } from '../../../actors/src/machine/fold.ts';
import { bridges, desired } from '../workload.ts';

const [bridge] = bridges(1);
const { name, mtu, ipv4, ipv6 } = bridge!;
const wanted = desired('bench', bridge!);
const addresses = [ipv4, ipv6].map((text) => {
  const [local = '', prefixlen] = text.split('/');
  return { family: local.includes(':') ? 'inet6' as const : 'inet' as const, local: local.replace(':0::', '::'), peer: null, prefixlen: Number(prefixlen), noPrefixRoute: false };
});

let snapshot = initial({ kind: 'netlinkinterface', namespace: 'default', name });
let folded = 0;

function step<T extends EventType>(type: T, data: EventData[T]): readonly Operation[] {
  // One pair out of the union that T ranges over.
  const event = { type, time: '2026-01-01T00:00:00.000Z', data } as unknown as InterfaceEvent;
  const result = fold(snapshot, event);
  snapshot = result.snapshot;
  folded++;
  return result.operations;
}

function perform(operations: readonly Operation[]): void {
  const asked = operations.find((operation) => operation.type === 'Perform');
  if (!asked) throw new Error(`nothing to perform in state ${stateOf(snapshot)}: ${snapshot.context.verdict.message}`);
  const { id } = asked;
  step('LinkCreated', { operations: id, slot: 'target', name, index: 7 });
  for (const address of addresses) step('AddressAdded', { operations: id, slot: 'target', name, address });
  const link: ObservedLink = { index: 7, name, kind: 'bridge', up: true, mtu, alias: `ifactor:default/netlinkinterface/${name}`, addrGenMode: 'none', addresses, slaves: [] };
  step('LinkObserved', { operations: id, observed: { links: { target: link }, strays: [], devices: {} } });
  if (stateOf(snapshot) !== 'configured') throw new Error(`${stateOf(snapshot)} instead of configured: ${snapshot.context.verdict.message}`);
}

const { uid, generation, resourceVersion, creationTimestamp } = wanted;
step('SpecChanged', { uid, generation, resourceVersion, creationTimestamp, spec: NetlinkInterfaceSpecSchema.parse(wanted.spec) });
step('NetnsResolved', { slot: 'target', netns: '1' });
const gone = { links: { target: null }, strays: [], devices: {} };
perform(step('LinkObserved', { observed: gone }));

const start = performance.now();
folded = 0;
for (let minute = 0; performance.now() - start < 2000; minute++) {
  // Apart in time, so that it is no fight.
  const time = new Date(Date.UTC(2026, 0, 1) + minute * 60_000).toISOString();
  const event: InterfaceEvent = { type: 'DriftObserved', time, data: { observed: gone, drift: [{ field: 'link', wanted: name, found: null }] } };
  const result = fold(snapshot, event);
  snapshot = result.snapshot;
  folded++;
  perform(result.operations);
}
console.log(JSON.stringify((folded / (performance.now() - start)) * 1000));

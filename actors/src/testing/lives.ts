import type { InterfaceEvent, Key, ObservedLink, Operation, RecordedEvent } from '@ifactor/crds';
import { machineVersion } from '@ifactor/crds';
import { markOf } from '../interface/kind/index.ts';
import type { Fact } from '../node/runner/actor.ts';
import { fold, initial } from '../interface/machine/fold.ts';
import type { Snapshot } from '../interface/machine/fold.ts';

const minute = 60_000;
const begin = Date.UTC(2026, 0, 1);
const nothing = { links: { target: null }, strays: [], devices: {} };

type Round = Operation & { type: 'Perform' };

/** What happens to a bridge that is created, and then repeatedly deleted by another program and repaired. */
function* bridge(key: Key): Generator<Fact, never, readonly Operation[]> {
  const { name } = key;
  const spec = {
    node: 'n1',
    interfaceName: name,
    type: 'bridge' as const,
    up: true,
    mtu: 1400,
    addresses: [{ ipcidr: '10.0.0.1/24' }, { ipcidr: 'fd00::1/64' }],
  };
  yield {
    type: 'SpecChanged',
    data: { uid: `uid-${name}`, generation: 1, resourceVersion: '1', creationTimestamp: '2026-01-01T00:00:00Z', spec },
  };
  yield { type: 'NetnsResolved', data: { slot: 'target', netns: '4026531840' } };
  let asked = yield { type: 'LinkObserved', data: { observed: nothing } };
  for (let index = 7; ; index++) {
    const round = asked.find((operation): operation is Round => operation.type === 'Perform');
    if (!round) throw new Error(`${name}: nothing was asked for`);
    const operations = round.id;
    const addresses = round.operations.flatMap((operation) =>
      operation.type === 'AddAddress' ? [operation.address] : [],
    );
    yield { type: 'LinkCreated', data: { operations, slot: 'target', name, index } };
    for (const address of addresses)
      yield { type: 'AddressAdded', data: { operations, slot: 'target', name, address } };
    const target: ObservedLink = {
      index,
      name,
      kind: 'bridge',
      up: true,
      mtu: 1400,
      alias: markOf(key),
      addrGenMode: 'none',
      addresses,
      slaves: [],
    };
    yield { type: 'LinkObserved', data: { operations, observed: { ...nothing, links: { target } } } };
    asked = yield {
      type: 'DriftObserved',
      data: { observed: nothing, drift: [{ field: 'link', wanted: name, found: null }] },
    };
  }
}

/**
 * A log without end, as an agent would have written it: bridges that are deleted again and again, and healed, in turns. Apart in
 * time, so that it does not count as a fight.
 */
export function* someLives(
  log: { node: string; eventId(sequence: number): string },
  keys: readonly Key[],
): Generator<RecordedEvent, never> {
  type Turn = { key: Key; facts: ReturnType<typeof bridge>; snapshot: Snapshot; operations: readonly Operation[] };
  const turns: Turn[] = keys.map((key) => ({ key, facts: bridge(key), snapshot: initial(key), operations: [] }));
  for (let sequence = 1; ;) {
    for (const turn of turns) {
      const fact = turn.facts.next(turn.operations).value;
      const time = new Date(begin + Math.floor(sequence / keys.length) * minute).toISOString();
      const event: InterfaceEvent = { ...fact, time };
      const folded = fold(turn.snapshot, event);
      Object.assign(turn, folded);
      const id = log.eventId(sequence);
      yield {
        ...event,
        id,
        sequence,
        node: log.node,
        key: turn.key,
        causationId: null,
        correlationId: id,
        state: folded.snapshot.value,
        machine: machineVersion,
      };
      sequence++;
    }
  }
}

import { isDeepStrictEqual } from 'node:util';
import { verdictWords } from '@ifactor/actors';
import type { EventType, KernelOperation, RecordedEvent } from '@ifactor/crds';
import { begins, lived, replay } from '../log/lives.ts';
import type { FoldStep } from '../log/lives.ts';

/** The first place where the code at hand decides otherwise than the code that wrote the log. */
export type FoldDifference = { event: RecordedEvent; recorded: string; now: string };

/** The events that record an operation's success. */
const outcomes: { readonly [O in KernelOperation['type']]: readonly EventType[] } = {
  CreateLink: ['LinkCreated'],
  AdoptLink: ['LinkAdopted'],
  ChangeLink: ['LinkChanged'],
  MoveLink: ['LinkMoved'],
  RemoveLink: ['LinkRemoved'],
  RemoveStray: ['LinkRemoved'],
  AddAddress: ['AddressAdded'],
  RemoveAddress: ['AddressRemoved'],
  AttachSlave: ['SlaveAttached'],
  ReleaseSlave: ['SlaveReleased'],
  SetWireGuard: ['WireGuardChanged'],
  SetPeer: ['PeerChanged'],
  RemovePeer: ['PeerRemoved'],
};

/**
 * Compares the decisions of the code at hand with those in a log, step by step of one actor: the state after each event, and
 * each kernel operation whose outcome the log records with the one that the fold requests.
 */
export class WhatIf {
  /** The log lacks the actor's first events: unknown. */
  unknown = false;
  /** The first one; null as long as all agree. */
  difference: FoldDifference | null = null;
  /** Operations requested without a recorded outcome yet, by the id of their list. */
  readonly #open = new Map<string, KernelOperation[]>();
  #first = true;

  see(step: FoldStep): void {
    if (this.#first) this.unknown = !begins(step.event);
    this.#first = false;
    if (this.unknown || this.difference !== null) return;
    this.difference = compare(step, this.#open);
    for (const operation of step.operations)
      if (operation.type === 'Perform') this.#open.set(operation.id, [...operation.operations]);
  }
}

/** The first difference in the log of one actor; null where all agrees. */
export function whatIf(events: readonly RecordedEvent[]): FoldDifference | null {
  const comparison = new WhatIf();
  for (const step of replay(lived(events))) comparison.see(step);
  return comparison.difference;
}

function compare({ event, snapshot }: FoldStep, open: Map<string, KernelOperation[]>): FoldDifference | null {
  if (event.state !== snapshot.value)
    return {
      event,
      recorded: `state ${event.state}`,
      now: `state ${snapshot.value}: ${verdictWords(snapshot.context)}`,
    };
  const data: Record<string, unknown> = { ...event.data };
  const id = data['operations'];
  if (typeof id !== 'string') return null;
  const list = open.get(id);
  const recorded = `${event.type} ${JSON.stringify(withoutId(data))}`;
  if (event.type === 'LinkObserved') {
    // The look after the last operation of a list.
    const left = list?.[0];
    open.delete(id);
    return left === undefined
      ? null
      : { event, recorded: 'all operations done', now: `${left.type} ${JSON.stringify(left)}` };
  }
  const operation = list?.shift();
  if (operation === undefined) return { event, recorded, now: 'no operation' };
  const same =
    event.type === 'OperationFailed'
      ? isDeepStrictEqual(event.data.operation, operation)
      : outcomes[operation.type].includes(event.type) && agrees(data, operation);
  if (event.type === 'OperationFailed') open.delete(id);
  return same ? null : { event, recorded, now: `${operation.type} ${JSON.stringify(operation)}` };
}

const withoutId = (data: Record<string, unknown>): Record<string, unknown> =>
  Object.fromEntries(Object.entries(data).filter(([name]) => name !== 'operations'));

/** Whether an outcome belongs to the operation: fields that both have are equal. Indexes and endpoints are set by the kernel. */
function agrees(data: Record<string, unknown>, operation: KernelOperation): boolean {
  const asked: Record<string, unknown> = { ...operation };
  return ['name', 'address', 'slave', 'publicKey', 'change', 'from'].every(
    (field) => !(field in data) || isDeepStrictEqual(data[field], asked[field]),
  );
}

import type { EventData, EventType, RecordedEvent, Slot } from '../message/event.ts';
import type { Drift } from '../message/observed.ts';
import { lostNetnsWords } from './netns.ts';
import { changeWords } from './operation.ts';
import { refusedDesiredWords } from './refusal.ts';
import { missingSecretWords, secretText } from './secret.ts';
import { fieldText, loopText, peerText, printAddress, slotWords, strayText, valueText } from './value.ts';

/** `mtu: wanted 1400, found 1500`, for each field. */
export const driftWords = (drift: readonly Drift[]): string =>
  drift
    .map(({ field, wanted, found }) => `${field}: wanted ${fieldText(wanted)}, found ${fieldText(found)}`)
    .join('; ');

/** As `driftWords`, for an interface that was as declared: a missing link was deleted from outside, unless it was moved. */
function seenDriftWords(drift: readonly Drift[]): string {
  const moved = drift.some(({ field }) => field === 'netns');
  return drift
    .map((one) =>
      one.field === 'link' && one.found === null && !moved
        ? `link ${fieldText(one.wanted)} was deleted`
        : driftWords([one]),
    )
    .join('; ');
}

/** Text for each type of event: past tense, without the name of its object. */
const sentences: { readonly [T in EventType]: (data: EventData[T]) => string } = {
  SpecChanged: ({ generation, spec }) =>
    `generation ${generation} declared: ${'type' in spec ? spec.type : 'wireguard'} ${spec.interfaceName}`,
  ConfirmBegan: ({ generation, timeoutSeconds, watched }) =>
    `generation ${generation} on trial for ${timeoutSeconds} s, watching ${watched.join(' and ') || 'nothing'}`,
  SpecConfirmed: ({ generation }) => `generation ${generation} confirmed`,
  SpecRolledBack: ({ generation, to, lost, seconds }) =>
    `generation ${generation} lost ${lost.join(' and ')} for ${seconds} s; ` +
    (to === null ? 'there is no earlier generation to roll back to' : `rolled back to generation ${to}`),
  DeletionRequested: ({ gone }) => (gone ? 'object deleted' : 'deletion of the object requested'),
  SecretResolved: ({ ref, version }) =>
    version === 'restored' ? `restored ${secretText(ref)} of the former object` : `received ${secretText(ref)}`,
  SecretMissing: ({ ref, reason, params, message }) => message ?? missingSecretWords(reason, ref, params),
  StepFailed: ({ step, message }) => `the agent failed to ${step}: ${message}`,
  NetnsResolved: ({ slot, netns }) => `${slotWords(slot)} is ${netns}`,
  NetnsLost: ({ slot, reason, params, message }) =>
    message ?? (params ? lostNetnsWords(reason, params) : `${slotWords(slot)} is not available (${reason})`),
  NameTaken: ({ name, by }) => `${name} is claimed by ${by}`,
  NameFreed: ({ name }) => `${name} is no longer claimed by another object`,
  LoopFound: ({ through }) => `depends on itself: ${loopText(through)}`,
  LoopOpened: ({ through }) => `no longer depends on itself: ${loopText(through)}`,
  LinkObserved: ({ observed }) => {
    const links = Object.entries(observed.links).map(([slot, link]) =>
      link ? `${link.name} in ${slotWords(slot as Slot)}` : `no link in ${slotWords(slot as Slot)}`,
    );
    return `kernel shows ${links.join(', ') || 'no link'}`;
  },
  DriftObserved: ({ drift }) => seenDriftWords(drift),
  LinkCreated: ({ slot, name, index }) => `created link ${name} in ${slotWords(slot)} (index ${index})`,
  LinkAdopted: ({ slot, name }) => `adopted existing link ${name} in ${slotWords(slot)}`,
  LinkChanged: ({ name, change }) => `set ${changeWords(change)} on ${name}`,
  LinkMoved: ({ slot, name, from }) => `moved link ${name} from ${slotWords(from)} to ${slotWords(slot)}`,
  LinkRemoved: ({ slot, name, anew, absent }) =>
    (absent
      ? `link ${name} was already gone from ${slotWords(slot)}`
      : `removed link ${name} from ${slotWords(slot)}`) +
    (anew ? ` to recreate it: ${anew.join(', ')} cannot be changed on an existing link` : ''),
  AddressAdded: ({ name, address }) => `added ${printAddress(address)} to ${name}`,
  AddressRemoved: ({ name, address }) => `removed ${printAddress(address)} from ${name}`,
  SlaveAttached: ({ name, slave }) => `attached ${slave} to ${name}`,
  SlaveReleased: ({ name, slave }) => `released ${slave} from ${name}`,
  WireGuardChanged: ({ name, change }) => `set ${changeWords(change)} on ${name}`,
  PeerChanged: ({ name, publicKey, change, resolved }) =>
    `set ${changeWords(change)} of ${peerText(publicKey)} on ${name}` +
    (resolved === undefined ? '' : ` (${resolved})`),
  PeerRemoved: ({ name, publicKey }) => `removed ${peerText(publicKey)} from ${name}`,
  EndpointUnresolved: ({ publicKey, message }) => `${peerText(publicKey)}: ${message}`,
  OperationFailed: ({ message }) => message,
  StrayLeft: ({ netns, name, message }) => strayText({ netns, name, message }),
  TimerElapsed: ({ timer }) => `timer ${timer} elapsed`,
  AgentStarted: ({ version, lost, later }) =>
    `agent ${version} started` +
    (lost ? `; lost ${lost.events} events of its former run, the disk was full` : '') +
    (later === undefined ? '' : `; the log is of a later machine version (${later}): adopting what the kernel shows`),
  JournalWentBack: ({ events }) =>
    `the journal lacks ${events} events of this node that the stream has; it goes on under a new id`,
  DesiredRefused: ({ reason }) => refusedDesiredWords(reason),
  ResyncRequested: ({ by }) => `resync requested by ${by}`,
  Paused: ({ by, reason, until }) =>
    `paused by ${by}${until === undefined ? '' : ` until ${until}`}${reason === undefined ? '' : `: ${reason}`}`,
  Resumed: ({ by }) => `resumed by ${by}`,
};

/** The event as a sentence. For an event of a later version, which is unknown here, its data. */
export function eventWords({ type, data }: RecordedEvent): string {
  // Own entries only: a type of a later version may be called anything.
  const sentence = Object.hasOwn(sentences, type) ? (sentences[type] as (data: unknown) => string) : undefined;
  try {
    return sentence ? sentence(data) : valueText(data);
  } catch {
    return valueText(data);
  }
}

const outcomes: ReadonlySet<EventType> = new Set<EventType>([
  'LinkCreated',
  'LinkAdopted',
  'LinkChanged',
  'LinkMoved',
  'LinkRemoved',
  'AddressAdded',
  'AddressRemoved',
  'SlaveAttached',
  'SlaveReleased',
  'WireGuardChanged',
  'PeerChanged',
  'PeerRemoved',
]);

/** Whether the event is the success of an operation on the kernel. */
export const isOutcome = ({ type }: RecordedEvent): boolean => outcomes.has(type);

import { printAddress } from '@ifactor/actors';
import type { AttributedLink, EventData, EventType, KernelOperation, RecordedEvent, Slot } from '@ifactor/crds';
import { valueText } from '../../log/text.ts';

const places: { readonly [S in Slot]: string } = {
  home: "the node's netns",
  target: 'its place',
  peer: "the far end's place",
};
const where = (slot: Slot | null): string => (slot === null ? 'a netns where it does not belong' : places[slot]);

/** What of a change, as `ip` and `wg` name it: `mtu 1400, up true`. A private key is told by its public key. */
const list = (change: object): string =>
  Object.entries(change)
    .flatMap(([name, value]) => (name === 'link' ? ofKind(value as AttributedLink) : [[name, value] as const]))
    .map(([name, value]) => `${name === 'privateKey' ? 'the private key of' : name} ${plain(value)}`)
    .join(', ') || 'nothing';
const ofKind = (link: AttributedLink): [string, unknown][] =>
  Object.entries((link as unknown as Record<string, object>)[link.kind] ?? {});
const plain = (value: unknown): string =>
  Array.isArray(value) ? value.map(valueText).join(' ') || 'none' : value === null ? 'nothing' : valueText(value);
const peer = (publicKey: string): string => `peer ${publicKey.slice(0, 8)}…`;

/** How each event reads: what happened, in a sentence without its subject's name. */
const sayings: { readonly [T in EventType]: (data: EventData[T]) => string } = {
  SpecChanged: ({ generation, spec }) =>
    `generation ${generation} is declared: ${'type' in spec ? spec.type : 'wireguard'} ${spec.interfaceName}`,
  ConfirmBegan: ({ timeoutSeconds, watched }) =>
    `a change on trial for ${timeoutSeconds} s, watching ${watched.join(' and ') || 'nothing'}`,
  SpecConfirmed: ({ generation }) => `generation ${generation} has proved itself`,
  SpecRolledBack: ({ generation, to, lost, seconds }) =>
    `generation ${generation} lost ${lost.join(' and ')} for ${seconds} s: back to ${to === null ? 'nothing' : `generation ${to}`}`,
  DeletionRequested: ({ gone }) => (gone ? 'its object is gone' : 'its object is being deleted'),
  SecretResolved: ({ ref, version }) =>
    version === 'restored' ? `${ref} of the former object is in use again` : `${ref} is at hand`,
  SecretMissing: ({ message }) => message,
  StepFailed: ({ step, message }) => `the agent failed to ${step}: ${message}`,
  NetnsResolved: ({ slot, netns }) => `${where(slot)} is netns ${netns}`,
  NetnsLost: ({ message }) => message,
  NameTaken: ({ name, by }) => `${name} is claimed by ${by}`,
  NameFreed: ({ name }) => `${name} is free`,
  LinkObserved: ({ observed }) => {
    const links = Object.entries(observed.links).map(([slot, link]) =>
      link ? `${link.name} in ${where(slot as Slot)}` : `none in ${where(slot as Slot)}`,
    );
    return `the kernel shows ${links.join(', ') || 'nothing'}`;
  },
  DriftObserved: ({ drift }) =>
    drift.map(({ field, wanted, found }) => `${field}: wanted ${plain(wanted)}, found ${plain(found)}`).join('; '),
  LinkCreated: ({ slot, name, index }) => `${name} made in ${where(slot)}, index ${index}`,
  LinkAdopted: ({ slot, name }) => `${name} in ${where(slot)} taken over`,
  LinkChanged: ({ name, change }) => `${name}: ${list(change)}`,
  LinkMoved: ({ slot, name, from }) => `${name} moved from ${where(from)} to ${where(slot)}`,
  LinkRemoved: ({ slot, name, anew }) =>
    `${name} removed from ${where(slot)}` + (anew ? `, to be recreated because of ${anew.join(', ')}` : ''),
  AddressAdded: ({ name, address }) => `${printAddress(address)} added to ${name}`,
  AddressRemoved: ({ name, address }) => `${printAddress(address)} removed from ${name}`,
  SlaveAttached: ({ name, slave }) => `${slave} put under ${name}`,
  SlaveReleased: ({ name, slave }) => `${slave} released from ${name}`,
  WireGuardChanged: ({ name, change }) => `${name}: ${list(change)}`,
  PeerChanged: ({ name, publicKey, change, resolved }) =>
    `${peer(publicKey)} of ${name}: ${list(change)}${resolved === undefined ? '' : ` (${resolved})`}`,
  PeerRemoved: ({ name, publicKey }) => `${peer(publicKey)} removed from ${name}`,
  EndpointUnresolved: ({ publicKey, message }) => `${peer(publicKey)}: ${message}`,
  OperationFailed: ({ operation, code, message }) => `${sayOperation(operation)}: ${code}, ${message}`,
  TimerElapsed: ({ timer }) => `time for ${timer}`,
  AgentStarted: ({ version, lost, later }) =>
    `agent ${version} started${lost ? `; ${lost.events} events before it could not be stored` : ''}` +
    (later === undefined
      ? ''
      : `; it is older than the log (machine version ${later}) and adopts what the kernel shows`),
  ResyncRequested: ({ by }) => `${by} asked for a fresh look`,
  Paused: ({ by }) => `paused by ${by}`,
  Resumed: ({ by }) => `resumed by ${by}`,
};

/** An event in few words. One of a later version, which this one does not know, says its data. */
export function sayEvent({ type, data }: RecordedEvent): string {
  const say = (sayings as { readonly [type: string]: ((data: unknown) => string) | undefined })[type];
  try {
    return say ? say(data) : valueText(data);
  } catch {
    return valueText(data);
  }
}

/** An operation on the kernel as a person would ask for it. */
export function sayOperation(operation: KernelOperation): string {
  switch (operation.type) {
    case 'CreateLink':
      return `make ${operation.link.kind} ${operation.name} in ${where(operation.slot)}`;
    case 'AdoptLink':
      return `take over ${operation.name} in ${where(operation.slot)}`;
    case 'ChangeLink':
      return `set ${list(operation.change)} on ${operation.name}`;
    case 'MoveLink':
      return `move ${operation.name} from ${where(operation.from)} to ${where(operation.slot)}`;
    case 'RemoveLink':
      return `remove ${operation.name} from ${where(operation.slot)}`;
    case 'RemoveStray':
      return `remove ${operation.name} from netns ${operation.netns}`;
    case 'AddAddress':
      return `add ${printAddress(operation.address)} to ${operation.name}`;
    case 'RemoveAddress':
      return `remove ${printAddress(operation.address)} from ${operation.name}`;
    case 'AttachSlave':
      return `put ${operation.slave} under ${operation.name}`;
    case 'ReleaseSlave':
      return `release ${operation.slave} from ${operation.name}`;
    case 'SetWireGuard':
      return `set ${list(operation.change)} on ${operation.name}`;
    case 'SetPeer':
      return `set ${list(operation.change)} of ${peer(operation.publicKey)} on ${operation.name}`;
    case 'RemovePeer':
      return `remove ${peer(operation.publicKey)} from ${operation.name}`;
  }
}

/** By the event that tells of an operation's success: what was asked of the kernel. */
const done = {
  LinkCreated: ({ slot, name }) => `make ${name} in ${where(slot)}`,
  LinkAdopted: ({ slot, name }) => `take over ${name} in ${where(slot)}`,
  LinkChanged: ({ name, change }) => `set ${list(change)} on ${name}`,
  LinkMoved: ({ slot, name, from }) => `move ${name} from ${where(from)} to ${where(slot)}`,
  LinkRemoved: ({ slot, name }) => `remove ${name} from ${where(slot)}`,
  AddressAdded: ({ name, address }) => `add ${printAddress(address)} to ${name}`,
  AddressRemoved: ({ name, address }) => `remove ${printAddress(address)} from ${name}`,
  SlaveAttached: ({ name, slave }) => `put ${slave} under ${name}`,
  SlaveReleased: ({ name, slave }) => `release ${slave} from ${name}`,
  WireGuardChanged: ({ name, change }) => `set ${list(change)} on ${name}`,
  PeerChanged: ({ name, publicKey, change }) => `set ${list(change)} of ${peer(publicKey)} on ${name}`,
  PeerRemoved: ({ name, publicKey }) => `remove ${peer(publicKey)} from ${name}`,
} satisfies { [T in EventType]?: (data: EventData[T]) => string };

/** What was asked of the kernel, from the event that tells of its success; null for an event that tells of none. */
export function sayDone({ type, data }: RecordedEvent): string | null {
  const say = (done as { readonly [type: string]: ((data: unknown) => string) | undefined })[type];
  return say ? say(data) : null;
}

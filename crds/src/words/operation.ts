import type { AttributedLink, KernelOperation } from '../message/operation.ts';
import { fieldText, peerText, printAddress, slotWords } from './value.ts';

const attributesOf = (link: AttributedLink): [string, unknown][] =>
  Object.entries((link as unknown as Record<string, object>)[link.kind] ?? {});

/** What a change sets, in terms of `ip` and `wg`: `mtu 1400, up true`. A private key is shown as its public key. */
export const changeWords = (change: object): string =>
  Object.entries(change)
    .flatMap(([name, value]) =>
      name === 'link' ? attributesOf(value as AttributedLink) : [[name, value] as [string, unknown]],
    )
    .map(([name, value]) => `${name === 'privateKey' ? 'the private key of' : name} ${fieldText(value)}`)
    .join(', ') || 'nothing';

/** An operation on the kernel, in the imperative: `create vlan v0 in the node's netns`. */
export function operationWords(operation: KernelOperation): string {
  switch (operation.type) {
    case 'CreateLink':
      return `create ${operation.link.kind} ${operation.name} in ${slotWords(operation.slot)}`;
    case 'AdoptLink':
      return `adopt ${operation.name} in ${slotWords(operation.slot)}`;
    case 'ChangeLink':
      return `set ${changeWords(operation.change)} on ${operation.name}`;
    case 'MoveLink':
      return `move ${operation.name} from ${slotWords(operation.from)} to ${slotWords(operation.slot)}`;
    case 'RemoveLink':
      return `remove ${operation.name} from ${slotWords(operation.slot)}`;
    case 'RemoveStray':
      return `remove ${operation.name} from netns ${operation.netns}`;
    case 'AddAddress':
      return `add ${printAddress(operation.address)} to ${operation.name}`;
    case 'RemoveAddress':
      return `remove ${printAddress(operation.address)} from ${operation.name}`;
    case 'AttachSlave':
      return `attach ${operation.slave} to ${operation.name}`;
    case 'ReleaseSlave':
      return `release ${operation.slave} from ${operation.name}`;
    case 'SetWireGuard':
      return `set ${changeWords(operation.change)} on ${operation.name}`;
    case 'SetPeer':
      return `set ${changeWords(operation.change)} of ${peerText(operation.publicKey)} on ${operation.name}`;
    case 'RemovePeer':
      return `remove ${peerText(operation.publicKey)} from ${operation.name}`;
  }
}

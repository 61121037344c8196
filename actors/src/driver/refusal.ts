/** What a refusal of the kernel means for the object: which field, and why. The kernel often returns only an errno. */
import type { KernelOperation } from '@ifactor/crds';
import { printAddress } from '@ifactor/crds/words';
import { isKernelError, KernelError } from '../kernel/index.ts';
import { refusals } from './kind/refusals.ts';
import type { Refusal, Refusals } from './kind/refusal.ts';

/** What the code alone says, whatever was asked: no field of the object is wrong. */
const sayingAll: ReadonlySet<string> = new Set([
  'ECLOSED',
  'EMFILE',
  'ENFILE',
  'ENOBUFS',
  'ENODEV',
  'ENOMEM',
  'EPERM',
  'ETIMEDOUT',
]);

/** Words of the kernel that name neither a field nor a reason. */
const emptyWords: ReadonlySet<string> = new Set([
  'Attribute failed policy validation',
  'Invalid argument',
  'NLA_F_NESTED is missing',
  'RTNETLINK answers: Invalid argument',
]);

/**
 * The same error in words that name a field and a reason, where the kernel gave none of its own. Errors that are no fault of the object (a
 * device that is gone, a lack of rights, a kind that the kernel does not have) stay as they are.
 */
export function explained(error: unknown, operation: KernelOperation): unknown {
  if (!isKernelError(error) || error.module !== null || error.explained) return error;
  const { kernelWords } = error;
  if (kernelWords !== null && !emptyWords.has(kernelWords)) return error;
  const clear = kernelWords === null && sayingAll.has(error.code);
  const refusal = refusalsOf(operation)[error.code] ?? (clear ? undefined : anyRefusal(operation));
  if (refusal === undefined) return error;
  const { code, module } = error;
  return new KernelError(code, error.operation, { ...refusal, module, cause: error });
}

/** Where nothing more precise is known of an errno: what the operation writes. */
function anyRefusal(operation: KernelOperation): Refusal {
  const { name } = operation;
  const look = `compare with \`ip -details link show ${name}\``;
  switch (operation.type) {
    case 'CreateLink':
      return refusedCreation(operation);
    case 'ChangeLink': {
      const { link, name: next, ...rest } = operation.change;
      const fields = [
        ...(link ? [link.kind] : []),
        ...(next === undefined ? [] : ['interfaceName']),
        ...Object.keys(rest),
      ];
      return { meaning: `${fields.join(', ')}: the kernel refuses the change of ${name}`, advice: look };
    }
    case 'AdoptLink':
      return {
        meaning: `interfaceName: the kernel refuses to mark the link ${name} that exists`,
        advice: 'rename or delete it, or choose another interfaceName',
      };
    case 'MoveLink':
      return { meaning: `container: the kernel refuses to move ${name} there`, advice: look };
    case 'RemoveLink':
    case 'RemoveStray':
      return {
        meaning: `the kernel refuses to delete the link ${name}`,
        advice: `find what holds it, or delete it by hand (ip link del ${name})`,
      };
    case 'AddAddress':
      return refusedAddress(operation);
    case 'RemoveAddress':
      return {
        meaning: `addresses: the kernel refuses to remove ${printAddress(operation.address)} from ${name}`,
        advice: `remove it by hand (ip addr del)`,
      };
    case 'AttachSlave':
      return refusedSlave(operation, 'which the kernel refuses');
    case 'ReleaseSlave':
      return {
        meaning: `slaves: the kernel refuses to release ${operation.slave} from ${name}`,
        advice: `release it by hand (ip link set ${operation.slave} nomaster)`,
      };
    case 'SetWireGuard':
      return {
        meaning: `${Object.keys(operation.change).join(', ') || 'the device'}: the kernel refuses this for ${name}`,
        advice: 'compare with what `wg set` takes',
      };
    case 'SetPeer':
      return refusedPeer(operation);
    case 'RemovePeer':
      return {
        meaning: `peers[${operation.publicKey}]: the kernel refuses to remove it from ${name}`,
        advice: 'remove it by hand (wg set)',
      };
  }
}

function refusalsOf(operation: KernelOperation): Refusals {
  switch (operation.type) {
    case 'CreateLink':
      return { EEXIST: taken(operation.name), ...refusals(operation.link.kind) };
    case 'ChangeLink':
      return change(operation);
    case 'MoveLink':
      return { EEXIST: taken(operation.name) };
    case 'AttachSlave':
      return {
        ...both(refusedSlave(operation, 'it is of a kind that cannot be enslaved'), 'EINVAL', 'EOPNOTSUPP'),
        ELOOP: refusedSlave(operation, 'which would be attached to itself by it'),
        EBUSY: refusedSlave(operation, 'another program uses it'),
      };
    case 'SetWireGuard': {
      const { listenPort } = operation.change;
      const meaning = `listenPort: another program has UDP port ${listenPort}`;
      return listenPort === undefined ? {} : { EADDRINUSE: { meaning, advice: 'choose another, or none' } };
    }
    case 'AddAddress':
    case 'SetPeer':
    case 'AdoptLink':
    case 'RemoveLink':
    case 'RemoveStray':
    case 'RemoveAddress':
    case 'ReleaseSlave':
    case 'RemovePeer':
      return {};
  }
}

function refusedAddress({ name, address }: KernelOperation & { type: 'AddAddress' }): Refusal {
  const { local, prefixlen, family } = address;
  const meaning = `addresses: the kernel takes no ${local}/${prefixlen} on ${name}`;
  const advice =
    family === 'inet6' ? 'a link with IPv6 needs an mtu of at least 1280' : 'choose an address of a single host';
  return { meaning, advice };
}

const refusedSlave = ({ name, slave }: KernelOperation & { type: 'AttachSlave' }, why: string): Refusal => ({
  meaning: `slaves: ${slave} cannot be attached to ${name}, ${why}`,
  advice: `take ${slave} out of slaves`,
});

function refusedPeer({ publicKey, change: fields }: KernelOperation & { type: 'SetPeer' }): Refusal {
  const meaning = `peers[${publicKey}]: the kernel refuses ${Object.keys(fields).join(', ') || 'the key'}`;
  return { meaning, advice: 'compare these with what `wg set` takes' };
}

function refusedCreation({ mtu, link }: KernelOperation & { type: 'CreateLink' }): Refusal {
  const fields = mtu === undefined ? link.kind : `${link.kind} and mtu (${mtu})`;
  return {
    meaning: `the kernel refuses what ${fields} say`,
    advice: 'compare the fields with what `ip link add` takes',
  };
}

function change({ name, change: { mtu, name: next, link } }: KernelOperation & { type: 'ChangeLink' }): Refusals {
  if (link) return refusals(link.kind);
  if (next !== undefined) return { EEXIST: taken(next) };
  if (mtu === undefined) return {};
  const meaning = `mtu: ${name} does not take ${mtu}`;
  return both(
    { meaning, advice: 'choose one between minmtu and maxmtu of `ip -details link show`' },
    'EINVAL',
    'ERANGE',
  );
}

const taken = (name: string): Refusal => ({
  meaning: `interfaceName: there is another link ${name}`,
  advice: 'rename or delete it, or choose another interfaceName',
});

const both = (refusal: Refusal, ...codes: string[]): Refusals =>
  Object.fromEntries(codes.map((code) => [code, refusal]));

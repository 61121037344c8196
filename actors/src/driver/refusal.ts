/** What a refusal of the kernel means for the object: which field, and why. The kernel often returns only an errno. */
import type { KernelOperation } from '@ifactor/crds';
import { isKernelError, KernelError } from '../kernel/index.ts';
import { refusals } from './kind/refusals.ts';
import type { Refusal, Refusals } from './kind/refusal.ts';

/**
 * The same error in words that name a field, where the kernel gave none of its own. Errors that are no fault of the object (a device that
 * is gone, a lack of rights, a kind that the kernel does not have) stay as they are.
 */
export function explained(error: unknown, operation: KernelOperation): unknown {
  if (!isKernelError(error) || error.kernelWords !== null || error.module !== null) return error;
  const refusal = refusalsOf(operation)[error.code];
  if (refusal === undefined) return error;
  const { code, module } = error;
  return new KernelError(code, error.operation, { ...refusal, module, cause: error });
}

function refusalsOf(operation: KernelOperation): Refusals {
  switch (operation.type) {
    case 'CreateLink':
      return creation(operation);
    case 'ChangeLink':
      return change(operation);
    case 'MoveLink':
      return { EEXIST: taken(operation.name) };
    case 'AddAddress': {
      const { local, prefixlen, family } = operation.address;
      const meaning = `addresses: the kernel takes no ${local}/${prefixlen} on ${operation.name}`;
      const advice =
        family === 'inet6' ? 'a link with IPv6 needs an mtu of at least 1280' : 'choose an address of a single host';
      return both({ meaning, advice }, 'EINVAL', 'EADDRNOTAVAIL', 'EACCES');
    }
    case 'AttachSlave': {
      const { slave, name } = operation;
      const refusal = (why: string): Refusal => ({
        meaning: `slaves: ${slave} cannot be attached to ${name}, ${why}`,
        advice: `take ${slave} out of slaves`,
      });
      return {
        EINVAL: refusal('it is of a kind that cannot be enslaved'),
        EOPNOTSUPP: refusal('it is of a kind that cannot be enslaved'),
        ELOOP: refusal('which would be attached to itself by it'),
        EBUSY: refusal('another program uses it'),
      };
    }
    case 'SetWireGuard': {
      const { listenPort } = operation.change;
      const meaning = `listenPort: another program has UDP port ${listenPort}`;
      return listenPort === undefined ? {} : { EADDRINUSE: { meaning, advice: 'choose another, or none' } };
    }
    case 'SetPeer': {
      const fields = Object.keys(operation.change).join(', ');
      const meaning = `peers[${operation.publicKey}]: the kernel refuses ${fields || 'the key'}`;
      return both({ meaning, advice: 'compare these with what `wg set` takes' }, 'EINVAL', 'EEXIST');
    }
    case 'AdoptLink':
    case 'RemoveLink':
    case 'RemoveStray':
    case 'RemoveAddress':
    case 'ReleaseSlave':
    case 'RemovePeer':
      return {};
  }
}

function creation({ name, mtu, link }: KernelOperation & { type: 'CreateLink' }): Refusals {
  const fields = mtu === undefined ? link.kind : `${link.kind} and mtu (${mtu})`;
  return {
    EEXIST: taken(name),
    EINVAL: {
      meaning: `the kernel refuses what ${fields} say`,
      advice: 'compare the fields with what `ip link add` takes',
    },
    ...refusals(link.kind),
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

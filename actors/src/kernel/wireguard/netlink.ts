/** WireGuard in the kernel, by generic netlink. */
import { isKernelError, KernelError } from '../error.ts';
import type { Requests } from '../socket/requests.ts';
import { attributes, MessageWriter, NLM_F_ACK } from '../wire/attribute.ts';
import { decodeDevice, encodeGetDevice, encodeSetDevice, newDevice } from './codec.ts';
import type { WireGuardAccess, WireGuardChange, WireGuardDevice } from './types.ts';

const GENL_ID_CTRL = 16;
const CTRL_CMD_GETFAMILY = 3;
const CTRL_VERSION = 2;
const CTRL_ATTR_FAMILY_ID = 1;
const CTRL_ATTR_FAMILY_NAME = 2;

export type KernelWireGuardParts = {
  /** A generic netlink socket in the netns; opened at first use. */
  open(): Requests;
  /** Of a link of the netns; undefined if the link does not exist. */
  indexOf(name: string): number | undefined;
};

export class KernelWireGuard implements WireGuardAccess {
  readonly #parts: KernelWireGuardParts;
  #requests: Requests | undefined;
  #family: number | undefined;
  #closed = false;

  constructor(parts: KernelWireGuardParts) {
    this.#parts = parts;
  }

  async get(name: string): Promise<WireGuardDevice> {
    const operation = `read WireGuard device ${name}`;
    const family = await this.#resolve(name, operation);
    const device = newDevice();
    await this.#socket(operation).request(encodeGetDevice(family, name), {
      operation,
      alone: true,
      each: (message) => decodeDevice(device, message),
    });
    return device;
  }

  async set(name: string, change: WireGuardChange): Promise<void> {
    const operation = `configure WireGuard device ${name}`;
    const family = await this.#resolve(name, operation);
    const messages = encoded(operation, () =>
      encodeSetDevice(family, name, change, (zone) => this.#parts.indexOf(zone)),
    );
    // One after the other: a batch of messages this large may exceed what the socket takes at once.
    for (const message of messages) await this.#socket(operation).request(message, { operation, alone: true });
  }

  close(): void {
    this.#closed = true;
    this.#requests?.close();
  }

  #socket(operation: string): Requests {
    if (this.#closed) throw new KernelError('ECLOSED', operation);
    return (this.#requests ??= this.#parts.open());
  }

  /** The family's number; it is given out when the module is loaded, so it is kept only once it is known. */
  async #resolve(name: string, operation: string): Promise<number> {
    if (this.#family !== undefined) return this.#family;
    const request = new MessageWriter(GENL_ID_CTRL, NLM_F_ACK, 64)
      .raw([CTRL_CMD_GETFAMILY, CTRL_VERSION, 0, 0])
      .text(CTRL_ATTR_FAMILY_NAME, 'wireguard')
      .finish();
    try {
      await this.#socket(operation).request(request, {
        operation,
        each: ({ payload }) =>
          attributes(payload, 4, (type, value) => {
            if (type === CTRL_ATTR_FAMILY_ID) this.#family = value.readUInt16LE();
          }),
      });
    } catch (cause) {
      if (!isKernelError(cause, 'ENOENT')) throw cause;
      if (this.#parts.indexOf(name) === undefined) throw new KernelError('ENODEV', operation, { cause });
      throw new KernelError('EOPNOTSUPP', operation, {
        cause,
        module: 'wireguard',
        meaning: 'not a WireGuard device of this kernel',
      });
    }
    if (this.#family === undefined)
      throw new KernelError('EPROTO', operation, { meaning: 'the kernel has no generic netlink family wireguard' });
    return this.#family;
  }
}

/** Runs an encoder; what it cannot express becomes EINVAL. */
export function encoded<T>(operation: string, encode: () => T): T {
  try {
    return encode();
  } catch (cause) {
    if (cause instanceof RangeError) throw new KernelError('EINVAL', operation, { meaning: cause.message, cause });
    throw cause;
  }
}

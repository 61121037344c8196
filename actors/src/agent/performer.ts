import { explain } from '@ifactor/crds';
import type { EventData, KernelOperation, Slot } from '@ifactor/crds';
import { KernelError } from '../netlink/index.ts';
import type { Netns } from '../netlink/index.ts';
import { perform } from '../driver/index.ts';
import type { Hands } from '../driver/index.ts';
import { readEndpoint } from '../driver/endpoint.ts';
import type { Cause, Fact, Live } from './live.ts';
import type { Resolve } from './resolver.ts';
import type { SecretSource } from './runner.ts';

export type PerformerOptions = {
  tell: (actor: Live, fact: Fact, cause: Cause | null) => void;
  look: (actor: Live) => void;
  secrets: Pick<SecretSource, 'use'>;
  site: (id: string) => Netns | undefined;
  resolve: Resolve;
};

/** Carries out lists of kernel operations, in order, and tells the actor of each that was done. */
export class Performer {
  readonly #options: PerformerOptions;

  constructor(options: PerformerOptions) {
    this.#options = options;
  }

  /** Stops at the first failure. After the last one the kernel is looked at, and what it shows is told. Never rejects. */
  async perform(actor: Live, id: string, operations: readonly KernelOperation[], cause: Cause): Promise<void> {
    const { tell, look } = this.#options;
    const hands = this.#hands(actor, this.#addresses(operations));
    const slots = new Set<Slot>();
    for (const operation of operations) {
      if ('slot' in operation) slots.add(operation.slot);
      try {
        for (const { type, data } of await perform(operation, hands)) {
          tell(actor, { type, data: { ...data, operations: id } } as Fact, cause);
        }
      } catch (error) {
        tell(actor, { type: 'OperationFailed', data: failure(id, operation, error) }, cause);
        return;
      }
    }
    // What was asked is in the cache only after its notifications are; a netns that closed meanwhile is told by its place.
    const touched = [...slots].flatMap((slot) => actor.netns.get(slot) ?? []);
    await Promise.allSettled(touched.map((netns) => netns.barrier()));
    actor.performed = { id, cause };
    look(actor);
  }

  /** All names of a list are asked for at once, so that those without an answer keep the others waiting once, not one by one. */
  #addresses(operations: readonly KernelOperation[]): ReadonlyMap<string, Promise<string>> {
    const found = new Map<string, Promise<string>>();
    for (const operation of operations) {
      if (operation.type !== 'SetPeer' || operation.change.endpoint === undefined) continue;
      const { host, named } = readEndpoint(operation.change.endpoint);
      if (!named || found.has(host)) continue;
      const address = this.#options.resolve(host).then(([first = '']) => first);
      address.catch(() => undefined);
      found.set(host, address);
    }
    return found;
  }

  #hands(actor: Live, addresses: ReadonlyMap<string, Promise<string>>): Hands {
    return {
      netns: (slot) => {
        const netns = actor.netns.get(slot);
        if (!netns) throw new KernelError('ENOENT', `use the netns of ${slot}`, { meaning: 'it is gone' });
        return netns;
      },
      netnsById: this.#options.site,
      secret: (fingerprint) => this.#options.secrets.use(actor.key, fingerprint),
      address: async (host) => addresses.get(host) ?? Promise.reject(new Error(`${host} was not asked for`)),
    };
  }
}

function failure(operations: string, operation: KernelOperation, error: unknown): EventData['OperationFailed'] {
  if (!(error instanceof KernelError)) return { operations, operation, code: 'Failed', message: explain(error) };
  const { code, message, module } = error;
  return { operations, operation, code, message, ...(module === null ? {} : { module }) };
}

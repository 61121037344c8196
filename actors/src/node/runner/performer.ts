import { explain, type Log } from '@ifactor/common';
import type { EventData, KernelOperation, Slot } from '@ifactor/crds';
import { KernelError } from '../../kernel/index.ts';
import { perform } from '../../driver/index.ts';
import type { Hands } from '../../driver/index.ts';
import { readEndpoint } from '../../interface/diff/endpoint.ts';
import type { Cause, Fact, Actor } from './actor.ts';
import type { Resolve } from '../resolve/resolver.ts';
import type { SecretSource } from './lookups.ts';
import type { Mailbox } from './mailbox.ts';
import { Signal } from './signal.ts';
import type { Slots } from './slots.ts';

/** Performs lists of kernel operations, in order, and reports each completed one to the actor. */
export class Performer {
  /** All operations of a list were performed: look at the kernel. */
  readonly performed = new Signal<Actor>();
  readonly #mailbox: Mailbox;
  readonly #secrets: Pick<SecretSource, 'use'>;
  readonly #slots: Slots;
  readonly #resolve: Resolve;
  readonly #log: Log;
  /** The last creation of a link in the home netns, by netns and name. */
  readonly #births = new Map<string, Promise<void>>();

  constructor(mailbox: Mailbox, secrets: Pick<SecretSource, 'use'>, slots: Slots, resolve: Resolve, log: Log) {
    this.#log = log;
    this.#mailbox = mailbox;
    this.#secrets = secrets;
    this.#slots = slots;
    this.#resolve = resolve;
  }

  /** Stops at the first failure. After the last one the kernel is observed and the result reported. Never rejects. */
  async perform(actor: Actor, id: string, operations: readonly KernelOperation[], cause: Cause): Promise<void> {
    const addresses = this.#addresses(operations);
    const leave = await this.#birth(actor, operations, addresses);
    try {
      await this.#carryOut(actor, id, operations, this.#hands(actor, addresses), cause);
    } finally {
      leave();
    }
  }

  async #carryOut(
    actor: Actor,
    id: string,
    operations: readonly KernelOperation[],
    hands: Hands,
    cause: Cause,
  ): Promise<void> {
    const slots = new Set<Slot>();
    for (const operation of operations) {
      if ('slot' in operation) slots.add(operation.slot);
      try {
        for (const { type, data } of await perform(operation, hands)) {
          this.#mailbox.tell(actor, { type, data: { ...data, operations: id } } as Fact, cause);
        }
      } catch (error) {
        if (operation.type === 'RemoveStray') {
          this.#leaveStray(actor, id, operation, error, cause);
          continue;
        }
        this.#mailbox.tell(actor, { type: 'OperationFailed', data: failure(id, operation, error) }, cause);
        return;
      }
    }
    // What was asked is in the cache only after its notifications are; a netns that closed meanwhile is reported by its place.
    const touched = [...slots].flatMap((slot) => actor.netns.get(slot) ?? []);
    await Promise.allSettled(touched.map((netns) => netns.barrier()));
    actor.performed = { id, cause };
    this.performed.emit(actor);
  }

  /** A stray link that cannot be removed does not block the other operations, since another program may have set the mark. */
  #leaveStray(
    actor: Actor,
    operations: string,
    { netns, name, index }: KernelOperation & { type: 'RemoveStray' },
    error: unknown,
    cause: Cause,
  ): void {
    const message = explain(error);
    const code = error instanceof KernelError ? error.code : 'Failed';
    this.#log.warn('failed to remove a link with the mark of an interface; left as it is', {
      actor: actor.id,
      link: name,
      netns,
      error: message,
    });
    this.#mailbox.tell(actor, { type: 'StrayLeft', data: { operations, netns, name, index, code, message } }, cause);
  }

  /**
   * Tunnels of one name for several containers are all created in the home netns under that name, and have no owner until they are
   * marked: so they are created one after the other. Resolves when this one may start, to a function that lets the next one start.
   */
  async #birth(
    actor: Actor,
    operations: readonly KernelOperation[],
    addresses: ReadonlyMap<string, Promise<string>>,
  ): Promise<() => void> {
    const name = bornAs(operations);
    const home = actor.netns.get('home');
    if (name === undefined || !home) return () => undefined;
    // Resolve host names first: the next creation must not wait for them.
    await Promise.allSettled(addresses.values());
    const at = `${home.id}/${name}`;
    const before = this.#births.get(at);
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#births.set(at, promise);
    await before;
    return () => {
      if (this.#births.get(at) === promise) this.#births.delete(at);
      resolve();
    };
  }

  /** All names of a list are asked for at once, so that those without an answer keep the others waiting once, not one by one. */
  #addresses(operations: readonly KernelOperation[]): ReadonlyMap<string, Promise<string>> {
    const found = new Map<string, Promise<string>>();
    for (const operation of operations) {
      if (operation.type !== 'SetPeer' || operation.change.endpoint === undefined) continue;
      const { host, named } = readEndpoint(operation.change.endpoint);
      if (!named || found.has(host)) continue;
      // Where there is no address it rejects.
      const address = this.#resolve(host).then(([first]) => first!);
      address.catch(() => undefined);
      found.set(host, address);
    }
    return found;
  }

  #hands(actor: Actor, addresses: ReadonlyMap<string, Promise<string>>): Hands {
    return {
      netns: (slot) => {
        const netns = actor.netns.get(slot);
        if (!netns) throw new KernelError('ENOENT', `use the netns of ${slot}`, { meaning: 'it is gone' });
        return netns;
      },
      netnsById: (id) => this.#slots.byId(id),
      secret: (fingerprint) => this.#secrets.use(actor.key, fingerprint),
      // All were asked for at the beginning.
      address: (host) => addresses.get(host)!,
    };
  }
}

/** The name under which a link is made or taken at home; undefined where none is. */
function bornAs(operations: readonly KernelOperation[]): string | undefined {
  for (const operation of operations) {
    if (operation.type === 'MoveLink') return operation.name;
    if ((operation.type === 'CreateLink' || operation.type === 'AdoptLink') && operation.slot === 'home')
      return operation.name;
  }
  return undefined;
}

function failure(operations: string, operation: KernelOperation, error: unknown): EventData['OperationFailed'] {
  if (!(error instanceof KernelError)) return { operations, operation, code: 'Failed', message: explain(error) };
  const { code, message, module } = error;
  return { operations, operation, code, message, ...(module === null ? {} : { module }) };
}

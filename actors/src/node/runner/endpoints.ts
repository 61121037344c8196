import type { Observed, ObservedLink, WireGuardPeer } from '@ifactor/crds';
import type { Netns, NetnsChange } from '../../kernel/index.ts';
import { isDue, isStaleEndpoint, readEndpoint, remember, writtenEndpoint } from '../../interface/diff/endpoint.ts';
import type { Look, Remembered } from '../../interface/diff/endpoint.ts';
import { isMark } from '../../interface/diff/mark.ts';
import { printSocketAddress } from '@ifactor/common/ip';
import type { Runtime } from '../../runtime.ts';
import type { Actor } from './actor.ts';
import type { Mailbox } from './mailbox.ts';
import type { Resolve } from '../resolve/resolver.ts';
import { Signal } from './signal.ts';

/** Without a handshake for so long an endpoint is doubted, as in wireguard-tools' reresolve-dns. */
const defaultQuietMs = 135_000;
/** A host that changes its addresses changes several. */
const gatherMs = 250;

type Peer = Remembered & { endpoint: string; jitter: number };

/** Finds stale endpoints of peers: resolves host names again, and distinguishes endpoints set by another program from roaming. */
export class Endpoints {
  /** A host name resolves to other addresses now: look at the kernel for the actor. */
  readonly doubted = new Signal<Actor>();
  /** A host name that had no address may have one now. */
  readonly retryable = new Signal<Actor>();
  readonly #mailbox: Mailbox;
  readonly #runtime: Runtime;
  readonly #resolve: Resolve;
  readonly #quietMs: number;
  readonly #peers = new Map<Actor, Map<string, Peer>>();
  readonly #gathering = new Map<Netns, () => void>();

  constructor(mailbox: Mailbox, runtime: Runtime, resolve: Resolve, quietMs = defaultQuietMs) {
    this.#mailbox = mailbox;
    this.#runtime = runtime;
    this.#resolve = resolve;
    this.#quietMs = quietMs;
  }

  /** The observation with its stale endpoints marked; `actor.device` is of the same look. */
  markStale(actor: Actor, observed: Observed): Observed {
    const { spec } = actor.snapshot.context;
    const slot = observed.links.target?.wireguard ? 'target' : 'home';
    const link = observed.links[slot];
    if (spec === null || !('peers' in spec) || !link?.wireguard || !actor.device) return observed;
    const before = this.#peers.get(actor);
    const after = new Map<string, Peer>();
    this.#peers.set(actor, after);
    const stale = new Set(
      spec.peers.filter((peer) => this.#isStale(actor, peer, before, after)).map(({ publicKey }) => publicKey),
    );
    return stale.size === 0
      ? observed
      : { ...observed, links: { ...observed.links, [slot]: marked(link, link.wireguard, stale) } };
  }

  /** The addresses of a host decide which of a name's are the best, and which way it is asked. */
  changed(netns: Netns, change: NetnsChange): void {
    if (change.type !== 'addresses' && change.type !== 'linkRemoved') return;
    const link = netns.linkAt(change.index);
    if (this.#gathering.has(netns) || (link && isMark(link.alias))) return;
    this.#gathering.set(
      netns,
      this.#runtime.clock.after(gatherMs, () => {
        this.#gathering.delete(netns);
        for (const actor of this.#mailbox.actors.values()) {
          if (actor.netns.get('home') !== netns) continue;
          if (Object.keys(actor.snapshot.context.unresolved).length > 0) this.retryable.emit(actor);
          for (const [publicKey] of this.#peers.get(actor) ?? []) this.#ask(actor, publicKey, true);
        }
      }),
    );
  }

  forget(actor: Actor): void {
    this.#peers.delete(actor);
  }

  stop(): void {
    for (const cancel of this.#gathering.values()) cancel();
    this.#gathering.clear();
  }

  #isStale(
    actor: Actor,
    { publicKey, endpoint }: WireGuardPeer,
    before: ReadonlyMap<string, Peer> | undefined,
    after: Map<string, Peer>,
  ): boolean {
    const seen = actor.device?.peers.find((peer) => peer.publicKey === publicKey);
    if (!seen || endpoint === undefined) return false;
    const { context } = actor.snapshot;
    const now = this.#runtime.clock.now();
    const look: Look = { ...seen, found: seen.endpoint === null ? null : printSocketAddress(seen.endpoint) };
    const last = before?.get(publicKey);
    const known = last?.endpoint === endpoint ? last : undefined;
    // Spread by up to a tenth, so that the names of a thousand silent peers are not asked for at once.
    const peer: Peer = {
      ...remember(known, look, now),
      endpoint,
      jitter: known?.jitter ?? 1 + this.#runtime.random.fraction() / 10,
    };
    after.set(publicKey, peer);
    // Another one of the spec's is about to be written.
    if (context.endpoints[publicKey] !== endpoint) return false;
    const quiet = this.#quietMs * peer.jitter;
    if (readEndpoint(endpoint).named && isDue(peer, look, now, quiet)) this.#ask(actor, publicKey, false);
    const stale = isStaleEndpoint(peer, look, writtenEndpoint(endpoint, context.resolved?.[publicKey]), now, quiet);
    // An answer is acted on once: if the name resolves to another address when the endpoint is written, it is looked up again later.
    const heard = context.running === null || actor.performed !== null;
    if (stale && heard) Object.assign(peer, { named: null, moved: false });
    return stale;
  }

  #ask(actor: Actor, publicKey: string, moved: boolean): void {
    const { spec } = actor.snapshot.context;
    const peer = this.#peers.get(actor)?.get(publicKey);
    const endpoint =
      spec && 'peers' in spec ? spec.peers.find((one) => one.publicKey === publicKey)?.endpoint : undefined;
    if (!peer || endpoint === undefined) return;
    const { host, port, named } = readEndpoint(endpoint);
    if (!named) return;
    peer.asked = this.#runtime.clock.now();
    const answered = (addresses: readonly string[]): void => {
      const now = this.#peers.get(actor)?.get(publicKey);
      if (!now) return;
      now.named = addresses.map((address) => printSocketAddress({ host: address, port }));
      now.moved = moved;
      if (now.found !== null && !now.named.includes(now.found)) this.doubted.emit(actor);
    };
    // Without an answer the endpoint in use stays, and the name is looked up again.
    this.#resolve(host).then(answered, () => undefined);
  }
}

function marked(
  link: ObservedLink,
  wireguard: NonNullable<ObservedLink['wireguard']>,
  stale: ReadonlySet<string>,
): ObservedLink {
  const peers = wireguard.peers.map((peer) => (stale.has(peer.publicKey) ? { ...peer, stale: true as const } : peer));
  return { ...link, wireguard: { ...wireguard, peers } };
}

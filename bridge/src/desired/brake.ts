import type { Clock } from '@ifactor/common';

/** This many objects may always be treated as gone. */
const least = 10;
/** Share of the live objects of the stream. */
const share = 0.2;
const windowMs = 60_000;
/** How long the brake waits for more absences from the same list before it decides. */
const gatherMs = 1000;

export type BrakeOptions = {
  /** How many objects the stream has as desired now. */
  living: () => number;
  /** Tombstones wait for an operator: how many wait, and how many would have been admitted. */
  held: (waiting: number, limit: number) => void;
  /** A key that waited may proceed. */
  admitted: (key: string) => void;
  clock: Clock;
};

/**
 * Holds back tombstones for objects that are missing from a list without a seen deletion, if they are more than
 * max(10, 20 %) of the stream's desired objects within 60 s: then all of them wait until an operator releases them, or
 * until enough of the objects are seen again.
 */
export class Brake {
  readonly #options: BrakeOptions;
  /** How many tombstones each key represents. */
  readonly #waiting = new Map<string, number>();
  readonly #admitted = new Set<string>();
  /** When each recent tombstone was admitted, monotonic. */
  #times: number[] = [];
  #cancel: (() => void) | undefined;

  constructor(options: BrakeOptions) {
    this.#options = options;
  }

  /** @returns false if the key has to wait; `admitted` is called with it when it no longer has to */
  admits(key: string, tombstones = 1): boolean {
    if (this.#admitted.has(key)) return true;
    if (!this.#waiting.has(key)) this.#decideSoon();
    this.#waiting.set(key, tombstones);
    return false;
  }

  /** The object was seen again, or its tombstone is stored. */
  forget(key: string): void {
    this.#admitted.delete(key);
    if (this.#waiting.delete(key)) this.#decideSoon();
  }

  /** How many tombstones are waiting. */
  get waiting(): number {
    return [...this.#waiting.values()].reduce((sum, tombstones) => sum + tombstones, 0);
  }

  /** An operator accepts this many tombstones. @returns how many proceed: 0 if more than `count` wait */
  release(count: number): number {
    const { waiting } = this;
    // Not a number: release nothing.
    if (!(waiting <= count)) return 0;
    this.#admitAll();
    return waiting;
  }

  /** Another bridge leads. */
  clear(): void {
    this.#cancel?.();
    this.#cancel = undefined;
    this.#waiting.clear();
    this.#admitted.clear();
  }

  #decideSoon(): void {
    this.#cancel?.();
    this.#cancel = this.#options.clock.after(gatherMs, () => this.#decide());
  }

  #decide(): void {
    this.#cancel = undefined;
    const { living, held, clock } = this.#options;
    if (this.#waiting.size === 0) return;
    const since = clock.monotonic() - windowMs;
    this.#times = this.#times.filter((time) => time > since);
    const limit = Math.max(least, Math.floor(living() * share));
    if (this.#times.length + this.waiting > limit) held(this.waiting, limit);
    else this.#admitAll();
  }

  #admitAll(): void {
    const admitted = [...this.#waiting];
    this.#waiting.clear();
    const now = this.#options.clock.monotonic();
    for (const [key, tombstones] of admitted) {
      this.#admitted.add(key);
      for (let one = 0; one < tombstones; one++) this.#times.push(now);
      this.#options.admitted(key);
    }
  }
}

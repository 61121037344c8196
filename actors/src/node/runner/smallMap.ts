const none: readonly never[] = Object.freeze([]);

/** A map for few entries; most actors have one or none. A `Map` would take ten times the memory. */
export class SmallMap<K, V> implements Iterable<readonly [K, V]> {
  // Alternating keys and values. Replaced and never changed, so that it can be iterated meanwhile.
  #entries: readonly (K | V)[] = none;

  get size(): number {
    return this.#entries.length / 2;
  }

  get(key: K): V | undefined {
    const at = this.#at(key);
    return at === -1 ? undefined : (this.#entries[at + 1] as V);
  }

  set(key: K, value: V): void {
    const at = this.#at(key);
    if (at !== -1) this.#entries = this.#entries.with(at + 1, value);
    // A literal of exactly two, where a spread would make room for seventeen.
    else this.#entries = this.#entries.length === 0 ? [key, value] : [...this.#entries, key, value];
  }

  delete(key: K): void {
    const at = this.#at(key);
    if (at !== -1) this.#entries = this.#entries.length === 2 ? none : this.#entries.toSpliced(at, 2);
  }

  clear(): void {
    this.#entries = none;
  }

  keys(): K[] {
    return [...this].map(([key]) => key);
  }

  values(): V[] {
    return [...this].map(([, value]) => value);
  }

  *[Symbol.iterator](): Generator<readonly [K, V]> {
    const entries = this.#entries;
    for (let at = 0; at < entries.length; at += 2) yield [entries[at] as K, entries[at + 1] as V];
  }

  #at(key: K): number {
    for (let at = 0; at < this.#entries.length; at += 2) if (this.#entries[at] === key) return at;
    return -1;
  }
}

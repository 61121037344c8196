/** Several values by one key, where most keys have a single one: a set is made for those that have more. */
export class Multimap<V extends object> {
  readonly #values = new Map<string, V | Set<V>>();

  get(key: string): Iterable<V> {
    const found = this.#values.get(key);
    return found === undefined ? [] : found instanceof Set ? found : [found];
  }

  add(key: string, value: V): void {
    const found = this.#values.get(key);
    if (found === undefined) this.#values.set(key, value);
    else if (found instanceof Set) found.add(value);
    else if (found !== value) this.#values.set(key, new Set([found, value]));
  }

  delete(key: string, value: V): void {
    const found = this.#values.get(key);
    if (found === value) this.#values.delete(key);
    else if (found instanceof Set && found.delete(value) && found.size === 0) this.#values.delete(key);
  }
}

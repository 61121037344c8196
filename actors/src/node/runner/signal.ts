/** A notification from one part of the agent to others, which subscribe and unsubscribe independently. */
export class Signal<T = void> {
  readonly #listeners = new Set<(value: T) => void>();

  /** @returns ends the subscription */
  subscribe(listener: (value: T) => void): () => void {
    this.#listeners.add(listener);
    return () => void this.#listeners.delete(listener);
  }

  emit(value: T): void {
    for (const listener of this.#listeners) listener(value);
  }
}

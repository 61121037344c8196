/** Something that happens in one part of the agent and that other parts follow; they come and go without its knowing them. */
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

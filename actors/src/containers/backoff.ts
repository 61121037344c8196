/** One timer whose delay doubles with each use. It does not keep the process alive. */
export class Backoff {
  readonly #first: number;
  readonly #most: number;
  #delay: number;
  #timer: NodeJS.Timeout | undefined;

  /** Both in milliseconds. */
  constructor(first: number, most: number) {
    this.#first = first;
    this.#most = most;
    this.#delay = first;
  }

  /** Replaces a call that is still to come. */
  schedule(call: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(call, this.#delay).unref();
    this.#delay = Math.min(this.#delay * 2, this.#most);
  }

  /** As `schedule`, after so many milliseconds; the delays of later calls stay as they were. */
  scheduleIn(milliseconds: number, call: () => void): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(call, milliseconds).unref();
  }

  /** Forgets the call that is still to come; the next delay is the first again. */
  reset(): void {
    clearTimeout(this.#timer);
    this.#delay = this.#first;
  }
}

/** A place that bytes pass through, which can be shut: what comes then is kept, in order, and nobody is told. */
export type Valve = {
  shut(): void;
  /** Lets out what was kept so far; what comes next is kept again. */
  drain(): void;
  open(): void;
  /** What is kept now, as text. */
  kept(): string;
  pass(chunk: Buffer, write: (chunk: Buffer) => void): void;
};

export function createValve(): Valve {
  let kept: { chunk: Buffer; write: (chunk: Buffer) => void }[] = [];
  let isShut = false;
  function drain(): void {
    const all = kept;
    kept = [];
    for (const { chunk, write } of all) write(chunk);
  }
  return {
    shut() {
      isShut = true;
    },
    drain,
    open() {
      isShut = false;
      drain();
    },
    kept: () => Buffer.concat(kept.map(({ chunk }) => chunk)).toString(),
    pass(chunk, write) {
      if (isShut) kept.push({ chunk, write });
      else write(chunk);
    },
  };
}

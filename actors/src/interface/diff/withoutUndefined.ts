type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The entries that have a value: in a log, a key without one is a difference that is none. */
export function withoutUndefined<T extends object>(entries: T): Defined<T> {
  const result: Defined<T> = {};
  for (const key of Object.keys(entries) as (keyof T)[]) {
    const value = entries[key];
    if (value !== undefined) result[key] = value as Exclude<T[keyof T], undefined>;
  }
  return result;
}

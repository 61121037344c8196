type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

/** The entries that have a value: a key without a value would appear in a log as a difference. */
export function withoutUndefined<T extends object>(entries: T): Defined<T> {
  const result: Defined<T> = {};
  for (const key of Object.keys(entries) as (keyof T)[]) {
    const value = entries[key];
    if (value !== undefined) result[key] = value as Exclude<T[keyof T], undefined>;
  }
  return result;
}

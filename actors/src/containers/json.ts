/** Reads foreign JSON without trusting its shape. */

/** undefined where there is no such member. */
export function member(value: unknown, ...path: string[]): unknown {
  let at = value;
  for (const key of path) at = typeof at === 'object' && at !== null ? Reflect.get(at, key) : undefined;
  return at;
}

/** '' where there is no such text. */
export function text(value: unknown, ...path: string[]): string {
  const found = member(value, ...path);
  return typeof found === 'string' ? found : '';
}

/** Errno name of a Node error; '' where it has none. */
export function codeOf(error: unknown): string {
  return text(error, 'code');
}

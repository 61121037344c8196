import { UsageError } from '@ifactor/common';
import { kinds } from '@ifactor/crds';
import type { Key, RecordedEvent } from '@ifactor/crds';

/** Which events to take; what is left out matches everything. */
export type Selector = Partial<Key> & { node?: string; types?: readonly string[]; since?: number; until?: number };

/**
 * Reads `KIND`, `KIND/NAME` or `KIND/NAMESPACE/NAME`, the kind by any name that kubectl knows.
 * @param namespace for `KIND/NAME`
 * @throws UsageError
 */
export function parseSelector(text: string, namespace: string): Partial<Key> {
  const [kind = '', ...rest] = text.split('/');
  const meta = Object.values(kinds).find(({ plural, singular, shortNames }) =>
    [plural, singular, ...shortNames].some((name) => name === kind.toLowerCase()),
  );
  if (meta === undefined || rest.length > 2 || rest.includes('')) {
    const names = Object.values(kinds).map(({ singular, shortNames }) => `${singular} (${shortNames.join(', ')})`);
    throw new UsageError(
      `${JSON.stringify(text)} is not KIND/NAME or KIND/NAMESPACE/NAME; kinds are ${names.join(', ')}`,
    );
  }
  const name = rest.at(-1);
  if (name === undefined) return { kind: meta.token };
  return { kind: meta.token, namespace: rest.length === 2 ? (rest[0] ?? namespace) : namespace, name };
}

/** The key of one object. @throws UsageError where the text names none */
export function parseObject(text: string, namespace: string): Key {
  const { kind, namespace: space, name } = parseSelector(text, namespace);
  if (kind === undefined || space === undefined || name === undefined)
    throw new UsageError(`${text}: name one object, as KIND/NAME`);
  return { kind, namespace: space, name };
}

const unitMs: { readonly [unit: string]: number } = { ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

/** Milliseconds of a duration such as `90s`, `15m`, `2h`, `3d`; undefined for another text. */
function durationMs(text: string): number | undefined {
  const [, count, unit = ''] = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text) ?? [];
  return count === undefined ? undefined : Number(count) * (unitMs[unit] ?? 1);
}

/** Milliseconds of a duration. @throws UsageError */
export function parseDuration(text: string): number {
  const milliseconds = durationMs(text);
  if (milliseconds === undefined)
    throw new UsageError(`${JSON.stringify(text)} is no duration: give one such as 90s, 15m, 2h or 3d`);
  return milliseconds;
}

/** Milliseconds since 1970 of an RFC 3339 time, or of a duration ago such as `90s`, `15m`, `2h`, `3d`. @throws UsageError */
export function parseTime(text: string, now: number): number {
  const ago = durationMs(text);
  if (ago !== undefined) return now - ago;
  const time = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isNaN(time))
    throw new UsageError(
      `${JSON.stringify(text)} is no time: give one such as 2026-11-23T03:12:00Z, or how long ago, such as 15m`,
    );
  return time;
}

/** Whether an actor is among the selected. */
export function selectsActor(
  { kind, namespace, name, node }: Selector,
  actor: Pick<RecordedEvent, 'node' | 'key'>,
): boolean {
  const { key } = actor;
  return (
    (kind === undefined || key.kind === kind) &&
    (namespace === undefined || key.namespace === namespace) &&
    (name === undefined || key.name === name) &&
    (node === undefined || actor.node === node)
  );
}

/** Whether an event is among the selected. */
export function selectsEvent(selector: Selector, event: RecordedEvent): boolean {
  const { types, since, until } = selector;
  const time = Date.parse(event.time);
  return (
    selectsActor(selector, event) &&
    (types === undefined || types.includes(event.type)) &&
    (since === undefined || time >= since) &&
    (until === undefined || time <= until)
  );
}

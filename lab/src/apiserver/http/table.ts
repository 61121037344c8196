import { isRecord, list, member, part, text } from '@ifactor/common/json';
import type { Json } from '@ifactor/common/json';
import type { Column, ServedResource } from '../schema/resource.ts';

/** The value at a Kubernetes JSONPath such as `.status.conditions[?(@.type=="Ready")].status`; undefined if it does not exist. */
export function atPath(object: unknown, path: string): unknown {
  let at: unknown = object;
  for (const [step] of path.matchAll(/\[\?\(@\.([\w.]+)==(["'])(.*?)\2\)\]|\[(\d+)\]|\.?([\w/-]+)/g)) {
    const filter = /^\[\?\(@\.([\w.]+)==(["'])(.*?)\2\)\]$/.exec(step);
    const index = /^\[(\d+)\]$/.exec(step);
    if (filter) at = list(at).find((item) => isRecord(item) && atPath(item, `.${filter[1]}`) === filter[3]);
    else if (index) at = list(at)[Number(index[1])];
    else at = member(at, step.replace(/^\./, ''));
  }
  return at;
}

const two = (big: number, unit: string, small: number, smaller: string): string =>
  small === 0 ? `${big}${unit}` : `${big}${unit}${small}${smaller}`;

/** As `kubectl get` prints an age. Source: apimachinery, pkg/util/duration, HumanDuration. */
export function humanDuration(milliseconds: number): string {
  const s = Math.max(0, Math.floor(milliseconds / 1000));
  const [m, h, d] = [Math.floor(s / 60), Math.floor(s / 3600), Math.floor(s / 86400)];
  if (s < 120) return `${s}s`;
  if (m < 10) return two(m, 'm', s % 60, 's');
  if (m < 180) return `${m}m`;
  if (h < 8) return two(h, 'h', m % 60, 'm');
  if (h < 48) return `${h}h`;
  if (d < 8) return two(d, 'd', h % 24, 'h');
  if (d < 365 * 2) return `${d}d`;
  return two(Math.floor(d / 365), 'y', d % 365, 'd');
}

function cell({ type, jsonPath, read }: Column, object: Json, now: number): unknown {
  if (read) return read(object);
  const value = atPath(object, jsonPath);
  if (value === undefined || value === null) return type === 'date' ? '<unknown>' : type === 'string' ? '' : null;
  if (type === 'date') return humanDuration(now - Date.parse(text(value)));
  if (type === 'string') return typeof value === 'string' ? value : JSON.stringify(value);
  return value;
}

/** The `Table` that kubectl asks for. `partial` objects hold only metadata. @param now for ages, in ms since 1970 */
export function tableOf(
  resource: ServedResource,
  objects: readonly Json[],
  metadata: Json,
  now: number,
  includeObject = 'Metadata',
) {
  return {
    kind: 'Table',
    apiVersion: 'meta.k8s.io/v1',
    metadata,
    columnDefinitions: [
      { name: 'Name', type: 'string', format: 'name', description: 'Name of the object.', priority: 0 },
      ...resource.columns.map(({ name, type, description, priority }) => ({
        name,
        type,
        format: '',
        description,
        priority,
      })),
    ],
    rows: objects.map((object) => ({
      cells: [text(part(object, 'metadata')['name']), ...resource.columns.map((column) => cell(column, object, now))],
      ...(includeObject === 'None' ? {} : { object: includeObject === 'Object' ? object : partial(object) }),
    })),
  };
}

export const partial = (object: Json): Json => ({
  kind: 'PartialObjectMetadata',
  apiVersion: 'meta.k8s.io/v1',
  metadata: object['metadata'],
});

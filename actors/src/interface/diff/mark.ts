import { createHash } from 'node:crypto';
import type { Key } from '@ifactor/crds';

/** The kernel keeps at most this many bytes of an ifalias (IFALIASZ less the closing zero, linux/if.h). */
const longest = 255;

const prefix = 'ifactor:';
const farEnd = '#peer';

/** The mark of a veth's far end, from that of its near end. */
export const farMark = (mark: string): string => mark + farEnd;

/**
 * The ifalias that names the owner of a link: `ifactor:<namespace>/<kind>/<name>`, with `#peer` on the far end of a veth.
 * A name too long for the kernel is cut and ends in a digest.
 */
export function markOf(key: Key, end: 'near' | 'peer' = 'near'): string {
  const full = `${prefix}${key.namespace}/${key.kind}/${key.name}`;
  const most = longest - farEnd.length;
  const digest = (): string => createHash('sha256').update(full).digest('hex').slice(0, 16);
  const mark = full.length <= most ? full : `${full.slice(0, most - 17)}~${digest()}`;
  return end === 'peer' ? farMark(mark) : mark;
}

/** The mark of the near end, from that of either. */
export const nearMark = (mark: string): string => (mark.endsWith(farEnd) ? mark.slice(0, -farEnd.length) : mark);

/** Whether an ifalias claims a link for some resource of ifactor. */
export const isMark = (alias: string | null): alias is string => alias !== null && alias.startsWith(prefix);

/** The resource in a mark, as `kind namespace/name`. A mark that no agent wrote is returned unchanged. */
export const ownerIn = (mark: string): string => nearMark(mark).replace(/^ifactor:([^/]+)\/([^/]+)\/(.+)$/, '$2 $1/$3');

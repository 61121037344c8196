import { createHash } from 'node:crypto';
import type { Key } from '@ifactor/crds';

/** File systems take 255 bytes; suffixes of drafts need room. */
const longestBytes = 200;

/**
 * The name of a file that belongs to one interface. Where namespace, kind and name together are too long for a file name, a digest
 * replaces their end. No Kubernetes name contains `~`, so a shortened name cannot equal a full one.
 */
export function fileNameOf({ kind, namespace, name }: Key): string {
  const spelled = `${namespace}.${kind}.${name}`;
  if (Buffer.byteLength(spelled) <= longestBytes) return spelled;
  return `${spelled.slice(0, 120)}~${createHash('sha256').update(spelled).digest('hex').slice(0, 40)}`;
}

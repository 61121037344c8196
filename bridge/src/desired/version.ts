import type { Desired } from '@ifactor/crds';

type Version = Pick<Desired, 'uid' | 'generation' | 'resourceVersion'>;

/**
 * Whether one version of an object was written before another. Resource versions of one API server increase with each
 * write, also across a deletion and re-creation of the name; if one is not a number, the order is unknown.
 */
export function isOlder(one: Version, other: Version): boolean {
  if (one.uid === other.uid && one.generation < other.generation) return true;
  return number(one.resourceVersion) < number(other.resourceVersion);
}

const number = (version: string): bigint | number => (/^\d+$/.test(version) ? BigInt(version) : NaN);

/** Deletions that the watch reported, to distinguish them from objects that are only missing from a list. */
export type Deletions = {
  add(key: string, uid: string): void;
  has(key: string, uid: string): boolean;
  /** The stream no longer has the object as desired: its absence needs no further check. */
  forget(key: string): void;
};

/** Limit of entries; it is reached only if `forget` is not called. */
const most = 100_000;

export function createDeletions(): Deletions {
  const uids = new Map<string, string>();
  return {
    add(key, uid) {
      uids.delete(key);
      uids.set(key, uid);
      const [oldest] = uids.keys();
      if (uids.size > most && oldest !== undefined) uids.delete(oldest);
    },
    has: (key, uid) => uids.get(key) === uid,
    forget: (key) => void uids.delete(key),
  };
}

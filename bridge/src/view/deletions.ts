/** Deletions that the watch reported, so that they are told apart from absence that a list only suggests. */
export type Deletions = {
  add(key: string, uid: string): void;
  has(key: string, uid: string): boolean;
  /** The stream no longer wants the object: there is nothing left to conclude. */
  forget(key: string): void;
};

/** More would mean that nobody forgets them. */
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

/*
 * What a bridge signs. Subjects are those that code knows, without the prefix of a connection: the cluster's UID tells clusters
 * apart, while a prefix may change on the way (a leaf node, an import) without a change of what is desired.
 */

/** Headers that sign a desired message. All of them, and the subject and body, are covered by the signature. */
export const signatureHeaders = {
  /** UID of the cluster's namespace kube-system. */
  cluster: 'ifactor-cluster',
  /** A number that rises with every message on a subject, whatever happens to the stream. */
  revision: 'ifactor-revision',
  /** Digest of spec and secrets, by which the bridge sees whether a message is current. */
  content: 'ifactor-content',
  signer: 'ifactor-signer',
  signature: 'ifactor-signature',
} as const;

/** Header with the key changes that lead to the signer's key, oldest first, as `formatKeyChanges` writes them. */
export const keyChangesHeader = 'ifactor-key-changes';

export type SignedMessage = { subject: string; cluster: string; revision: number; content: string; body: string };

/** The text that the bridge signs for a message. No part before the body may contain a line break. */
export function desiredStatement({ subject, cluster, revision, content, body }: SignedMessage): string {
  return `ifactor desired 1\n${subject}\n${cluster}\n${revision}\n${content}\n${body}`;
}

/** A new signing key, announced by its predecessor: `signature` is that of `keyChangeStatement` by `from`. */
export type KeyChange = { from: string; to: string; signature: string };

/** The text that the old key signs to announce the new one. */
export function keyChangeStatement({ from, to }: Pick<KeyChange, 'from' | 'to'>): string {
  return `ifactor key change 1\n${from}\n${to}`;
}

export function formatKeyChanges(changes: readonly KeyChange[]): string {
  return changes.map(({ from, to, signature }) => `${from} ${to} ${signature}`).join(',');
}

/** Parses what `formatKeyChanges` wrote; what is malformed is left out. */
export function parseKeyChanges(text: string): KeyChange[] {
  return text.split(',').flatMap((one) => {
    const [from, to, signature, ...more] = one.split(' ');
    if (from === undefined || to === undefined || signature === undefined || more.length > 0) return [];
    return [{ from, to, signature }];
  });
}

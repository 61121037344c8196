import type { Clock } from '@ifactor/common';
import { verifies } from '@ifactor/common/signature';
import type { SigningKey } from '@ifactor/common/signature';
import { desiredStatement, keyChangesHeader, parseKeyChanges, signatureHeaders as names } from '@ifactor/crds';
import type { Entry } from '../stream/follower.ts';

/** In whose name a bridge signs. */
export type SigningIdentity = {
  key: SigningKey;
  /** UID of the cluster. */
  cluster: string;
  /** The changes that led to this key, as `formatKeyChanges` writes them; empty for the first key. */
  keyChanges: string;
};

type Unsigned = { subject: string; content: string; body: string };

/** Signs desired messages, and knows its own. */
export type Signer = {
  /** From now on signs in this name; messages that another key signed are not its own any more. */
  use(identity: SigningIdentity): void;
  /**
   * Headers that sign a message which replaces `replaced`.
   * @throws Error before `use`
   */
  sign(message: Unsigned, replaced: Entry | undefined): Record<string, string>;
  /** The content digest of a message that this bridge's key signed; undefined for any other message. */
  contentOf(entry: Entry | undefined): string | undefined;
};

export function createSigner(clock: Clock): Signer {
  let identity: SigningIdentity | undefined;
  /** Messages that were verified, by whether a key of this bridge, or one before it, signed them. */
  let judged = new WeakMap<Entry, boolean>();

  function isSigned(entry: Entry): boolean {
    const known = judged.get(entry);
    if (known !== undefined) return known;
    const signed = identity !== undefined && verified(entry, identity);
    judged.set(entry, signed);
    return signed;
  }

  return {
    use(next) {
      identity = next;
      judged = new WeakMap();
    },
    sign({ subject, content, body }, replaced) {
      if (identity === undefined) throw new Error('the signing key has not been read yet');
      const { key, cluster, keyChanges } = identity;
      // The revision of a message that another wrote proves nothing: it could be the highest there is.
      const before = replaced !== undefined && isSigned(replaced) ? revisionOf(replaced) : 0;
      const revision = Math.max(clock.now(), before + 1);
      return {
        [names.cluster]: cluster,
        [names.revision]: String(revision),
        [names.content]: content,
        [names.signer]: key.publicKey,
        [names.signature]: key.sign(desiredStatement({ subject, cluster, revision, content, body })),
        ...(keyChanges !== '' && { [keyChangesHeader]: keyChanges }),
      };
    },
    contentOf(entry) {
      if (entry === undefined || entry.header(names.signer) !== identity?.key.publicKey) return undefined;
      return isSigned(entry) ? entry.header(names.content) : undefined;
    },
  };
}

const revisionOf = ({ header }: Entry): number => Number(header(names.revision));

/** Whether the key in use, or one of its predecessors, signed the message. */
function verified(entry: Entry, { key, cluster, keyChanges }: SigningIdentity): boolean {
  const { subject, body, header } = entry;
  const signer = header(names.signer);
  const keys = [key.publicKey, ...parseKeyChanges(keyChanges).map(({ from }) => from)];
  if (!keys.includes(signer) || header(names.cluster) !== cluster) return false;
  const content = header(names.content);
  const statement = desiredStatement({ subject, cluster, revision: revisionOf(entry), content, body });
  return verifies(signer, statement, header(names.signature));
}

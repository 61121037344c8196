import { z } from 'zod';
import { extensible } from './extensible.ts';

/**
 * A secret value for one node: `sealed` is base64 of the nkeys curve box (xkv1) that only the node's key
 * opens, `sender` the public curve key of the bridge that sealed it. `ref` is `privateKey` or `psk:<peer's public key>`.
 * `version` changes when the value may have changed (uid and resourceVersion of the Kubernetes Secret).
 */
export const SealedSecretSchema = extensible({
  ref: z.string(),
  version: z.string(),
  sender: z.string(),
  sealed: z.base64(),
});
export type SealedSecret = z.infer<typeof SealedSecretSchema>;

/** A secret that could not be read; `reason` in CamelCase (SecretNotFound, KeyNotFound, Forbidden, Malformed). */
export const MissingSecretSchema = extensible({ ref: z.string(), reason: z.string(), message: z.string() });
export type MissingSecret = z.infer<typeof MissingSecretSchema>;

/**
 * The latest desired state of one object, as stored in IFACTOR_DESIRED. The spec contains no secret value. `deleted: true` is the
 * tombstone: the object is gone from the API and the spec is empty. It is removed after a while, so a subject without a message
 * proves nothing: an agent that has an interface without a message in the stream publishes its status, and if the API server does
 * not have the object, the bridge publishes the tombstone again.
 * Fields that a later version of the bridge added are kept unchanged, for agents that support them.
 */
export const DesiredSchema = extensible({
  apiVersion: z.string(),
  kind: z.string(),
  namespace: z.string(),
  name: z.string(),
  uid: z.string(),
  generation: z.number().int(),
  resourceVersion: z.string(),
  creationTimestamp: z.string(),
  deletionTimestamp: z.string().optional(),
  deleted: z.boolean().optional(),
  /** Validated again by the agent with the kind's own schema: a malformed spec becomes a condition, not a crash. */
  spec: z.record(z.string(), z.unknown()),
  secrets: z.array(SealedSecretSchema),
  missing: z.array(MissingSecretSchema),
});
export type Desired = z.infer<typeof DesiredSchema>;

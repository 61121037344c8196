import { z } from 'zod';

/*
 * What an agent asks a bridge, because NATS cannot confine the request itself to some subjects: a user that may read one message of
 * a stream can read them all, and a consumer delivers to any subject. The bridge answers about the node's own subjects only; NATS
 * allows each node to ask in its own name only.
 */

/**
 * `prepare`: creates missing streams. `follow`: creates the consumer of the node's desired state, which starts at the first
 * message. `state`, `last`, `next`, `remove`, `purge`: as in the event store, about subjects of the node.
 */
export const questions = ['prepare', 'follow', 'state', 'last', 'next', 'remove', 'purge'] as const;
export type Question = (typeof questions)[number];

export const QuestionSchema = z.object({
  stream: z.string().optional(),
  filter: z.string().optional(),
  sequence: z.int().nonnegative().optional(),
});
export type Asked = z.infer<typeof QuestionSchema>;

/** Headers of a stored message that an answer repeats. */
export const answeredHeaders = ['ce-id', 'KV-Operation'] as const;

export const BridgeAnswerSchema = z.object({
  /** Why there is no answer; `missing`: the stream does not exist. */
  error: z.string().optional(),
  missing: z.boolean().optional(),
  consumer: z.string().optional(),
  state: z.object({ created: z.string(), last: z.number(), now: z.number() }).optional(),
  message: z
    .object({
      subject: z.string(),
      sequence: z.number(),
      time: z.number(),
      body: z.string(),
      headers: z.record(z.string(), z.string()),
    })
    .optional(),
});
export type BridgeAnswer = z.infer<typeof BridgeAnswerSchema>;

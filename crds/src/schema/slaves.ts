import { z } from 'zod';
import { interfaceNameSchema } from './text.ts';

/** The links that are enslaved to an interface of this kind. */
export const slavesSchema = (kind: string) =>
  z
    .array(interfaceNameSchema('slaves'))
    .max(256)
    .default([])
    .describe(
      `Names of interfaces in the ${kind}'s netns that are enslaved to it. Exhaustive: others are released. One that does not exist yet is waited for.`,
    );

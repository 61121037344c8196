import { z } from 'zod';
import { tunnel } from './ipip.ts';

export const GreSchema = z.object({
  ...tunnel,
  key: z
    .int()
    .min(0)
    .max(4294967295)
    .optional()
    .describe('Number that tells tunnels between the same ends apart, in both directions. Absent: none.'),
});
export type GreSpec = z.infer<typeof GreSchema>;

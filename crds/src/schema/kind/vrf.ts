import { z } from 'zod';
import { slavesSchema } from '../slaves.ts';

export const VrfSchema = z.object({
  table: z.int().min(1).max(4294967295).describe('Number of the routing table, 1 to 4294967295.'),
  slaves: slavesSchema('vrf'),
});
export type VrfSpec = z.infer<typeof VrfSchema>;

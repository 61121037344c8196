import { z } from 'zod';
import { interfaceNameSchema } from '../text.ts';

/** What a tag is told by: customers' (EtherType 0x8100) or providers' (0x88a8). */
export const vlanProtocols = ['802.1Q', '802.1ad'] as const;

export const VlanSchema = z.object({
  dev: interfaceNameSchema('dev').describe('Interface in the same netns that carries the tagged frames; waited for.'),
  id: z.int().min(1).max(4094).describe('VLAN identifier, 1 to 4094.'),
  protocol: z.enum(vlanProtocols).default('802.1Q').describe('Kind of tag. Absent: 802.1Q.'),
});
export type VlanSpec = z.infer<typeof VlanSchema>;

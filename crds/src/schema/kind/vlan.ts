import { z } from 'zod';
import { interfaceNameSchema } from '../text.ts';
import { shape } from './definition.ts';
import type { KindDefinition } from './definition.ts';

/** The tag of customers (EtherType 0x8100) and that of providers (0x88a8). */
const protocols = ['802.1Q', '802.1ad'] as const;

export const vlan = {
  section: z.object({
    dev: interfaceNameSchema('dev').describe('Interface in the same netns that carries the tagged frames; waited for.'),
    id: z.int().min(1).max(4094).describe('VLAN identifier, 1 to 4094.'),
    protocol: z.enum(protocols).default('802.1Q').describe('Kind of tag. Absent: 802.1Q.'),
  }),
  required: true,
  text: 'Settings of a vlan; required when type is vlan.',
  attributes: shape<{ dev: string | null; id: number; protocol: (typeof protocols)[number] }>(),
} satisfies KindDefinition;

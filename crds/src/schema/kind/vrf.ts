import { z } from 'zod';
import { slavesSchema } from '../slaves.ts';
import { shape } from './definition.ts';
import type { KindDefinition } from './definition.ts';

export const vrf = {
  section: z.object({
    table: z.int().min(1).max(4294967295).describe('Number of the routing table, 1 to 4294967295.'),
    slaves: slavesSchema('vrf'),
  }),
  required: true,
  text: 'Settings of a vrf; required when type is vrf.',
  attributes: shape<{ table: number }>(),
} satisfies KindDefinition;

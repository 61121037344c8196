import { z } from 'zod';
import { shape } from './definition.ts';
import type { KindDefinition } from './definition.ts';
import { tunnel } from './ipip.ts';
import type { ObservedTunnel } from './ipip.ts';

export const gre = {
  section: z.object({
    ...tunnel,
    key: z
      .int()
      .min(0)
      .max(4294967295)
      .optional()
      .describe('Number that distinguishes tunnels between the same ends, in both directions. Absent: none.'),
  }),
  required: true,
  text: 'Settings of a GRE tunnel; required when type is gre.',
  attributes: shape<ObservedTunnel & { inputKey: number | null; outputKey: number | null }>(),
} satisfies KindDefinition;

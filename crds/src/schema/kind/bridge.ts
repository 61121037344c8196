import { z } from 'zod';
import { slavesSchema } from '../slaves.ts';
import type { KindDefinition } from './definition.ts';

export const bridge = {
  section: z.object({ slaves: slavesSchema('bridge') }),
  required: false,
  text: 'Settings of a bridge. May be absent: a bridge without slaves.',
} satisfies KindDefinition;

import { z } from 'zod';
import type { KindDefinition } from './definition.ts';

export const dummy = {
  section: z.object({}),
  required: false,
  text: 'Settings of a dummy. It has no settings yet; leave it out or empty.',
} satisfies KindDefinition;

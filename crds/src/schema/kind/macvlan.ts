import { z } from 'zod';
import { interfaceNameSchema } from '../text.ts';
import { shape } from './definition.ts';
import type { KindDefinition } from './definition.ts';

const modes = ['private', 'vepa', 'bridge', 'passthru'] as const;

export const macvlan = {
  section: z.object({
    dev: interfaceNameSchema('dev').describe('Interface in the same netns that carries the frames; waited for.'),
    mode: z
      .enum(modes)
      .default('bridge')
      .describe(
        'Whether the macvlans of one device reach each other: private (never), vepa (through the switch), bridge (directly), passthru (there is only one). Absent: bridge.',
      ),
  }),
  required: true,
  text: 'Settings of a macvlan; required when type is macvlan.',
  // The kernel also has the mode `source`, which specs do not support.
  attributes: shape<{ dev: string | null; mode: (typeof modes)[number] | 'source' }>(),
} satisfies KindDefinition;

import { z } from 'zod';
import { interfaceNameSchema } from '../text.ts';

/** Who may talk to whom among the macvlans of one device. */
export const macvlanModes = ['private', 'vepa', 'bridge', 'passthru'] as const;

export const MacvlanSchema = z.object({
  dev: interfaceNameSchema('dev').describe('Interface in the same netns that carries the frames; waited for.'),
  mode: z
    .enum(macvlanModes)
    .default('bridge')
    .describe(
      'Whether the macvlans of one device reach each other: private (never), vepa (through the switch), bridge (directly), passthru (there is only one). Absent: bridge.',
    ),
});
export type MacvlanSpec = z.infer<typeof MacvlanSchema>;

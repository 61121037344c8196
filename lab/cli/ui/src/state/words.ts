import type { State } from '@ifactor/crds';

/** The states in the order of a life, spelled here so that the page needs no schema library. */
export const lifecycle = [
  'pending',
  'creating',
  'configured',
  'moved-to-netns',
  'drifted',
  'failed',
  'deleting',
  'deleted',
] as const satisfies readonly State[];

/** The meaning of each state, for users. */
export const meanings: { readonly [S in State]: string } = {
  pending: 'waits for something it needs',
  creating: 'is being made in the kernel',
  configured: 'is as declared, in the home namespace',
  'moved-to-netns': 'is as declared, in its container',
  drifted: 'differs from what is declared and is being repaired',
  failed: 'cannot go on',
  deleting: 'is being removed',
  deleted: 'is gone',
};

/** The shapes of the states as letters, for where a drawing each would be too many. */
export const signs: { readonly [S in State]: string } = {
  pending: '◌',
  creating: '◐',
  configured: '●',
  'moved-to-netns': '▣',
  drifted: '◆',
  failed: '▲',
  deleting: '⊖',
  deleted: '✕',
};

/** Sort order that puts problems first: lower comes first. */
export const urgency: { readonly [S in State]: number } = {
  failed: 0,
  drifted: 1,
  pending: 2,
  creating: 3,
  deleting: 4,
  'moved-to-netns': 5,
  configured: 6,
  deleted: 7,
};

export const isState = (text: string): text is State => lifecycle.some((state) => state === text);

import { linkWithAttributes, section } from '../diff/linkWithAttributes.ts';

/** A macvlan: a MAC address of its own on the device below. */
export const macvlan = linkWithAttributes('macvlan', {
  attributes(spec) {
    const { dev, mode } = section(spec, 'macvlan');
    return { dev, mode };
  },
  changes: (found, wanted) =>
    found.dev === wanted.dev && ![found.mode, wanted.mode].some((mode) => mode === 'passthru' || mode === 'source'),
  // A passthru has that of the device below.
  hasMac: (spec) => section(spec, 'macvlan').mode !== 'passthru',
});

/**
 * Characters with an effect on a terminal: ASCII controls except tab and line feed, the C1 controls (a
 * terminal takes U+009B for ESC and `[`), line and paragraph separators, and bidirectional controls.
 */
// oxlint-disable-next-line no-control-regex -- matching control characters is its purpose
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Escapes text from outside for printing: characters that a terminal would interpret become `\u001b` and the like. The name of a link
 * may be any 15 bytes, and a node may send any text. JSON text stays the same JSON.
 */
export const printable = (text: string): string =>
  text.replaceAll(unseen, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

/**
 * Characters that do something instead of being shown: controls of ASCII but for tab and line feed, the second set of controls (a
 * terminal takes U+009B for ESC and `[`), separators of lines, and what turns the direction of writing.
 */
// oxlint-disable-next-line no-control-regex -- that is what it is for
const unseen = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069]/g;

/**
 * Text from outside as it may be printed: what a terminal would obey stands there as `\u001b`. The name of a link may be anything that
 * fits into 15 bytes, and a node may say anything. JSON text stays the same JSON.
 */
export const printable = (text: string): string =>
  text.replaceAll(unseen, (character) => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`);

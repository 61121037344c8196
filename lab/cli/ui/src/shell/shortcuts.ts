/** What a key does, wherever it is pressed outside a field. */
export type Action =
  | 'help'
  | 'search'
  | 'back'
  | 'forward'
  | 'live'
  | 'play'
  | 'mark'
  | 'close'
  | 'theme'
  | 'map'
  | 'actor'
  | 'timeline'
  | 'compare';

/** Each key with what it does in words, in the order of the help. */
export const shortcuts: readonly { keys: readonly string[]; shown: string; action: Action; words: string }[] = [
  { keys: ['?'], shown: '?', action: 'help', words: 'Show this list' },
  { keys: ['/'], shown: '/', action: 'search', words: 'Search the timeline' },
  { keys: [',', 'j'], shown: 'j or ,', action: 'back', words: 'One event back' },
  { keys: ['.', 'k'], shown: 'k or .', action: 'forward', words: 'One event forward' },
  { keys: ['l'], shown: 'l', action: 'live', words: 'Return to live' },
  { keys: ['p'], shown: 'p', action: 'play', words: 'Play or pause' },
  { keys: ['m'], shown: 'm', action: 'mark', words: 'Compare this moment with another' },
  { keys: ['Escape'], shown: 'Esc', action: 'close', words: 'Leave the actor, back to all' },
  { keys: ['t'], shown: 't', action: 'theme', words: 'Light, dark, as the system' },
  { keys: ['1'], shown: '1', action: 'map', words: 'Map' },
  { keys: ['2'], shown: '2', action: 'actor', words: 'Actor' },
  { keys: ['3'], shown: '3', action: 'timeline', words: 'Timeline' },
  { keys: ['4'], shown: '4', action: 'compare', words: 'Compare' },
];

/** What is looked at in a key event. */
export type Press = Pick<KeyboardEvent, 'key' | 'ctrlKey' | 'metaKey' | 'altKey' | 'defaultPrevented'> & {
  target: unknown;
};

/** What a key press asks for; null in fields and dialogs, and for keys that belong to the browser. */
export function actionOf(event: Press): Action | null {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return null;
  const { tagName = '', closest } = event.target as { tagName?: string; closest?: (selector: string) => unknown };
  const field = ['INPUT', 'SELECT', 'TEXTAREA'].includes(tagName);
  const dialog = closest?.call(event.target, 'dialog') ?? null;
  if (field || dialog !== null) return null;
  return shortcuts.find(({ keys }) => keys.includes(event.key))?.action ?? null;
}

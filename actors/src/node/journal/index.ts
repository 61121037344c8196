export { openJournal } from './journal.ts';
export { readJournal, spellKey } from './read.ts';
export type { JournalRead } from './read.ts';

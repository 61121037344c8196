export { openFile } from './log/file.ts';
export { actorOf, lived, replay } from './log/lives.ts';
export { seek } from './replay/seek.ts';
export { whatIf } from './replay/whatIf.ts';

/** Errno numbers of the kernel as names. */
import { constants } from 'node:os';

const names = new Map<number, string>();
for (const [name, number] of Object.entries(constants.errno)) if (!names.has(number)) names.set(number, name);
// Where one number has two names: the one that the kernel's own sources use.
for (const name of ['EAGAIN', 'EOPNOTSUPP'] as const) names.set(constants.errno[name], name);
names.set(105, 'ENOBUFS');
names.set(126, 'ENOKEY');

/** `errno` positive or negative. 'E<number>' where it has no name here. */
export function errnoName(errno: number): string {
  return names.get(Math.abs(errno)) ?? `E${Math.abs(errno)}`;
}

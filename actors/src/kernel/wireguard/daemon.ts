/** One wireguard-go process and the folder that belongs to it. */
import type { ChildProcess } from 'node:child_process';
import {
  lstatSync,
  mkdirSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmdirSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  watch,
  writeFileSync,
} from 'node:fs';
import { every } from '@ifactor/common';
import type { Clock } from '@ifactor/common';
import { identify } from '@ifactor/common/proc';
import { dirname, join } from 'node:path';
import { uapiGet, uapiSet } from './uapi.ts';
import type { WireGuardAccess, WireGuardChange, WireGuardDevice } from './types.ts';

/** Kept as `record.json`, so that a later agent finds the process again. */
export type DaemonRecord = {
  /** Of the link now. */
  name: string;
  /** Of the socket: the link's first name. */
  socket: string;
  /** Where the link is. */
  netns: string;
  /** Index of the link, once seen: it does not change when another program renames the link. */
  index?: number;
  /** While it is being renamed or moved: where it may still be. */
  was?: { name: string; netns: string };
  pid: number;
  /** Clock ticks since boot (field 22 of /proc/PID/stat): distinguishes a process from a later one with the same pid. */
  startTime: string;
};

export type DaemonParts = {
  /** Folder of the links for tools, `<links>/<netns>/<name>.sock`. */
  links: string;
  /** Where this agent started the process itself. */
  child?: ChildProcess | undefined;
  /** The process and its folder are gone. */
  ended: () => void;
  /** Called with the error if a cleanup that no caller awaits fails. */
  report: (error: unknown) => void;
  clock: Clock;
};

const termPatienceMs = 3000;
const exitCheckMs = 10;

export class Daemon implements WireGuardAccess {
  readonly folder: string;
  record: DaemonRecord;
  readonly #parts: DaemonParts;
  #ending: Promise<void> | undefined;

  constructor(folder: string, record: DaemonRecord, parts: DaemonParts) {
    this.folder = folder;
    this.record = record;
    this.#parts = parts;
    this.#save(record);
    this.#link();
  }

  /** Whether the link of this name in this netns is (or, while it moves, may be) the one that this process serves. */
  serves(netns: string, name: string): boolean {
    const { record } = this;
    if (this.#ending) return false;
    return (
      (record.netns === netns && record.name === name) || (record.was?.netns === netns && record.was.name === name)
    );
  }

  /** Whether this is the link that the process serves. Follows a name that another program gave it. */
  recognizes(netns: string, { index, name }: { index: number; name: string }): boolean {
    const { record } = this;
    if (record.was || record.netns !== netns || record.index === undefined) {
      if (!this.serves(netns, name)) return false;
      if (!record.was) this.#save({ ...record, index });
      return true;
    }
    if (this.#ending || record.index !== index) return false;
    if (record.name !== name) {
      this.#unlink(record);
      this.#save({ ...record, name });
      this.#link();
    }
    return true;
  }

  get alive(): boolean {
    const { child } = this.#parts;
    return child
      ? child.exitCode === null && child.signalCode === null
      : startTime(this.record.pid) === this.record.startTime;
  }

  get socket(): string {
    return join(this.folder, `${this.record.socket}.sock`);
  }

  get(): Promise<WireGuardDevice> {
    return uapiGet(this.socket, this.record.name);
  }

  set(_name: string, change: WireGuardChange): Promise<void> {
    return uapiSet(this.socket, this.record.name, change);
  }

  /** Renames or moves the link by `act`. On disk before it happens, so that a crash in between loses nothing. */
  async during(target: { name?: string; netns?: string }, act: () => Promise<void>): Promise<void> {
    const { was: _, ...now } = this.record;
    const { index, ...rest } = { ...now, ...target };
    // In another netns the link can have another index.
    const then = target.netns === undefined && index !== undefined ? { ...rest, index } : rest;
    this.#save({ ...then, was: { name: now.name, netns: now.netns } });
    try {
      await act();
    } catch (error) {
      this.#save(now);
      throw error;
    }
    this.#unlink(now);
    this.#save(then);
    this.#link();
  }

  /** The link left that netns: deleted by someone, or its process died. Not so while we move it ourselves. */
  vanished(netns: string): void {
    if (!this.record.was && this.record.netns === netns) this.end().catch(this.#parts.report);
  }

  /** Whether `end` was called for a link of this name, in any netns: the process holds its port until it exits. */
  leaves(name: string): boolean {
    return this.#ending !== undefined && this.record.name === name;
  }

  /** Ends the process and removes its folder. Resolves when both are gone. */
  end(): Promise<void> {
    return (this.#ending ??= this.#end());
  }

  async #end(): Promise<void> {
    this.#unlink(this.record);
    try {
      if (this.alive) await this.#kill();
    } finally {
      rmSync(this.folder, { recursive: true, force: true });
      this.#parts.ended();
    }
  }

  async #kill(): Promise<void> {
    const { promise: gone, resolve } = Promise.withResolvers<void>();
    const check = (): void => {
      if (!this.alive) resolve();
    };
    const { child, clock } = this.#parts;
    child?.once('exit', () => resolve());
    // Not our child: its socket disappears first; the end of the process can only be polled.
    const watcher = watch(this.folder, check);
    const endLooking = child ? undefined : every(clock, exitCheckMs, check);
    const cancelKill = clock.after(termPatienceMs, () => signal(this.record.pid, 'SIGKILL'), true);
    signal(this.record.pid, 'SIGTERM');
    check();
    await gone;
    cancelKill();
    endLooking?.();
    watcher.close();
  }

  #save(record: DaemonRecord): void {
    this.record = record;
    const path = join(this.folder, 'record.json');
    writeFileSync(`${path}.new`, JSON.stringify(record));
    renameSync(`${path}.new`, path);
  }

  #toolPath({ netns, name }: { netns: string; name: string }): string {
    return join(this.#parts.links, netns, `${name}.sock`);
  }

  #link(): void {
    const path = this.#toolPath(this.record);
    mkdirSync(dirname(path), { recursive: true });
    rmSync(path, { force: true });
    symlinkSync(this.socket, path);
  }

  #unlink(record: { netns: string; name: string }): void {
    const path = this.#toolPath(record);
    // Another process may have the name by now.
    if (!isLink(path) || dirname(readlinkSync(path)) !== this.folder) return;
    unlinkSync(path);
    try {
      rmdirSync(dirname(path));
    } catch {
      // Other links are in it.
    }
  }
}

/** Reads `record.json` of a folder; undefined if it cannot be read, as after a crash while it was written. */
export function readRecord(folder: string): DaemonRecord | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(join(folder, 'record.json'), 'utf8'));
    return isDaemonRecord(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isDaemonRecord(value: unknown): value is DaemonRecord {
  if (typeof value !== 'object' || value === null) return false;
  const fields = new Map(Object.entries(value));
  return (
    ['name', 'socket', 'netns', 'startTime'].every((key) => typeof fields.get(key) === 'string') &&
    typeof fields.get('pid') === 'number'
  );
}

/** Undefined where no living process has this pid. */
export function startTime(pid: number): string | undefined {
  return identify(pid)?.startTime;
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name);
  } catch {
    // Gone already.
  }
}

function isLink(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false })?.isSymbolicLink() ?? false;
}

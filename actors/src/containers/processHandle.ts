/** One process, held by an open descriptor of its folder in /proc, so that it never refers to another process with the same pid. */
import { closeSync, constants, openSync, readFileSync, statSync } from 'node:fs';
import { codeOf } from '@ifactor/common';
import { bootId, parseStat, type ProcessIdentity } from '@ifactor/common/proc';

/** `forbidden`: the agent may not read it. `ended`: it ended or never existed. */
export type ProcessNetns = { path: string; id: string } | 'forbidden' | 'ended';

/**
 * A number and a start time do not identify a process: the start time counts clock ticks of 10 ms, and a process that ends gives its
 * pid back at once. What is looked up below an open /proc/PID belongs to the process that the folder was opened for, and fails
 * with ENOENT or ESRCH once that one has ended, whichever process has the pid then.
 */
export class ProcessHandle {
  readonly pid: number;
  readonly #fd: number;

  private constructor(pid: number, fd: number) {
    this.pid = pid;
    this.#fd = fd;
  }

  /** null where no process has this pid. To be closed. */
  static open(pid: number): ProcessHandle | null {
    try {
      return new ProcessHandle(pid, openSync(`/proc/${pid}`, constants.O_RDONLY | constants.O_DIRECTORY));
    } catch {
      return null;
    }
  }

  /** The network namespace that it is in now. `path` leads there as long as the process lives and the handle is open. */
  netns(): ProcessNetns {
    try {
      // A zombie has no namespaces: ENOENT.
      const path = this.#path('ns/net');
      return { path, id: String(statSync(path, { bigint: true }).ino) };
    } catch (error) {
      const code = codeOf(error);
      return code === 'EACCES' || code === 'EPERM' ? 'forbidden' : 'ended';
    }
  }

  /** Identifies the process to a later run of the agent; null where it has ended. */
  identity(): ProcessIdentity | null {
    const startTime = parseStat(this.read('stat') ?? '')?.startTime;
    return startTime === undefined ? null : { pid: this.pid, startTime, boot: bootId() };
  }

  /** Text of a file in its folder, such as 'cgroup'; null where it cannot be read. */
  read(file: string): string | null {
    try {
      return readFileSync(this.#path(file), 'latin1');
    } catch {
      return null;
    }
  }

  close(): void {
    closeSync(this.#fd);
  }

  #path(file: string): string {
    return `/proc/self/fd/${this.#fd}/${file}`;
  }
}

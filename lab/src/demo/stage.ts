import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename, relative } from 'node:path';
import { crdPath } from '#files';
import { kubectl } from '../cluster/apiserver.ts';
import { environmentOf } from '../cluster/environment.ts';
import { LabError } from '../cluster/error.ts';
import type { Manifest } from '../cluster/manifest.ts';
import { operatorProgram } from '../cluster/programs.ts';
import { capture, quote, type Result } from '../host/shell.ts';

/** A program with its arguments; `shown` is how a person would type it. */
export type ShownCommand = { argv: string[]; shown: string };

/** Where the walkthrough is performed: every command is printed before it runs, with what it prints. */
export class Stage {
  readonly lab: Manifest;
  readonly abort: AbortSignal;
  readonly #env: NodeJS.ProcessEnv;

  constructor(lab: Manifest, abort: AbortSignal) {
    this.lab = lab;
    this.abort = abort;
    this.#env = { ...process.env, ...environmentOf(lab) };
  }

  say(line = ''): void {
    this.abort.throwIfAborted();
    console.log(line);
  }

  /** Runs a command, shows it with its output, and returns the output. @throws LabError if it fails */
  async show({ argv, shown }: ShownCommand): Promise<string> {
    this.say(`$ ${shown}`);
    const [program = '', ...args] = argv;
    const child = spawn(program, args, { env: this.#env, stdio: ['ignore', 'pipe', 'pipe'], signal: this.abort });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8').on('data', (text: string) => {
        process.stdout.write(text);
        if (stream === child.stdout) output += text;
      });
    }
    const [code] = (await once(child, 'close')) as [number | null];
    if (code !== 0) throw new LabError(`\`${shown}\` failed (${code})`);
    return output;
  }

  /** Runs a command unseen, whatever its exit code. */
  async look({ argv }: ShownCommand): Promise<Result> {
    this.abort.throwIfAborted();
    const [program = '', ...args] = argv;
    return capture(program, args, { env: this.#env });
  }

  kubectl(...args: string[]): ShownCommand {
    return { argv: [kubectl(), ...args], shown: spell([basename(kubectl()), ...args]) };
  }

  /** One of the container's own programs, as a person with Docker or named netns runs it. */
  inside(name: string, ...command: string[]): ShownCommand {
    const real = this.lab.containers.find((container) => container.name === name)?.real ?? name;
    if (this.lab.vm) return this.exec(name, ...command);
    const argv =
      this.lab.runtime === 'docker' ? ['docker', 'exec', real, ...command] : ['ip', 'netns', 'exec', real, ...command];
    return { argv, shown: spell(argv) };
  }

  /** One of this machine's programs in the network of a node or a container. */
  exec(name: string, ...command: string[]): ShownCommand {
    const argv = [process.execPath, operatorProgram(), 'lab', 'exec', '--dir', this.lab.dir, name, '--', ...command];
    return { argv, shown: spell(['ifactor', 'lab', 'exec', name, '--', ...command]) };
  }
}

/** An example of the walkthrough, as a path relative to the working directory. */
export function example(name: string): string {
  const path = relative(process.cwd(), crdPath(`examples/${name}`));
  return path.startsWith('../../') ? crdPath(`examples/${name}`) : path;
}

function spell(words: string[]): string {
  return words.map(quote).join(' ');
}

import type { Command } from 'commander';

/** A command of `ifactor`: its description in `--help`, and the module that implements it. */
export type CommandEntry = { description: string; load: () => Promise<Command> };

/*
 * In the order of `--help`. Each command is loaded only when it is used, as some have large dependencies: the lab brings QEMU
 * and native code, the inspector a layout engine and a bundler, and `replay` works where none of these can be loaded.
 */
export const commands: Readonly<Record<string, CommandEntry>> = {
  lab: {
    description: 'A whole cluster on this machine: API server, NATS, bridge, nodes and containers.',
    load: async () => (await import('@ifactor/lab/command')).labCommands(),
  },
  ui: {
    description: 'Serve the inspector: a page that shows every interface, its state and history.',
    load: async () => (await import('./ui.ts')).uiCommand(),
  },
  events: {
    description: 'Show what happened, event by event.',
    load: async () => (await import('./events.ts')).eventsCommand(),
  },
  replay: {
    description: 'Fold the log of an interface, up to any point of it.',
    load: async () => (await import('./replay.ts')).replayCommand(),
  },
  trace: {
    description: 'Show what followed from an apply, down to the kernel.',
    load: async () => (await import('./trace.ts')).traceCommand(),
  },
  export: {
    description: 'Write a log to a file, for a bug report. It holds no key, only public keys and fingerprints.',
    load: async () => (await import('./transfer.ts')).exportCommand(),
  },
  import: {
    description: 'Put the events of a log file into IFACTOR_EVENTS of a NATS server, to look at them with every tool.',
    load: async () => (await import('./transfer.ts')).importCommand(),
  },
  pause: {
    description: 'Have the agent leave an interface alone, until a time or until it is resumed.',
    load: async () => (await import('./pause.ts')).pauseCommand(),
  },
  resume: {
    description: 'Have the agent look after an interface again.',
    load: async () => (await import('./pause.ts')).resumeCommand(),
  },
  resync: {
    description: 'Have the agent look at the kernel again.',
    load: async () => (await import('./pause.ts')).resyncCommand(),
  },
  bridge: {
    description: 'Release tombstones that the bridge holds back.',
    load: async () => (await import('./bridge.ts')).bridgeCommand(),
  },
  node: {
    description: 'Forget a node that is gone for good.',
    load: async () => (await import('./node.ts')).nodeCommand(),
  },
  keys: {
    description: 'Destroy private keys that nodes keep for interfaces that were deleted.',
    load: async () => (await import('./keys.ts')).keysCommand(),
  },
  machine: {
    description: 'Draw the lifecycle machine.',
    load: async () => (await import('./machine.ts')).machineCommand(),
  },
  nats: {
    description: 'Manage the NATS streams.',
    load: async () => (await import('./nats.ts')).natsCommand(),
  },
  completion: {
    description: 'Print a script that completes commands, options and their values in a shell.',
    load: async () => (await import('./completion.ts')).completionCommand(),
  },
};

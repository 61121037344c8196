export { environmentOf } from './lab/environment.ts';
export { readManifest } from './lab/manifest.ts';
export type { Manifest } from './lab/manifest.ts';
export { fetchNats, findNats } from './lab/natsBinary.ts';
export type { NatsProgram } from './lab/natsBinary.ts';
export { freePorts } from './lab/port.ts';

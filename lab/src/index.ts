export { environmentOf } from './cluster/environment.ts';
export { readManifest } from './cluster/manifest.ts';
export type { Manifest } from './cluster/manifest.ts';
export { fetchNats, findNats } from './host/natsBinary.ts';
export type { NatsProgram } from './host/natsBinary.ts';
export { labDir } from './cluster/options.ts';
export { freePorts } from './host/port.ts';

import { createRequire } from 'node:module';
import { join } from 'node:path';
import type * as clone from './clone.ts';

/*
 * Where the programs and data of a lab are, in the package `ifactor`: beside its main file; agent
 * and bridge are packages of their own.
 */

const root = import.meta.dirname;
const require = createRequire(import.meta.url);

export const ownProgram: typeof clone.ownProgram = (name) =>
  name === 'agent' || name === 'bridge' ? require.resolve(`ifactor-${name}/main.js`) : join(root, `${name}.js`);

export const crdPath: typeof clone.crdPath = (name) => join(root, 'crds', name);

export const initScript: typeof clone.initScript = () => join(root, 'init.sh');

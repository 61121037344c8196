import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/*
 * Where the programs and data of a lab are, in a clone. In a package `packaged.ts` stands in for this: both are `#files`.
 */

export type OwnProgram = 'agent' | 'apiserver' | 'bridge' | 'guest' | 'inside';

/** The module that a process of the lab starts from. */
export function ownProgram(name: OwnProgram): string {
  switch (name) {
    case 'agent':
      return join(sourceOf('@ifactor/actors'), 'main.ts');
    case 'bridge':
      return join(sourceOf('@ifactor/bridge'), 'main.ts');
    case 'apiserver':
      return join(import.meta.dirname, '../apiserver/main.ts');
    case 'guest':
      return join(import.meta.dirname, '../vm/guest.ts');
    case 'inside':
      return join(import.meta.dirname, '../vm/run.ts');
  }
}

/** Path of a file beside the committed CRDs, such as `examples/wgp1.yaml`. */
export const crdPath = (name: string): string => join(sourceOf('@ifactor/crds'), '..', name);

/** The script that a virtual machine runs first. */
export const initScript = (): string => join(import.meta.dirname, '../vm/init.sh');

const sourceOf = (workspace: string): string => dirname(fileURLToPath(import.meta.resolve(workspace)));

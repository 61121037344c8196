import { readFileSync, writeFileSync } from 'node:fs';
import { Document } from 'yaml';
import { customResourceDefinition } from './crd.ts';
import { kinds } from '../schema/kinds.ts';
import type { KindName } from '../schema/kinds.ts';

const names: readonly KindName[] = ['WireGuardNetworkPlan', 'WireGuardInterface', 'NetlinkInterface'];

/** Path of the committed CustomResourceDefinition of a kind. */
export function crdFile(name: KindName): URL {
  return new URL(`../../manifests/${kinds[name].plural}.yaml`, import.meta.url);
}

/** The text of that file. */
export function crdYaml(name: KindName): string {
  const document = new Document(customResourceDefinition(name), { aliasDuplicateObjects: false });
  document.commentBefore = ' Generated from crds/src/schema by `npm run generate` in crds. Do not edit.';
  return document.toString({ lineWidth: 0 });
}

/** Kinds whose committed file differs from the schemas. */
export function staleKinds(): KindName[] {
  return names.filter((name) => {
    try {
      return readFileSync(crdFile(name), 'utf8') !== crdYaml(name);
    } catch {
      return true;
    }
  });
}

if (import.meta.main) {
  if (process.argv.includes('--check')) {
    const stale = staleKinds();
    if (stale.length > 0) {
      console.error(
        `stale: ${stale.map((name) => `crds/${kinds[name].plural}.yaml`).join(', ')}; run "npm run generate" in crds`,
      );
      process.exitCode = 1;
    }
  } else {
    for (const name of names) writeFileSync(crdFile(name), crdYaml(name));
  }
}

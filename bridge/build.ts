import { buildPackage } from '@ifactor/common/build';

await buildPackage({
  name: 'ifactor-bridge',
  workspace: import.meta.dirname,
  entries: { main: 'src/main.ts' },
  external: [],
  files: { 'rbac.yaml': 'rbac.yaml' },
});

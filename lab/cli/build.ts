import { join } from 'node:path';
import { buildPackage } from '@ifactor/common/build';
import { build } from 'vite';

await buildPackage({
  name: 'ifactor',
  workspace: import.meta.dirname,
  entries: {
    main: 'src/main.ts',
    elk: 'src/inspector/map/elk.ts',
    apiserver: '../src/apiserver/main.ts',
    guest: '../src/vm/guest.ts',
    inside: '../src/vm/run.ts',
  },
  external: [],
  beside: ['ifactor-agent', 'ifactor-bridge'],
  files: {
    'init.sh': '../src/vm/init.sh',
    'crds/manifests': '../../crds/manifests',
    'crds/examples': '../../crds/examples',
  },
});
await build({
  root: join(import.meta.dirname, 'ui'),
  configFile: join(import.meta.dirname, 'ui/vite.config.ts'),
  logLevel: 'error',
  build: { outDir: join(import.meta.dirname, 'dist/page'), emptyOutDir: true },
});

import { buildPackage } from '@ifactor/common/build';

await buildPackage({
  name: 'ifactor-agent',
  workspace: import.meta.dirname,
  entries: { main: 'src/main.ts' },
  external: ['koffi', 'netlink'],
});

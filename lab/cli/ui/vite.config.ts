import react from '@vitejs/plugin-react';
import { defineConfig } from 'vite';

// Who builds it, a test runner too, gets React as users get it: vite would take what it needs to know from here.
process.env['NODE_ENV'] = 'production';

// Every path relative, no data: address, nothing inline: the server's policy allows what it serves itself, and no more.
export default defineConfig({
  root: import.meta.dirname,
  base: './',
  plugins: [react()],
  build: {
    outDir: 'dist',
    emptyOutDir: true,
    target: 'es2024',
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    manifest: true,
    chunkSizeWarningLimit: 400,
  },
});

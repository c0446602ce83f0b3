// How the UI is built: hashed assets under relative URLs, so that one build serves under any path prefix.
import { defineConfig } from 'vite';

const server = process.env['TORTIE_URL'] ?? 'http://127.0.0.1:9090';
const proxy = { '/api': server, '/-/': server };

export default defineConfig({
  base: './',
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    assetsInlineLimit: 0,
    cssCodeSplit: true,
  },
  server: { host: '127.0.0.1', proxy },
  preview: { host: '127.0.0.1', proxy },
});

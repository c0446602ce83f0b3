// How the UI is built: hashed assets under relative URLs, so that one build serves under any path prefix.
import { defineConfig, type Plugin } from 'vite';

const server = process.env['TORTIE_URL'] ?? 'http://127.0.0.1:9090';
const proxy = { '/api': server, '/-/': server };

/** Names the app's code in index.html, so that it is fetched while the frame is painted. */
function fetchAppEarly(): Plugin {
  return {
    name: 'fetch-app-early',
    transformIndexHtml: {
      order: 'post',
      handler: (_html, { bundle }) =>
        Object.values(bundle ?? {})
          .filter((one) => one.type === 'chunk' && one.name === 'app')
          .map((one) => ({ tag: 'link', attrs: { rel: 'modulepreload', crossorigin: true, href: `./${one.fileName}` }, injectTo: 'head' as const })),
    },
  };
}

/** uPlot makes two formats of `Intl` as it is loaded, which takes longer than drawing a chart and which this UI does not use. */
function withoutIntl(): Plugin {
  const changes: [string, string][] = [
    ["new Intl.NumberFormat(domEnv ? nav.language : 'en-US')", '{ format: String }'],
    ['new Intl.DateTimeFormat().resolvedOptions().timeZone', 'undefined'],
  ];
  return {
    name: 'without-intl',
    transform(code, id) {
      if (!/\/uplot\/dist\/uPlot\.esm\.js/.test(id)) return undefined;
      return changes.reduce((text, [from, to]) => {
        if (!text.includes(from)) this.error(`uPlot no longer holds ${from}: look whether the change is still needed`);
        return text.replace(from, to);
      }, code);
    },
  };
}

export default defineConfig({
  base: './',
  plugins: [fetchAppEarly(), withoutIntl()],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    target: 'es2022',
    // Browsers of 2024 and later know light-dark(); lowered it doubles the styles that stand before the first paint.
    cssTarget: ['chrome123', 'firefox120', 'safari17.5'],
    modulePreload: { polyfill: false },
    reportCompressedSize: false,
    assetsInlineLimit: 0,
    cssCodeSplit: true,
    rolldownOptions: {
      output: {
        codeSplitting: {
          groups: [
            // What runs before the first frame: nothing but the list of pages.
            { name: 'first', test: /\/src\/(main\.ts|app\/(pages|base)\.ts)$/, priority: 2 },
            // What every page needs, in one file: on a slow machine each further one costs more than its bytes.
            { name: 'app', test: /\/(node_modules\/(preact|@preact)\/|src\/(app|api|time|format|parts)\/)/, priority: 1 },
          ],
        },
      },
    },
  },
  server: { host: '127.0.0.1', proxy },
  preview: { host: '127.0.0.1', proxy },
});

// Fails when a page of the built UI outweighs its budget (gzip bytes of JS and CSS, first visit).
import { readFile, readdir } from 'node:fs/promises';
import { gzipSync } from 'node:zlib';

const dist = new URL('../dist/', import.meta.url);
const kB = 1000;
const assets = new Map();
for (const name of await readdir(new URL('assets/', dist))) {
  if (!/\.(js|css)$/.test(name)) continue;
  const body = await readFile(new URL(`assets/${name}`, dist));
  assets.set(name, { gzip: gzipSync(body, { level: 9 }).length, text: body.toString('utf8') });
}

/** Assets that `start` leads to: static imports, and those of the lazy ones whose name `lazy` knows. */
function closure(start, lazy) {
  const found = new Set();
  const visit = (name) => {
    if (found.has(name) || !assets.has(name)) return;
    found.add(name);
    const text = assets.get(name).text;
    for (const [, next] of text.matchAll(/(?:from|import)\s*["'`]\.\/([^"'`]+)["'`]/g)) visit(next);
    for (const [, next] of text.matchAll(/["'`](?:\.\/|assets\/)([\w-]+\.(?:js|css))["'`]/g)) if (lazy(next)) visit(next);
  };
  for (const name of start) visit(name);
  return found;
}

// Styles inside index.html count as if they were files.
const html = await readFile(new URL('index.html', dist), 'utf8');
for (const [i, [, text]] of [...html.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].entries()) assets.set(`inline ${i}`, { gzip: gzipSync(text, { level: 9 }).length, text });
const entry = [...html.matchAll(/assets\/([\w.-]+\.(?:js|css))/g)].map((m) => m[1]);
for (const name of assets.keys()) if (name.startsWith('inline ')) entry.push(name);
const weigh = (names) => [...names].reduce((sum, name) => sum + assets.get(name).gzip, 0);
const rows = [ // page, bytes, limit
  ['shell + Overview', weigh(closure(entry, (name) => /^overview-/.test(name))), 50 * kB],
  ['Explore with editor', weigh(closure(entry, (name) => /^(explore|code-editor|line)-/.test(name))), 220 * kB],
  ['everything', weigh(assets.keys()), 280 * kB],
];
let failed = false;
for (const [what, size, limit] of rows) {
  const over = size > limit;
  failed ||= over;
  console.log(`${over ? 'OVER' : 'ok  '} ${what.padEnd(22)} ${(size / kB).toFixed(1).padStart(7)} kB gzip of ${limit / kB}`);
}
process.exit(failed ? 1 : 0);

// Writes dist/inline-styles.txt: the hashes by which the server's policy lets the styles of index.html through. Fails on
// anything else inline, which no policy of ours allows.
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';

const dist = new URL('../dist/', import.meta.url);
const html = await readFile(new URL('index.html', dist), 'utf8');
for (const [tag, attributes] of html.matchAll(/<script([^>]*)>/g)) {
  if (!/\bsrc=/.test(attributes)) throw new Error(`dist/index.html has a script of its own, which the policy forbids: ${tag}`);
}
if (/\sstyle=/.test(html)) throw new Error('dist/index.html has a style attribute, which the policy forbids');
const hashes = [...html.matchAll(/<style[^>]*>([\s\S]*?)<\/style>/g)].map(([, text]) => `'sha256-${createHash('sha256').update(text).digest('base64')}'`);
await writeFile(new URL('inline-styles.txt', dist), hashes.join(' '));

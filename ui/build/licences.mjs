// Writes dist/third-party-licences.txt: name, version, licence and licence text of every package in the bundle.
import { existsSync } from 'node:fs';
import { readFile, readdir, writeFile } from 'node:fs/promises';

const root = new URL('../', import.meta.url);
const allowed = new Set(['MIT', 'Apache-2.0', 'BSD-2-Clause', 'BSD-3-Clause', 'ISC', 'MPL-2.0', 'Zlib', '0BSD']);
const seen = new Map();

async function collect(name, from) {
  if (seen.has(name)) return;
  // A package may have its own copy of another.
  const places = [`node_modules/${from}/node_modules/${name}/`, `node_modules/${name}/`].map((place) => new URL(place, root));
  const folder = places.find((place) => existsSync(new URL('package.json', place)));
  if (!folder) throw new Error(`licence of ${name} (needed by ${from}): package is not installed, hint: npm ci`);
  const manifest = JSON.parse(await readFile(new URL('package.json', folder), 'utf8'));
  if (!allowed.has(manifest.license)) throw new Error(`licence of ${name}: ${manifest.license} is not on the list of allowed licences`);
  const file = (await readdir(folder)).find((f) => /^licen[cs]e(\.|$)/i.test(f));
  const body = file ? await readFile(new URL(file, folder), 'utf8') : '(the package carries no licence file)\n';
  seen.set(name, `${name} ${manifest.version} (${manifest.license})\n\n${body.trim()}\n`);
  for (const next of Object.keys(manifest.dependencies ?? {})) await collect(next, name);
}

const own = JSON.parse(await readFile(new URL('package.json', root), 'utf8'));
for (const name of Object.keys(own.dependencies)) await collect(name, own.name);

const rule = `\n${'='.repeat(78)}\n\n`;
const parts = [...seen.keys()].sort().map((name) => seen.get(name));
await writeFile(new URL('dist/third-party-licences.txt', root), `The web UI contains the following packages.\n${rule}${parts.join(rule)}`);

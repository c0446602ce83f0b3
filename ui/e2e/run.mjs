// Browser tests against a running server: TORTIE_URL, and TORTIE_PREFIX_URL for one under a path prefix. Writes the
// picture of the README to docs/overview.png when TORTIE_PICTURE is set.
import { actions } from './actions.mjs';
import { withSlash } from './api.mjs';
import { findings, launch, open, shifts } from './browser.mjs';
import { doctor } from './doctor.mjs';
import { pages } from './pages.mjs';
import { states } from './states.mjs';
import { check, finish, none } from './suite.mjs';

function address(name) {
  const url = process.env[name];
  if (url) return withSlash(url);
  console.error(`${name} is not set: it is the address of a running server, hint: make peers-test`);
  process.exit(2);
}

const base = address('TORTIE_URL');
const prefixed = address('TORTIE_PREFIX_URL');
const browser = await launch();

async function visit(one, at, options) {
  const { page, problems, answers, close } = await open(browser, { ...options, ...(one.expect ? { expect: one.expect } : {}) });
  await page.goto(at + one.path);
  await page.waitForSelector(one.ready);
  await one.number?.(page, at, answers);
  if (one.tall) {
    for (let y = 0; y < 6; y++) {
      await page.mouse.wheel(0, 700);
      await page.waitForTimeout(120);
    }
    await page.waitForFunction(() => document.querySelectorAll('.panel-space').length === 0 || [...document.querySelectorAll('.panel-space')].every((one) => one.getBoundingClientRect().top > innerHeight + 200));
  }
  none(await findings(page), 'axe');
  none((await shifts(page)).map((shift) => `${shift.value}: ${shift.what}`), 'layout shift');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (overflow > 0) throw new Error(`the page is ${overflow} px wider than the window`);
  none(problems, 'problems');
  await close();
}

for (const theme of ['light', 'dark']) {
  for (const one of pages) await check(`${one.name}, ${theme}`, () => visit(one, base, { theme }));
}
for (const one of pages) await check(`${one.name}, 400 px`, () => visit(one, base, { width: 400, height: 800 }));
for (const one of pages) await check(`${one.name}, under ${new URL(prefixed).pathname}`, () => visit(one, prefixed, { theme: 'dark' }));
await states(browser, base);
await actions(browser, base);
await doctor(browser, base);

if (process.env.TORTIE_PICTURE) {
  await check('the picture of the README', async () => {
    const { page, close } = await open(browser, { theme: process.env.TORTIE_PICTURE_THEME ?? 'light', width: 1280, height: 720 });
    await page.goto(`${base}?from=now-24h&to=now`);
    await page.waitForSelector(pages[0].ready);
    await page.waitForFunction(() => document.querySelector('[data-fact=series]') && !document.querySelector('.spark-space') && /\d/.test(document.querySelector('[data-fact=hosts]')?.textContent ?? ''));
    await page.screenshot({ path: process.env.TORTIE_PICTURE });
    await close();
  });
}

await browser.close();
finish();

// The Doctor page at work: a demo that is broken, judged, mended from the page, and judged again.
import { api } from './api.mjs';
import { findings, open, shifts } from './browser.mjs';
import { check, equal, none } from './suite.mjs';

async function flip(base, verb, fault) {
  const answer = await fetch(new URL(`api/tortie/v1/demo/${verb}?fault=${fault}`, base), { method: 'POST', headers: { 'x-tortie-demo': '1' } });
  if (!answer.ok) throw new Error(`${verb} ${fault}: ${await answer.text()}`);
}

async function until(what, ask, ms = 60_000) {
  const end = Date.now() + ms;
  for (;;) {
    const got = await ask();
    if (got) return got;
    if (Date.now() > end) throw new Error(`not within ${ms / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 300));
  }
}

const told = async (base) => (await api(base, 'tortie/v1/doctor')).report?.findings.filter(({ level }) => level !== 'info').map(({ id }) => id);
const quiet = (base) => until('a report without a finding', async () => (await told(base))?.length === 0);

async function visit(browser, base, options, run) {
  const { page, problems, close } = await open(browser, options);
  await page.goto(`${base}doctor`);
  await run(page);
  none(await findings(page), 'axe');
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (overflow > 0) throw new Error(`the page is ${overflow} px wider than the window`);
  none(problems, 'problems');
  await close();
}

export async function doctor(browser, base) {
  await check('doctor: a broken port name is found, explained, and mended by setup from the page', async () => {
    await quiet(base);
    await flip(base, 'break', 'port-name');
    await until('T507 in the report', async () => (await told(base))?.includes('T507'));
    for (const theme of ['light', 'dark']) {
      for (const [width, height] of [[1280, 900], [400, 800]]) {
        await visit(browser, base, { theme, width, height }, async (page) => {
          const finding = page.locator('.finding', { hasText: 'T507' });
          await finding.waitFor();
          equal(await finding.locator('.command pre').count(), 1, 'commands');
          if (!/^kubectl --context=tortie-demo -n monitoring patch /.test((await finding.locator('.command pre').textContent()) ?? '')) throw new Error('the command is not the one to paste');
          equal(await page.locator('.stations tbody tr', { hasText: 'kube-controllers' }).locator('td').nth(3).getAttribute('class'), 'state bad', 'cell of the monitor');
          await finding.locator('summary').click();
          await finding.locator('.markdown', { hasText: 'Why it breaks silently' }).waitFor();
          none((await shifts(page)).map((shift) => `${shift.value}: ${shift.what}`), 'layout shift');
        });
      }
    }
    // The Overview says the same.
    const { page, close } = await open(browser);
    await page.goto(base);
    await page.locator('.verdict', { hasText: 'T507' }).waitFor();
    equal(await page.locator('.chain tbody tr', { hasText: 'kube-controllers' }).locator('td').nth(2).locator('.mark').getAttribute('class'), 'mark bad', 'mark of the monitor');
    await close();
    await visit(browser, base, { theme: 'dark' }, async (page) => {
      await page.getByRole('button', { name: 'Enable what is missing' }).click();
      const step = page.locator('.steps li', { hasText: 'ServiceMonitor monitoring/calico-kube-controllers' });
      await step.waitFor();
      await step.locator('del', { hasText: 'kube-controllers-metrics' }).waitFor();
      await step.locator('ins', { hasText: 'metrics-port' }).waitFor();
      none(await findings(page), 'axe of the plan');
      await page.getByRole('button', { name: /^Write \d+ objects?$/ }).click();
      await page.locator('[role=status]', { hasText: 'Written: ' }).waitFor();
      await page.getByRole('button', { name: 'Close' }).click();
    });
    await quiet(base);
    await visit(browser, base, {}, async (page) => {
      await page.waitForSelector('text=Every link that was looked at holds');
    });
  });

  await check('doctor: look again shows its progress, and the command is copied', async () => {
    await flip(base, 'break', 'felix-off');
    await until('T203 in the report', async () => (await told(base))?.includes('T203'));
    const { page, problems, close } = await open(browser);
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write']);
    await page.goto(`${base}doctor`);
    const finding = page.locator('.finding', { hasText: 'T203' });
    await finding.locator('.copy').first().click();
    await finding.locator('.copy', { hasText: 'Copied' }).waitFor();
    equal(await page.evaluate(() => navigator.clipboard.readText()), await finding.locator('.command pre').first().textContent(), 'clipboard');
    const before = (await api(base, 'tortie/v1/doctor')).finishedMs;
    await page.getByRole('button', { name: 'Look again' }).click();
    await until('a newer report', async () => (await api(base, 'tortie/v1/doctor')).finishedMs > before);
    await page.locator('.looking', { hasText: /Judged (just now|\d+ s ago)/ }).waitFor();
    none(problems, 'problems');
    await close();
    await flip(base, 'heal', 'felix-off');
    await quiet(base);
  });
}

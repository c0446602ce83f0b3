// Starts the app: router, clock, keys, then the first render.
import type { ComponentType } from 'preact';
import { render } from 'preact';
import { startClock } from '../time/clock.ts';
import { App, keep } from './app.tsx';
import { startKeyboard } from './keyboard.ts';
import { startRouter } from './router.ts';
import '../styles/base.css';
import '../styles/shell.css';

/** Code of a page by its id. */
export interface PageCode {
  page: string;
  component: ComponentType;
}

/**
 * Takes over the frame of index.html once the present page's code is there, which may be on its way. Without it the app
 * renders and says what is wrong.
 */
export async function run(code: Promise<PageCode | undefined> | undefined): Promise<void> {
  startRouter();
  startClock();
  startKeyboard();
  const first = await code;
  if (first) keep(first.page, first.component);
  render(<App />, document.getElementById('app')!);
}

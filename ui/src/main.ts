// Entry of the UI: lets the browser paint the frame of index.html, then starts the app with the code of the present page.
import { presentPath } from './app/base.ts';
import { codeOf, loadPage } from './app/pages.ts';

function start(): void {
  const page = codeOf(presentPath());
  // Asked for together: the page's code does not wait for the app's.
  const code = page === undefined ? undefined : loadPage(page).then((component) => ({ page, component }), () => undefined);
  void import('./app/start.tsx').then(({ run }) => run(code));
}

const painted = 'first-contentful-paint';

/**
 * Runs `next` once, when the first frame is on the screen: code that starts sooner competes with the drawing of it. A page in
 * the background paints nothing, and no browser is waited for long.
 */
function afterFirstFrame(next: () => void): void {
  let done = false;
  const once = () => {
    if (done) return;
    done = true;
    next();
  };
  if (document.visibilityState === 'hidden') return once();
  const observer = new PerformanceObserver((list) => {
    if (list.getEntriesByName(painted).length > 0) once();
  });
  observer.observe({ type: 'paint', buffered: true });
  setTimeout(once, 400);
}

afterFirstFrame(start);

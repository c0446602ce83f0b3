// The keyboard: keys of the whole page. A page marks its parts with `data-search` and `data-row`.
import { refreshNow, setRange, span } from '../time/clock.ts';
import { zoomOut } from '../time/range.ts';
import { helpOpen } from './help.tsx';
import { pages } from './pages.ts';
import { go, href } from './router.ts';
import { cycleTheme } from './settings.ts';
import { rangeOpen } from './top-bar.tsx';

function isTyping(event: KeyboardEvent): boolean {
  const target = event.composedPath()[0] as HTMLElement | undefined;
  return target !== undefined && (target.isContentEditable || /^(INPUT|TEXTAREA|SELECT)$/.test(target.tagName));
}

function moveRow(by: number): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')];
  if (rows.length === 0) return;
  const at = rows.indexOf(document.activeElement as HTMLElement);
  const next = rows[at === -1 ? (by > 0 ? 0 : rows.length - 1) : Math.min(rows.length - 1, Math.max(0, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: 'nearest' });
}

let pendingGo = false;

function onKey(event: KeyboardEvent): void {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  if (isTyping(event)) {
    if (event.key === 'Escape' && event.target instanceof HTMLInputElement) event.target.blur();
    return;
  }
  if (document.querySelector('dialog[open]')) return;
  if (pendingGo) {
    pendingGo = false;
    const page = pages.find((one) => one.key === event.key);
    if (page) {
      event.preventDefault();
      go(href(page.path));
      return;
    }
  }
  const actions: Record<string, () => void> = {
    g: () => {
      pendingGo = true;
      window.setTimeout(() => (pendingGo = false), 2500);
    },
    '/': () => document.querySelector<HTMLElement>('[data-search]')?.focus(),
    j: () => moveRow(1),
    k: () => moveRow(-1),
    r: refreshNow,
    t: () => (rangeOpen.value = true),
    z: () => setRange(zoomOut(span.value, Date.now())),
    d: cycleTheme,
    '?': () => (helpOpen.value = true),
  };
  const action = actions[event.key];
  if (!action) return;
  event.preventDefault();
  action();
}

export function startKeyboard(): void {
  document.addEventListener('keydown', onKey);
}

// Where the reader is: path and query of the page, below whatever prefix the server is mounted at.
import { computed, signal } from '@preact/signals';
import { basePath, presentPath } from './base.ts';

const place = signal(typeof window === 'undefined' ? { path: '/', query: '' } : { path: presentPath(), query: window.location.search });

/** Path below the prefix, starting with a slash. */
export const path = computed(() => place.value.path);
/** Query parameters of the page. */
export const query = computed(() => new URLSearchParams(place.value.query));

/** Parameters that stay when the reader moves to another page. */
const sticky = ['from', 'to', 'timezone', 'refresh'] as const;

export type Params = Record<string, string | string[] | undefined>;

function encode(params: URLSearchParams): string {
  const text = params.toString();
  return text === '' ? '' : `?${text}`;
}

/** Address of a page inside the UI, which keeps range, zone and refresh of the current one. */
export function href(to: string, params: Params = {}): string {
  const next = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== '') next.append(key, one);
  }
  for (const key of sticky) {
    const value = query.value.get(key);
    if (value !== null && !next.has(key)) next.set(key, value);
  }
  return basePath + to.replace(/^\//, '') + encode(next);
}

/** Goes to an address made by `href`, or of the same shape. */
export function go(address: string, replace = false): void {
  if (replace) window.history.replaceState(null, '', address);
  else window.history.pushState(null, '', address);
  place.value = { path: presentPath(), query: window.location.search };
}

/**
 * Changes parameters of the current page; `undefined` or an empty text removes one.
 * Without `replace` the change becomes an entry of the history.
 */
export function setQuery(changes: Params, replace = false): void {
  const next = new URLSearchParams(query.value);
  for (const [key, value] of Object.entries(changes)) {
    next.delete(key);
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined && one !== '') next.append(key, one);
  }
  const address = basePath + path.value.slice(1) + encode(next);
  if (encode(next) !== encode(query.value)) go(address, replace);
}

/** Follows clicks on links of the UI without loading the page anew. */
export function startRouter(): void {
  window.addEventListener('popstate', () => {
    place.value = { path: presentPath(), query: window.location.search };
  });
  document.addEventListener('click', (event) => {
    if (event.defaultPrevented || event.button !== 0 || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    const link = (event.composedPath()[0] as Element | undefined)?.closest?.('a[href]') as HTMLAnchorElement | null;
    if (!link || link.target !== '' || link.hasAttribute('download') || link.origin !== window.location.origin) return;
    if (!link.pathname.startsWith(basePath) || /^\/?(api|metrics|-)(\/|$)/.test(link.pathname.slice(basePath.length))) return;
    if (link.dataset['plain'] !== undefined) return;
    event.preventDefault();
    go(link.href);
    window.scrollTo(0, 0);
  });
}

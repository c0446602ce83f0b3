// What the reader chose for this browser: theme; and whether the page is drawn dark.
import { computed, effect, signal } from '@preact/signals';

export type Theme = 'system' | 'light' | 'dark';

/** Reads a text kept in this browser; storage may be forbidden, which is no error. */
export function recall(key: string): string | null {
  try {
    return window.localStorage.getItem(`tortie.${key}`);
  } catch {
    return null;
  }
}

/** Keeps a text in this browser; answers whether it could. */
export function remember(key: string, value: string): boolean {
  try {
    window.localStorage.setItem(`tortie.${key}`, value);
    return true;
  } catch {
    return false;
  }
}

const systemDark = window.matchMedia('(prefers-color-scheme: dark)');
const systemIsDark = signal(systemDark.matches);
systemDark.addEventListener('change', (event) => (systemIsDark.value = event.matches));

const kept = recall('theme');
export const theme = signal<Theme>(kept === 'light' || kept === 'dark' ? kept : 'system');
export const dark = computed(() => (theme.value === 'system' ? systemIsDark.value : theme.value === 'dark'));

/** Next theme in the order system, light, dark. */
export function cycleTheme(): void {
  theme.value = theme.value === 'system' ? 'light' : theme.value === 'light' ? 'dark' : 'system';
  remember('theme', theme.value);
}

effect(() => {
  if (theme.value === 'system') delete document.documentElement.dataset['theme'];
  else document.documentElement.dataset['theme'] = theme.value;
});

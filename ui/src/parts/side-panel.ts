// A panel at the side of a list: takes the focus when it opens, and closes with Escape.
import { useEffect, useRef } from 'preact/hooks';
import { setQuery } from '../app/router.ts';

/** `key` says what it shows; closing takes `params` out of the address. */
export function useSidePanel(key: string, params: string[]): { box: { current: HTMLElement | null }; close: () => void } {
  const box = useRef<HTMLElement>(null);
  const close = () => setQuery(Object.fromEntries(params.map((name) => [name, undefined])), true);
  useEffect(() => {
    box.current?.focus();
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape' && !document.querySelector('dialog[open]')) close();
    };
    document.addEventListener('keydown', onKey);
    return () => document.removeEventListener('keydown', onKey);
  }, [key]);
  return { box, close };
}

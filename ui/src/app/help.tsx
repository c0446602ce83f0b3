// The list of keys, opened by `?`.
import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { pages } from './pages.ts';

export const helpOpen = signal(false);

const keys: [string, string][] = [
  ...pages.map((page): [string, string] => [`g ${page.key}`, page.title]),
  ['/', 'Search or filter'], ['j k', 'Next, previous row'], ['Enter', 'Open the row'], ['r', 'Refresh now'], ['t', 'Time range'], ['z', 'Zoom out'],
  ['Ctrl Enter', 'Run the query'], ['Esc', 'Cancel, close'], ['d', 'Change theme'], ['?', 'This list'],
];

export function HelpDialog() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helpOpen.value && !dialog.current?.open) dialog.current?.showModal();
    if (!helpOpen.value && dialog.current?.open) dialog.current.close();
  }, [helpOpen.value]);
  return (
    <dialog ref={dialog} aria-labelledby="help-title" onClose={() => (helpOpen.value = false)} onClick={(event) => { if (event.target === dialog.current) helpOpen.value = false; }}>
      <h1 id="help-title">Keys</h1>
      <div class="keys">
        {keys.map(([key, what]) => (
          <div key={key}><span>{what}</span><span>{key.split(' ').map((one) => <kbd key={one}>{one}</kbd>)}</span></div>
        ))}
      </div>
      <p class="dim">Drag over a chart to zoom in; every zoom is a step of the browser’s history.</p>
      <p><button type="button" onClick={() => (helpOpen.value = false)}>Close</button></p>
    </dialog>
  );
}

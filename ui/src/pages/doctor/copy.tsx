// A text to be pasted elsewhere, with a button that copies it.
import { useEffect, useState } from 'preact/hooks';

/** Copies a text; pages that came by plain HTTP from another machine have no clipboard of their own. */
async function copy(text: string): Promise<boolean> {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const area = document.createElement('textarea');
    area.value = text;
    area.style.position = 'fixed';
    document.body.append(area);
    area.select();
    const done = document.execCommand('copy');
    area.remove();
    return done;
  }
}

export function CopyButton({ text, what }: { text: string; what: string }) {
  const [state, setState] = useState<'' | 'done' | 'failed'>('');
  useEffect(() => {
    if (state === '') return undefined;
    const timer = window.setTimeout(() => setState(''), 2000);
    return () => window.clearTimeout(timer);
  }, [state]);
  return (
    <button type="button" class="small copy" aria-label={`Copy ${what}`} onClick={() => void copy(text).then((done) => setState(done ? 'done' : 'failed'))}>
      <span aria-live="polite">{state === 'done' ? 'Copied' : state === 'failed' ? 'Not copied' : 'Copy'}</span>
    </button>
  );
}

/** A command inside a sentence. */
export function Copy({ text }: { text: string }) {
  return <span class="inline-command"><code>{text}</code> <CopyButton text={text} what={text} /></span>;
}

/** A command in a block of its own. */
export function CommandBlock({ text, label }: { text: string; label: string }) {
  return (
    <div class="command">
      <pre class="mono" tabIndex={0} aria-label={label}>{text}</pre>
      <CopyButton text={text} what={label} />
    </div>
  );
}

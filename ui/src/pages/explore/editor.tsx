// The expression editor: a plain text area at once, CodeMirror with completion as soon as its code is here.
import { useEffect, useRef, useState } from 'preact/hooks';
import type { EditorHandle } from './code-editor.ts';

export interface EditorProps {
  value: string;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
  label: string;
  /** Marks the editor that `/` jumps to. */
  first: boolean;
}

export function Editor({ value, onChange, onRun, label, first }: EditorProps) {
  const host = useRef<HTMLDivElement>(null);
  const handle = useRef<EditorHandle | undefined>(undefined);
  const callbacks = useRef({ onChange, onRun });
  callbacks.current = { onChange, onRun };
  const text = useRef(value);
  text.current = value;
  /** Texts that the editor told and that have not come back yet. */
  const told = useRef(new Set<string>());
  const area = useRef<HTMLTextAreaElement>(null);
  const [ready, setReady] = useState(false);

  useEffect(() => {
    let gone = false;
    import('./code-editor.ts').then(
      ({ mountEditor }) => {
        if (gone || !host.current) return;
        const focused = document.activeElement === area.current;
        handle.current = mountEditor(host.current, {
          value: text.current, label,
          onChange: (next) => {
            told.current.add(next);
            callbacks.current.onChange(next);
          },
          onRun: (next) => callbacks.current.onRun(next),
        });
        setReady(true);
        if (focused) handle.current.focus();
      },
      () => undefined, // The text area goes on working without the editor's code.
    );
    return () => {
      gone = true;
      handle.current?.destroy();
      handle.current = undefined;
    };
  }, []);
  useEffect(() => {
    const editor = handle.current;
    if (!editor) return;
    // Keys may come faster than renders: what comes back then is an older text of the editor's own. Putting it in would undo
    // keys, be told again, and so on without an end.
    const own = told.current.has(value);
    if (!own || editor.text() === value) told.current.clear();
    if (!own) editor.set(value);
  }, [value, ready]);

  return (
    <div class="editor">
      <div ref={host} class="code" data-search={first && ready ? '' : undefined} tabIndex={-1} onFocus={(event) => { if (event.target === host.current) handle.current?.focus(); }} hidden={!ready} />
      {ready ? null : (
        <textarea
          ref={area}
          class="mono"
          aria-label={label}
          data-search={first ? '' : undefined}
          rows={Math.max(1, value.split('\n').length)}
          value={value}
          spellcheck={false}
          placeholder="PromQL, for example up"
          onInput={(event) => onChange(event.currentTarget.value)}
          onKeyDown={(event) => {
            if (event.key !== 'Enter' || event.shiftKey) return;
            event.preventDefault();
            onRun(event.currentTarget.value);
          }}
        />
      )}
    </div>
  );
}

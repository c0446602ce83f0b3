// CodeMirror with PromQL: completion from the server, lint, highlighting. It lives in a shadow root, where its styles are
// adopted sheets, so that the page's content security policy needs no exception for styles.
import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap, acceptCompletion, completionStatus } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap } from '@codemirror/commands';
import { bracketMatching, HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import { lintKeymap } from '@codemirror/lint';
import { Annotation, EditorState, Prec } from '@codemirror/state';
import { EditorView, keymap, placeholder } from '@codemirror/view';
import { tags } from '@lezer/highlight';
import { PromQLExtension } from '@prometheus-io/codemirror-promql';
import { basePath } from '../../app/base.ts';

export interface EditorHandle {
  /** Puts a text in; `onChange` is not called for it. */
  set(value: string): void;
  text(): string;
  focus(): void;
  destroy(): void;
}

export interface EditorOptions {
  value: string;
  label: string;
  onChange: (value: string) => void;
  onRun: (value: string) => void;
}

/** Marks a change that came from outside, which is not told to the outside again. */
const fromOutside = Annotation.define<boolean>();

const look = EditorView.theme({
  '&': { fontSize: '13px', backgroundColor: 'transparent', color: 'var(--text)' },
  '&.cm-focused': { outline: 'none' },
  '.cm-content': { fontFamily: 'var(--mono)', padding: '4px 0', caretColor: 'var(--text)' },
  '.cm-line': { padding: '0 8px' },
  '.cm-cursor': { borderLeftColor: 'var(--text)' },
  '.cm-selectionBackground, &.cm-focused .cm-selectionBackground': { backgroundColor: 'color-mix(in srgb, var(--accent) 25%, transparent) !important' },
  '.cm-matchingBracket': { backgroundColor: 'var(--accent-bg) !important', outline: '1px solid var(--accent)' },
  '.cm-placeholder': { color: 'var(--dim)' },
  '.cm-tooltip': { backgroundColor: 'var(--panel)', color: 'var(--text)', border: '1px solid var(--strong-line)', borderRadius: '5px', fontSize: '12px', overflow: 'hidden' },
  '.cm-tooltip-autocomplete > ul': { fontFamily: 'var(--mono)', maxHeight: '320px' },
  '.cm-tooltip-autocomplete > ul > li': { padding: '2px 8px' },
  '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-bg)', color: 'var(--text)' },
  '.cm-completionDetail': { color: 'var(--dim)', fontStyle: 'normal', marginLeft: '12px', float: 'right' },
  '.cm-completionIcon': { display: 'none' },
  '.cm-completionMatchedText': { textDecoration: 'none', fontWeight: 'bold', color: 'var(--accent)' },
  '.cm-completionInfo': { padding: '6px 8px', maxWidth: '380px' },
  '.cm-diagnostic': { padding: '4px 8px' },
});

const highlight = HighlightStyle.define([
  { tag: [tags.keyword, tags.operatorKeyword, tags.modifier], color: 'var(--syntax-word)' },
  { tag: [tags.function(tags.variableName), tags.name], color: 'var(--syntax-function)' },
  { tag: [tags.labelName], color: 'var(--syntax-label)' },
  { tag: [tags.string, tags.special(tags.string)], color: 'var(--syntax-text)' },
  { tag: [tags.number, tags.bool], color: 'var(--syntax-number)' },
  { tag: tags.comment, color: 'var(--dim)' },
  { tag: tags.invalid, color: 'var(--bad)' },
]);

/** Makes an editor inside `host`. */
export function mountEditor(host: HTMLElement, options: EditorOptions): EditorHandle {
  const root = host.shadowRoot ?? host.attachShadow({ mode: 'open', delegatesFocus: true });
  root.replaceChildren();
  const promql = new PromQLExtension().setComplete({
    remote: {
      url: window.location.origin + basePath.replace(/\/$/, ''),
      apiPrefix: '/api/v1',
      httpMethod: 'GET',
      // Completion is a help: a failing answer offers nothing and is no error of the page.
      httpErrorHandler: () => undefined,
    },
  });
  const run = (view: EditorView) => {
    options.onRun(view.state.doc.toString());
    return true;
  };
  const view = new EditorView({
    root,
    parent: root,
    state: EditorState.create({
      doc: options.value,
      extensions: [
        look,
        syntaxHighlighting(highlight),
        history(),
        bracketMatching(),
        closeBrackets(),
        autocompletion({ activateOnTyping: true, maxRenderedOptions: 100 }),
        promql.asExtension(),
        EditorView.lineWrapping,
        EditorView.contentAttributes.of({ 'aria-label': options.label }),
        placeholder('PromQL, for example up'),
        Prec.highest(keymap.of([
          // A list that has just opened takes no choice yet; Tab must not leave the editor then.
          { key: 'Tab', run: (view) => completionStatus(view.state) === 'active' && (acceptCompletion(view) || true) },
          { key: 'Ctrl-Enter', mac: 'Cmd-Enter', run },
          { key: 'Enter', run: (view) => (completionStatus(view.state) === 'active' ? acceptCompletion(view) || run(view) : run(view)) },
          { key: 'Shift-Enter', run: (view) => { view.dispatch(view.state.replaceSelection('\n')); return true; } },
        ])),
        keymap.of([...closeBracketsKeymap, ...completionKeymap, ...defaultKeymap, ...historyKeymap, ...lintKeymap]),
        EditorView.updateListener.of((update) => {
          if (update.docChanged && !update.transactions.some((one) => one.annotation(fromOutside))) options.onChange(update.state.doc.toString());
        }),
      ],
    }),
  });
  return {
    set(value) {
      const doc = view.state.doc.toString();
      if (doc !== value) view.dispatch({ changes: { from: 0, to: doc.length, insert: value }, annotations: fromOutside.of(true) });
    },
    text: () => view.state.doc.toString(),
    focus: () => view.focus(),
    destroy: () => view.destroy(),
  };
}

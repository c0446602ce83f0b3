// The little Markdown that the checks' pages use: paragraphs, lists, code, bold, italics. Nothing of it is taken as HTML.
import type { ComponentChildren } from 'preact';

/** Bold, italics and code inside a line. */
function inline(text: string): ComponentChildren[] {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`|\*[^*\s][^*]*\*)/).map((part, i) => {
    if (/^\*\*.+\*\*$/.test(part)) return <b key={i}>{part.slice(2, -2)}</b>;
    if (/^`.+`$/.test(part)) return <code key={i}>{part.slice(1, -1)}</code>;
    if (/^\*.+\*$/.test(part)) return <i key={i}>{part.slice(1, -1)}</i>;
    return part;
  });
}

export interface Block {
  kind: 'text' | 'list' | 'code' | 'head';
  lines: string[];
}

/** Takes a page apart; a list's items are its lines. */
export function blocks(text: string): Block[] {
  const out: Block[] = [];
  let code: string[] | undefined;
  let last: Block | undefined;
  for (const line of text.split('\n')) {
    if (line.startsWith('```')) {
      if (code) out.push({ kind: 'code', lines: code });
      code = code ? undefined : [];
      last = undefined;
    } else if (code) code.push(line);
    else if (line.trim() === '') last = undefined;
    else if (line.startsWith('# ')) out.push((last = { kind: 'head', lines: [line.slice(2)] }));
    else if (/^\s*[-*] /.test(line)) {
      const item = line.replace(/^\s*[-*] /, '');
      if (last?.kind === 'list') last.lines.push(item);
      else out.push((last = { kind: 'list', lines: [item] }));
    } else if (last && last.kind !== 'head') last.lines[last.lines.length - 1] += ` ${line.trim()}`;
    else out.push((last = { kind: 'text', lines: [line.trim()] }));
  }
  if (code) out.push({ kind: 'code', lines: code });
  return out;
}

export function Markdown({ text }: { text: string }) {
  return (
    <div class="markdown">
      {blocks(text).map(({ kind, lines }, i) => {
        if (kind === 'head') return <p key={i}><b>{lines[0]}</b></p>;
        if (kind === 'code') return <pre key={i} class="mono" tabIndex={0}>{lines.join('\n')}</pre>;
        if (kind === 'list') return <ul key={i}>{lines.map((line, j) => <li key={j}>{inline(line)}</li>)}</ul>;
        return <p key={i}>{inline(lines[0]!)}</p>;
      })}
    </div>
  );
}

// The text panel: a small part of Markdown, made into nodes and never into markup.
import type { ComponentChildren } from 'preact';
import { text } from '../../grafana/field.ts';
import { forText, interpolate, type Bindings } from '../../grafana/interpolate.ts';
import type { Panel } from '../../grafana/model.ts';

/** Addresses that a text may link to. */
const safe = (url: string) => (/^(https?:\/\/|\/|#|\.\/)/.test(url) ? url : undefined);

function inline(source: string): ComponentChildren[] {
  const parts: ComponentChildren[] = [];
  const pattern = /`([^`]+)`|\*\*([^*]+)\*\*|\*([^*]+)\*|\[([^\]]+)\]\(([^)\s]+)\)/g;
  let last = 0;
  for (const match of source.matchAll(pattern)) {
    parts.push(source.slice(last, match.index));
    const [whole, code, bold, italic, label, url] = match;
    if (code !== undefined) parts.push(<code>{code}</code>);
    else if (bold !== undefined) parts.push(<b>{bold}</b>);
    else if (italic !== undefined) parts.push(<em>{italic}</em>);
    else {
      const target = safe(url ?? '');
      parts.push(target ? <a href={target} rel="noreferrer">{label}</a> : label);
    }
    last = match.index + whole.length;
  }
  parts.push(source.slice(last));
  return parts;
}

/** Blocks of a Markdown text: headings, lists and paragraphs. */
export function blocks(source: string): ComponentChildren[] {
  return source.trim().split(/\n\s*\n/).map((block, i) => {
    const heading = /^(#{1,6})\s+(.*)$/.exec(block);
    if (heading) return <p key={i}><b>{inline(heading[2]!)}</b></p>;
    const lines = block.split('\n');
    if (lines.every((line) => /^\s*[-*]\s+/.test(line))) return <ul key={i}>{lines.map((line, j) => <li key={j}>{inline(line.replace(/^\s*[-*]\s+/, ''))}</li>)}</ul>;
    return <p key={i}>{inline(lines.join(' '))}</p>;
  });
}

export function TextPanel({ panel, bindings, height }: { panel: Panel; bindings: Bindings; height: number }) {
  const content = interpolate(text(panel.options['content']), bindings, forText);
  const html = panel.options['mode'] === 'html';
  // Markup of others is never put into the page; its words are.
  const plain = html ? content.replace(/<br\s*\/?>|<\/(p|div|h\d|li)>/gi, '\n\n').replace(/<[^>]*>/g, '').replace(/&nbsp;/g, ' ').replace(/&lt;/g, '<').replace(/&gt;/g, '>').replace(/&amp;/g, '&') : content;
  return <div class="text-panel" style={{ height: `${height}px` }} tabIndex={0} role="group" aria-label={panel.title || 'Text'}>{blocks(plain)}</div>;
}

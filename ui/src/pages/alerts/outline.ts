// What an annotation says while nothing fires: its template read by a person who does not know templates.

/** The text with each action of the template replaced by what will stand there: a label's name, the value, or an ellipsis. */
export function outline(template: string): string {
  return template.replace(/\{\{-?\s*(.*?)\s*-?\}\}/gs, (_, action: string) => blank(action)).replace(/\s+/g, ' ').trim();
}

function blank(action: string): string {
  if (/^(if|else|end|range|with|define|block|break|continue|template|\/\*)\b|^\/\*|^\$\w+\s*:?=/.test(action)) return '';
  const label = /(?:\$labels|\.Labels)\.(\w+)/.exec(action) ?? /index\s+\$labels\s+"([^"]+)"/.exec(action);
  if (label) return `‹${label[1]}›`;
  return /\$value|\.Value/.test(action) ? '‹value›' : '‹…›';
}

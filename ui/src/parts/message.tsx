// What a page says when it has no data: it is loading, it failed, or there is nothing and why.
import type { ComponentChildren } from 'preact';
import { ApiError, errorText } from '../api/client.ts';
import { refreshNow } from '../time/clock.ts';

/** An error in the words of the server and what to do next. */
export function Failure({ error, what }: { error: unknown; what: string }) {
  const api = error instanceof ApiError ? error : undefined;
  return (
    <div class="message bad" role="alert">
      <p>
        <span class="mark bad" aria-hidden="true">✕</span> <b>{what}</b>
        {api && api.status > 0 ? <span class="dim"> (status {api.status}, {api.kind})</span> : null}
      </p>
      <p class="mono">{errorText(error)}</p>
      <p class="dim">
        {api?.status === 0 ? 'Is the server still running? The page tries again by itself. ' : null}
        <button type="button" class="small" onClick={refreshNow}>Try again</button>
      </p>
    </div>
  );
}

/** Nothing to show: why, and the next step. */
export function Empty({ title, children }: { title: string; children?: ComponentChildren }) {
  return (
    <div class="message" role="status">
      <p><span class="mark off" aria-hidden="true">○</span> <b>{title}</b></p>
      {children}
    </div>
  );
}

/** Grey bars in the place of text that is on its way. */
export function Skeleton({ rows, label }: { rows: number; label: string }) {
  return (
    <div class="skeleton" role="status" aria-label={label}>
      {Array.from({ length: rows }, (_, i) => <div key={i} class="bar" style={{ width: `${90 - ((i * 37) % 50)}%` }} />)}
    </div>
  );
}

// Answers of instant queries as a table.
import { useMemo, useState } from 'preact/hooks';
import type { QueryData } from '../../api/prometheus.ts';
import { seriesName, parseValue, type Labels } from '../../api/prometheus.ts';
import { href } from '../../app/router.ts';
import { Empty } from '../../parts/message.tsx';
import { times } from '../../time/clock.ts';
import { grouped } from '../../format/number.ts';
import { formatValue } from '../../format/units.ts';

const mostRows = 1000;

interface Row {
  labels: Labels;
  value: string;
  note: string;
}

function rowsOf(data: QueryData): Row[] {
  switch (data.resultType) {
    case 'scalar': case 'string': return [{ labels: {}, value: data.result[1], note: data.resultType }];
    case 'vector': return data.result.map(({ metric, value, histogram }) => ({ labels: metric, value: value?.[1] ?? '', note: histogram ? 'native histogram, not drawn yet' : '' }));
    case 'matrix': return data.result.map(({ metric, values = [], histograms = [] }) => ({
      labels: metric, value: values.at(-1)?.[1] ?? '', note: `${values.length} samples${histograms.length > 0 ? `, ${histograms.length} native histograms` : ''}`,
    }));
  }
}

function Series({ labels }: { labels: Labels }) {
  const { __name__: name, ...rest } = labels;
  const pairs = Object.entries(rest);
  if (name === undefined && pairs.length === 0) return <span class="dim">(no labels)</span>;
  return (
    <a href={href('/graph', { 'g0.expr': seriesName(labels) })} class="series">
      {name ?? ''}
      {pairs.length === 0 ? null : (
        <>{'{'}{pairs.map(([key, value], i) => <span key={key}>{i > 0 ? ', ' : ''}<span class="key">{key}</span>=<span class="val">{JSON.stringify(value)}</span></span>)}{'}'}</>
      )}
    </a>
  );
}

export function ResultTable({ data, at }: { data: QueryData; at: number }) {
  const [sort, setSort] = useState<'none' | 'up' | 'down'>('none');
  const rows = useMemo(() => {
    const all = rowsOf(data);
    if (sort !== 'none') all.sort((a, b) => (sort === 'up' ? 1 : -1) * (parseValue(a.value) - parseValue(b.value)));
    return all;
  }, [data, sort]);
  if (rows.length === 0) {
    return <Empty title="The query has an empty result"><p class="dim">It is valid, but no series matches at {times.value.full(at)}. Check the metric’s name and the label values by completion (Ctrl Space), or move the range.</p></Empty>;
  }
  const hasNotes = rows.some((row) => row.note !== '');
  return (
    <div class="scroll-x">
      <table class="result">
        <caption class="sr">Result at {times.value.full(at)}</caption>
        <thead>
          <tr>
            <th scope="col">Series</th>
            {hasNotes ? <th scope="col">Kind</th> : null}
            <th scope="col" class="num" aria-sort={sort === 'none' ? 'none' : sort === 'up' ? 'ascending' : 'descending'}>
              <button type="button" class="plain small" onClick={() => setSort(sort === 'down' ? 'up' : sort === 'up' ? 'none' : 'down')}>Value{sort === 'down' ? ' ↓' : sort === 'up' ? ' ↑' : ''}</button>
            </th>
          </tr>
        </thead>
        <tbody>
          {rows.slice(0, mostRows).map((row, i) => (
            <tr key={i}>
              <td class="mono"><Series labels={row.labels} /></td>
              {hasNotes ? <td class="dim">{row.note}</td> : null}
              <td class="num mono" title={row.value === '' ? '' : formatValue(parseValue(row.value), 'short')}>{row.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {rows.length > mostRows ? <p class="dim inset">The first {grouped(mostRows)} of {grouped(rows.length)} rows. Narrow the query, or take the whole answer by the JSON link below.</p> : null}
    </div>
  );
}

// The bar of a dashboard's variables.
import { useEffect, useRef, useState } from 'preact/hooks';
import { setQuery } from '../../app/router.ts';
import { allKey } from '../../grafana/interpolate.ts';
import type { ResolvedVariable } from '../../grafana/variables.ts';
import { Icon } from '../../parts/icons.tsx';

const shownValue = (value: string) => (value === allKey ? 'All' : value);
const write = (name: string, values: string[]) => setQuery({ [`var-${name}`]: values.map((value) => (value === allKey ? 'All' : value)) });

function Many({ resolved }: { resolved: ResolvedVariable }) {
  const { variable, options, values } = resolved;
  const [open, setOpen] = useState(false);
  const [filter, setFilter] = useState('');
  const box = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (!open) return undefined;
    box.current?.querySelector('input')?.focus();
    const outside = (event: Event) => {
      if (!event.composedPath().includes(box.current!)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open]);
  const toggle = (value: string) => {
    if (value === allKey) return write(variable.name, [allKey]);
    const current = values.includes(allKey) ? [] : values;
    const next = current.includes(value) ? current.filter((one) => one !== value) : [...current, value];
    return write(variable.name, next.length === 0 && variable.includeAll ? [allKey] : next);
  };
  const found = options.filter((option) => option.toLowerCase().includes(filter.toLowerCase()));
  const label = values.map(shownValue).join(', ') || '(none)';
  return (
    <div class="anchor variable" ref={box} onKeyDown={(event) => { if (event.key === 'Escape') setOpen(false); }}>
      <span class="dim" id={`variable-${variable.name}`}>{variable.label}</span>
      <button type="button" aria-expanded={open} aria-haspopup="true" aria-label={`${variable.label}: ${label}`} onClick={() => setOpen(!open)}><span class="cut">{label}</span> <Icon name="down" /></button>
      {open ? (
        <div class="pop choice-pop" role="group" aria-labelledby={`variable-${variable.name}`}>
          <input type="search" placeholder="Filter" aria-label="Filter values" value={filter} onInput={(event) => setFilter(event.currentTarget.value)} />
          <div class="choices">
            {variable.includeAll && filter === '' ? <label class="check"><input type="checkbox" checked={values.includes(allKey)} onChange={() => toggle(allKey)} /> All</label> : null}
            {found.slice(0, 200).map((option) => (
              <label key={option} class="check"><input type="checkbox" checked={values.includes(option)} onChange={() => toggle(option)} /> <span class="cut" title={option}>{option}</span></label>
            ))}
            {found.length > 200 ? <p class="dim">{found.length - 200} more; type to narrow</p> : null}
            {found.length === 0 ? <p class="dim">Nothing matches</p> : null}
          </div>
        </div>
      ) : null}
    </div>
  );
}

function One({ resolved }: { resolved: ResolvedVariable }) {
  const { variable, options, values } = resolved;
  if (variable.kind === 'textbox') {
    return <label class="variable"><span class="dim">{variable.label}</span> <input value={values[0] ?? ''} onChange={(event) => write(variable.name, [event.currentTarget.value])} /></label>;
  }
  const all = [...(variable.includeAll ? [allKey] : []), ...new Set([...options, ...values.filter((value) => value !== allKey)])];
  return (
    <label class="variable">
      <span class="dim">{variable.label}</span>
      <select value={values[0] ?? ''} onChange={(event) => write(variable.name, [event.currentTarget.value])}>
        {all.length === 0 ? <option value="">(none)</option> : null}
        {all.map((value) => <option key={value} value={value}>{shownValue(value)}</option>)}
      </select>
    </label>
  );
}

export function VariablesBar({ resolved }: { resolved: ResolvedVariable[] }) {
  const shown = resolved.filter(({ variable }) => !variable.hidden && variable.kind !== 'datasource');
  return (
    <>
      {shown.map((one) => (one.variable.multi ? <Many key={one.variable.name} resolved={one} /> : <One key={one.variable.name} resolved={one} />))}
    </>
  );
}

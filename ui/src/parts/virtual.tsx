// A long list of rows of one height, of which only the visible ones are in the page.
import type { ComponentChildren } from 'preact';
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { windowOf } from './window.ts';

export interface VirtualProps {
  count: number;
  rowHeight: number;
  /** Draws row `index`; must be exactly `rowHeight` high. */
  row: (index: number) => ComponentChildren;
}

/** Scrolls with the page. */
export function Virtual({ count, rowHeight, row }: VirtualProps) {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 900 });
  useLayoutEffect(() => {
    const measure = () => {
      const rect = box.current?.getBoundingClientRect();
      if (!rect) return;
      const top = Math.max(0, -rect.top);
      const height = window.innerHeight;
      setView((old) => (Math.floor(old.top / rowHeight) === Math.floor(top / rowHeight) && old.height === height ? old : { top, height }));
    };
    measure();
    window.addEventListener('scroll', measure, { passive: true });
    window.addEventListener('resize', measure);
    return () => {
      window.removeEventListener('scroll', measure);
      window.removeEventListener('resize', measure);
    };
  }, [rowHeight, count]);
  const { first, last } = windowOf(count, rowHeight, view.top, view.height);
  const rows: ComponentChildren[] = [];
  for (let index = first; index < last; index++) rows.push(row(index));
  return (
    <div ref={box} role="rowgroup" style={{ paddingTop: `${first * rowHeight}px`, height: `${count * rowHeight}px` }}>
      {rows}
    </div>
  );
}

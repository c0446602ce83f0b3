// A line the size of a word; it takes the width it is given.

export interface SparkProps {
  /** Values on an even grid; undefined is a gap. */
  values: (number | undefined)[];
  /** Said to a screen reader. */
  label: string;
  height?: number;
  /** Lowest value of the scale; by default the smallest value, at most 0. */
  min?: number | undefined;
}

const width = 100;

export function Spark({ values, label, height = 18, min }: SparkProps) {
  const known = values.filter((v): v is number => v !== undefined && Number.isFinite(v));
  const low = min ?? Math.min(0, ...known);
  const high = known.length === 0 ? 1 : Math.max(...known);
  const scale = high > low ? (height - 3) / (high - low) : 0;
  const step = values.length > 1 ? (width - 1) / (values.length - 1) : 0;
  let line = '';
  let pen = false;
  values.forEach((value, i) => {
    if (value === undefined || !Number.isFinite(value)) {
      pen = false;
      return;
    }
    const x = (0.5 + i * step).toFixed(1);
    const y = (height - 1.5 - (value - low) * scale).toFixed(1);
    // A lone point becomes a line of no length, which round caps still show.
    line += pen ? `L${x} ${y}` : `M${x} ${y}h0`;
    pen = true;
  });
  return (
    <svg class="spark" height={height} viewBox={`0 0 ${width} ${height}`} preserveAspectRatio="none" role="img" aria-label={label}>
      <path class="base" d={`M0 ${height - 0.5}H${width}`} />
      {line === '' ? null : <path d={line} />}
    </svg>
  );
}

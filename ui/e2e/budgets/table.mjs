// Rows of measured numbers, printed as a table; a row over its budget fails the run.

const rows = [];
/** On a machine that does other things meanwhile, times say little: the page's own work is judged instead, where it is known. */
const byWork = process.env.TORTIE_JUDGE === 'cpu';

function spread(values) {
  const sorted = [...values].sort((a, b) => a - b);
  return { least: sorted[0], median: sorted[sorted.length >> 1], most: sorted.at(-1) };
}

/**
 * Takes what was measured: `values` in `unit`, judged by `judge` ('median', 'most' or 'least'); no `budget`, no verdict. `cpu` holds
 * what the page's thread worked for each, in milliseconds.
 */
export function row(what, values, { unit = 'ms', budget, judge = 'median', note = '', digits = 0, cpu = [] } = {}) {
  const { least, median, most } = spread(values);
  const work = cpu.length > 0 ? spread(cpu).median : undefined;
  const judged = byWork && unit === 'ms' ? work : { least, median, most }[judge];
  const verdict = budget === undefined || judged === undefined ? '' : judged <= budget ? 'ok' : 'OVER';
  rows.push({ what, least, median, most, count: values.length, unit, budget, judge, verdict, note, digits, work });
  const number = (value) => value.toFixed(digits);
  console.error(`${verdict.padEnd(4)} ${what}: ${number(least)} / ${number(median)} / ${number(most)} ${unit}${work === undefined ? '' : `, CPU ${number(work)}`}${budget === undefined ? '' : `, budget ${budget}`}`);
}

/** Writes the table to standard output and returns how many rows are over their budget. */
export function print() {
  console.log('| what | least, median, most | CPU of the page | loads | budget | |\n| --- | --- | --- | --- | --- | --- |');
  for (const { what, least, median, most, count, unit, budget, judge, verdict, note, digits, work } of rows) {
    const numbers = count === 1 ? least.toFixed(digits) : [least, median, most].map((value) => value.toFixed(digits)).join(', ');
    const limit = budget === undefined ? '' : `${budget} ${unit}${count > 1 && judge !== 'median' ? ` (${judge})` : ''}`;
    console.log(`| ${what} | ${numbers} ${unit} | ${work === undefined ? '' : `${work.toFixed(0)} ms`} | ${count} | ${limit} | ${[verdict === 'OVER' ? '**over**' : verdict, note].filter((text) => text !== '').join('; ')} |`);
  }
  return rows.filter(({ verdict }) => verdict === 'OVER').length;
}

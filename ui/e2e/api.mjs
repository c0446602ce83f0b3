// The server's API, asked beside the page.

/** Address with exactly one slash at its end. */
export const withSlash = (url) => `${url.replace(/\/+$/, '')}/`;

export async function api(base, path, params = {}) {
  const url = new URL(`api/${path}`, base);
  for (const [key, value] of Object.entries(params)) url.searchParams.set(key, value);
  const response = await fetch(url);
  const body = await response.json();
  if (body.status !== 'success') throw new Error(`${url}: ${body.error}`);
  return body.data;
}

/** Value of an instant query with one result. */
export async function value(base, query) {
  const { result } = await api(base, 'v1/query', { query });
  if (result.length !== 1) throw new Error(`${query} has ${result.length} results instead of one`);
  return Number(result[0].value[1]);
}

/** An answer of the API to the page: JSON, or the columns that charts ask for, written out as the JSON that they stand for. */
export function opened(body) {
  if (body.toString('latin1', 0, 4) !== 'TCOL') return JSON.parse(body.toString());
  const from = 8 + body.readUInt32LE(4);
  const head = JSON.parse(body.toString('utf8', 8, from));
  const { start, step, points, result } = head.data;
  const column = (row) => Array.from({ length: points }, (_, k) => [(start + k * step) / 1000, body.readDoubleLE(from + 8 * (points * row + k))]);
  const written = result.map(({ metric }, row) => ({ metric, values: column(row).filter(([, value]) => !Number.isNaN(value)).map(([at, value]) => [at, String(value)]) }));
  return { ...head, data: { resultType: 'matrix', result: written } };
}

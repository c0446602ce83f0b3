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

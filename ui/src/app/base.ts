// The path prefix that the server is mounted at, and the path below it.

/** Path prefix of the server with a slash at its end, from `<base href>`. */
export const basePath = typeof document === 'undefined' ? '/' : new URL(document.baseURI).pathname.replace(/[^/]*$/, '');

/** Present path below the prefix, starting with a slash. */
export function presentPath(): string {
  const path = window.location.pathname;
  return path.startsWith(basePath) ? `/${path.slice(basePath.length)}` : '/';
}

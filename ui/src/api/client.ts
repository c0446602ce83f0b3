// Requests to the server's HTTP API, with its own error messages.
import { basePath } from '../app/base.ts';

/** What the server (or the way to it) answered instead of data. */
export class ApiError extends Error {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** `bad_data`, `execution`, `timeout`, ... as the API names it. */
  readonly kind: string;

  constructor(message: string, status: number, kind: string) {
    super(message);
    this.status = status;
    this.kind = kind;
  }
}

export interface Answer<T> {
  data: T;
  warnings: string[];
  infos: string[];
  /** Milliseconds from the request to the parsed answer. */
  took: number;
  /** Bytes of the body. */
  bytes: number;
}

export type ApiParams = Record<string, string | number | string[] | undefined>;

function encodeParams(params: ApiParams): URLSearchParams {
  const form = new URLSearchParams();
  for (const [key, value] of Object.entries(params)) {
    for (const one of Array.isArray(value) ? value : [value]) if (one !== undefined) form.append(key, String(one));
  }
  return form;
}

/** Address of an API call, to be shown or followed. */
export function apiUrl(path: string, params: ApiParams = {}): string {
  const text = encodeParams(params).toString();
  return `${basePath}api/${path}${text === '' ? '' : `?${text}`}`;
}

/** What the API wraps its answers in. */
export interface Envelope {
  status?: string;
  data?: unknown;
  error?: string;
  errorType?: string;
  warnings?: string[];
  infos?: string[];
}

/** Longest address that is sent as GET; more goes as a POST form. */
const longestGet = 4000;

const decode = (body: Uint8Array) => new TextDecoder().decode(body);

/**
 * Calls the API and opens its envelope, by `open` when a body needs more than `JSON.parse`, asking for media types `accept`. Throws `ApiError`; an abort throws
 * what `fetch` throws.
 */
export async function call<T>(path: string, params: ApiParams = {}, signal?: AbortSignal, open: (body: Uint8Array) => Envelope = (body) => JSON.parse(decode(body)) as Envelope, accept = 'application/json'): Promise<Answer<T>> {
  const started = performance.now();
  const url = apiUrl(path, params);
  const request: RequestInit = { headers: { accept }, signal: signal ?? null };
  let response: Response;
  try {
    response =
      url.length <= longestGet
        ? await fetch(url, request)
        : await fetch(apiUrl(path), { ...request, method: 'POST', body: encodeParams(params) });
  } catch (error) {
    if (error instanceof DOMException && error.name === 'AbortError') throw error;
    throw new ApiError('the server does not answer', 0, 'network');
  }
  const body = new Uint8Array(await response.arrayBuffer());
  let envelope: Envelope | undefined;
  try {
    envelope = open(body);
  } catch {
    envelope = undefined;
  }
  if (!envelope || envelope.status !== 'success') {
    const message = envelope?.error ?? (decode(body).trim().slice(0, 300) || response.statusText || `status ${response.status}`);
    throw new ApiError(message, response.status, envelope?.errorType ?? (response.ok ? 'not_json' : 'http'));
  }
  return {
    data: envelope.data as T,
    warnings: envelope.warnings ?? [],
    infos: envelope.infos ?? [],
    took: performance.now() - started,
    bytes: body.length,
  };
}

/** Whether an error is only the end of a cancelled request. */
export function isAbort(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'AbortError';
}

/** An error in the words of the server. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

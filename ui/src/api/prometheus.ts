// The calls of Prometheus' API that the UI makes, with their answers' types.
import { call, ApiError, type Answer } from './client.ts';

export type Labels = Record<string, string>;
/** Seconds and the value as text. */
export type Sample = [number, string];

export interface VectorItem {
  metric: Labels;
  value?: Sample;
  histogram?: [number, unknown];
}

export interface MatrixItem {
  metric: Labels;
  values?: Sample[];
  histograms?: [number, unknown][];
}

export type QueryData =
  | { resultType: 'vector'; result: VectorItem[] }
  | { resultType: 'matrix'; result: MatrixItem[] }
  | { resultType: 'scalar'; result: Sample }
  | { resultType: 'string'; result: Sample };

const seconds = (ms: number) => (ms / 1000).toFixed(3);

/** Evaluates an expression at one moment (epoch milliseconds). */
export function queryInstant(expr: string, at: number, signal?: AbortSignal, limit?: number): Promise<Answer<QueryData>> {
  return call('v1/query', { query: expr, time: seconds(at), limit }, signal);
}

export interface RangeRequest {
  expr: string;
  /** Epoch milliseconds. */
  start: number;
  end: number;
  /** Milliseconds. */
  step: number;
}

/** Parameters of a range query as the API wants them; also for links. */
export function rangeParams({ expr, start, end, step }: RangeRequest): Record<string, string> {
  return { query: expr, start: seconds(start), end: seconds(end), step: String(step / 1000) };
}

/** Evaluates an expression over a range. */
export async function queryRange(request: RangeRequest, signal?: AbortSignal): Promise<Answer<MatrixItem[]>> {
  const answer = await call<{ resultType: string; result: MatrixItem[] }>('v1/query_range', rangeParams(request), signal);
  return { ...answer, data: answer.data.result };
}

/** Samples of a vector; a scalar counts as a vector of one without labels. */
export async function queryVector(expr: string, at: number, signal?: AbortSignal): Promise<{ labels: Labels; value: number }[]> {
  const { data } = await queryInstant(expr, at, signal);
  if (data.resultType === 'scalar') return [{ labels: {}, value: parseValue(data.result[1]) }];
  if (data.resultType !== 'vector') return [];
  return data.result.flatMap((item) => (item.value ? [{ labels: item.metric, value: parseValue(item.value[1]) }] : []));
}

/** A sample's text as a number. */
export function parseValue(text: string): number {
  if (text === '+Inf' || text === 'Inf') return Infinity;
  if (text === '-Inf') return -Infinity;
  return Number(text);
}

export interface Target {
  discoveredLabels: Labels;
  labels: Labels;
  scrapePool: string;
  scrapeUrl: string;
  globalUrl: string;
  lastError: string;
  lastScrape: string;
  /** Seconds. */
  lastScrapeDuration: number;
  health: 'up' | 'down' | 'unknown';
  scrapeInterval: string;
  scrapeTimeout: string;
  /** From here on: tortie's additions. */
  samplesScraped?: number;
  seriesAdded?: number;
  bodyBytes?: number;
  /** Oldest first; true is up. */
  history?: boolean[];
  /** Since when the health is what it is, RFC 3339. */
  since?: string;
  lastWarning?: string;
  /** What is to be known of how it is asked: an unverified certificate, credentials over plain HTTP. */
  remarks?: string[];
}

/** Active targets, with tortie's additions where the server has them; `monitors` says whether it follows those of a cluster. */
export async function activeTargets(signal?: AbortSignal): Promise<Answer<Target[]> & { extended: boolean; monitors: boolean }> {
  try {
    const answer = await call<{ activeTargets: Target[]; monitors?: boolean }>('tortie/v1/targets', { state: 'active' }, signal);
    return { ...answer, data: answer.data.activeTargets, extended: true, monitors: answer.data.monitors === true };
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  const answer = await call<{ activeTargets: Target[] }>('v1/targets', { state: 'active' }, signal);
  return { ...answer, data: answer.data.activeTargets, extended: false, monitors: false };
}

/** `name{a="b"}` as people read it. */
export function seriesName(labels: Labels): string {
  const { __name__: name = '', ...rest } = labels;
  const inner = Object.entries(rest).map(([key, value]) => `${key}=${JSON.stringify(value)}`);
  return inner.length === 0 ? name || '{}' : `${name}{${inner.join(', ')}}`;
}

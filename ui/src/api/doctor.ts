// The doctor's part of the API: the last report, a new look, the page of a check, setup.
import { ApiError, apiUrl, call } from './client.ts';

export type CellMark = 'good' | 'bad' | 'look' | 'note' | 'unknown' | 'young' | 'none';

export interface Cell {
  mark: CellMark;
  /** A number such as `3/3`; may be empty. */
  note: string;
  /** The verdicts behind the mark, in words. */
  why: string[];
}

export interface ChainRow {
  component: string;
  title: string;
  installed: boolean;
  cells: Cell[];
}

export interface Command {
  argv: string[];
  stdin: string | null;
  /** As it is pasted into a shell. */
  shell: string;
}

export type Fix =
  | { kind: 'command'; auto: 'yes' | 'ask' | 'no'; commands: Command[] }
  | { kind: 'edit'; object: string; path: string; value: unknown; note: string }
  | { kind: 'outside'; text: string };

export interface Finding {
  id: string;
  slug: string;
  level: 'fail' | 'warn' | 'info';
  confidence: 'inferred' | 'certain' | 'observed';
  fingerprint: string;
  title: string;
  entities: string[];
  cause: { object: string | null; path: string; have: string; file: string | null; line: number | null; column: number | null; candidates: { value: string; why: string }[] };
  evidence: { label: string; value: string; remark: string }[];
  explains: string[];
  next: { id: string; title: string; fix: Fix | null }[];
  fix: Fix | null;
  warning: string;
}

export interface Report {
  cluster: { uid: string; context: string; server: string; kubernetes: string; calico: string | null };
  summary: { goals: Record<string, string>; fail: number; warn: number; info: number; unknown: number };
  findings: Finding[];
  checks: { id: string; slug: string; entity: string; verdict: string; note: string }[];
  exit: number;
}

export interface DoctorState {
  state: 'idle' | 'running';
  /** Where the cluster comes from: a kubeconfig, the demo. */
  cluster: string;
  nowMs: number;
  startedMs: number | null;
  finishedMs: number | null;
  ageMs: number | null;
  tookMs: number;
  report: Report | null;
  table: { stations: string[]; rows: ChainRow[] } | null;
  asked: { name: string; version: string; via: string; unreachable: string | null }[];
  unseen: { what: string; reason: string; forbidden: boolean }[];
  error: string | null;
  setup: { allowed: true; token: string } | { allowed: false; why: string };
}

export interface CheckPage {
  id: string;
  slug: string;
  title: string;
  level: string;
  station: string;
  needs: string[];
  /** Markdown. */
  page: string;
}

const path = 'tortie/v1/doctor';

export async function doctorState(signal?: AbortSignal): Promise<DoctorState> {
  return (await call<DoctorState>(path, {}, signal)).data;
}

export async function checkPage(id: string, signal?: AbortSignal): Promise<CheckPage> {
  return (await call<CheckPage>(`${path}/checks/${id}`, {}, signal)).data;
}

/** Sends a POST that only a page of this server can send. */
export async function tell<T>(what: string, headers: Record<string, string> = {}, form: Record<string, string> = {}): Promise<T> {
  let response: Response;
  try {
    response = await fetch(apiUrl(`${path}${what}`), { method: 'POST', headers: { accept: 'application/json', 'x-tortie-doctor': '1', ...headers }, body: new URLSearchParams(form) });
  } catch {
    throw new ApiError('the server does not answer', 0, 'network');
  }
  const answer = (await response.json().catch(() => ({}))) as { status?: string; data?: T; error?: string; errorType?: string };
  if (answer.status !== 'success') throw new ApiError(answer.error ?? `status ${response.status}`, response.status, answer.errorType ?? 'http');
  return answer.data as T;
}

/** Lets the server look at its cluster again. */
export const lookAgain = (): Promise<DoctorState> => tell<DoctorState>('');

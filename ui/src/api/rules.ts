// Rules and alerts as Prometheus' API gives them, and a condition taken apart.
import { call, type Answer } from './client.ts';
import type { Labels } from './prometheus.ts';

export interface Alert {
  labels: Labels;
  annotations: Labels;
  state: 'pending' | 'firing';
  /** RFC 3339. */
  activeAt?: string;
  keepFiringSince?: string;
  value: string;
}

export interface Rule {
  type: 'alerting' | 'recording';
  name: string;
  query: string;
  labels?: Labels;
  annotations?: Labels;
  health: 'ok' | 'err' | 'unknown';
  lastError?: string;
  /** Seconds. */
  evaluationTime: number;
  lastEvaluation: string;
  /** Seconds, of alerting rules. */
  duration?: number;
  keepFiringFor?: number;
  state?: 'inactive' | 'pending' | 'firing' | 'unknown';
  alerts?: Alert[];
}

export interface Group {
  name: string;
  file: string;
  /** Seconds. */
  interval: number;
  limit: number;
  evaluationTime: number;
  lastEvaluation: string;
  rules: Rule[];
}

export interface Manager {
  url: string;
}

/** All rule groups with their rules and alerts. */
export async function ruleGroups(signal?: AbortSignal): Promise<Answer<Group[]>> {
  const answer = await call<{ groups: Group[] }>('v1/rules', {}, signal);
  return { ...answer, data: answer.data.groups };
}

/** Alertmanagers that get the alerts. */
export async function managers(signal?: AbortSignal): Promise<Manager[]> {
  return (await call<{ activeAlertmanagers: Manager[] }>('v1/alertmanagers', {}, signal)).data.activeAlertmanagers;
}

export interface Part {
  expr: string;
  /** Series that it has; absent for a scalar. */
  count?: number;
  /** The first of them. */
  series?: { metric: Labels; value?: string }[];
  scalar?: string;
  op?: string;
  parts?: [Part, Part];
}

/** A condition taken apart, each part evaluated at one moment (epoch milliseconds). */
export async function conditionParts(expr: string, at: number, signal?: AbortSignal): Promise<Part> {
  return (await call<Part>('tortie/v1/query_parts', { query: expr, time: (at / 1000).toFixed(3) }, signal)).data;
}

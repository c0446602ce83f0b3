// Monitors of a cluster that the server follows (`run --from-crds`): whom it took, whom not, and what became of their candidates.
import { call } from './client.ts';

/** An object that the Prometheus object selects. */
export interface Judged {
  kind: string;
  /** `namespace/name`. */
  object: string;
  accepted: boolean;
  reason: string | null;
  /** Why it was refused, in the operator's words. */
  message: string | null;
  /** What is wrong, with its place and a snippet, where the operator's words do not say it. */
  details?: string | null;
}

/** A scrape job of an object. */
export interface Job {
  pool: string;
  kind: string;
  object: string;
  targets: number;
  /** Candidates that are no targets, by the condition that each fails first. */
  fellOut: Record<string, number>;
}

export interface Monitors {
  objects: Judged[];
  jobs: Job[];
  /** Fields that this server does not honour. */
  leftOut: { name: string; reason: string }[];
  /** Objects that no Prometheus selects; `why` has a sentence for each Prometheus. */
  unselected: { kind: string; object: string; why?: string[] }[];
  /** Objects that could not be read. */
  unreadable: { kind: string; object: string; message: string }[];
}

/** `null` when the server does not follow custom resources. */
export async function monitors(signal?: AbortSignal): Promise<Monitors | null> {
  return (await call<Monitors | null>('tortie/v1/monitors', {}, signal)).data;
}

// The doctor's words: its verdict in a sentence, ages, what it looked at.
import type { CellMark, DoctorState, Finding, Report } from '../../api/doctor.ts';
import type { State } from '../../parts/mark.tsx';
import { roughSpan } from '../../time/duration.ts';

const states: Record<CellMark, State> = { good: 'ok', bad: 'bad', look: 'warn', note: 'ok', unknown: 'unknown', young: 'unknown', none: 'off' };

/** State of a cell's mark. */
export const stateOfCell = (mark: CellMark): State => states[mark] ?? 'off';

const words: Record<CellMark, string> = { good: 'holds', bad: 'broken', look: 'works, and will hurt', note: 'worth knowing', unknown: 'could not be looked at', young: 'too young to judge', none: 'nothing to say' };

/** Word of a cell's mark. */
export const wordOfCell = (mark: CellMark): string => words[mark] ?? 'nothing to say';

/** State of a finding's level. */
export const stateOfLevel = (level: Finding['level']): State => (level === 'fail' ? 'bad' : level === 'warn' ? 'warn' : 'ok');

export const wordOfLevel = (level: Finding['level']): string => (level === 'fail' ? 'broken' : level === 'warn' ? 'to look at' : 'worth knowing');

/** `just now`, `4 min ago`. */
export function age(ms: number | null): string {
  if (ms === null) return 'never';
  return ms < 2000 ? 'just now' : `${roughSpan(ms)} ago`;
}

/** The closing sentence, as the command line has it. */
export function closing(report: Report | undefined, state: DoctorState | undefined): { state: State; text: string } | undefined {
  if (state?.error) return { state: 'unknown', text: 'The cluster could not be looked at' };
  if (!report) return undefined;
  const { fail, warn, goals } = report.summary;
  const parts = [...(fail > 0 ? [`${fail} ${fail === 1 ? 'thing' : 'things'} broken`] : []), ...(warn > 0 ? [`${warn} to look at`] : [])];
  if (parts.length > 0) return { state: fail > 0 ? 'bad' : 'warn', text: parts.join(', ') };
  const open = Object.entries(goals).filter(([, goal]) => goal === 'unknown' || goal === 'pending').map(([name]) => name);
  if (Object.keys(goals).length === 0) return { state: 'unknown', text: 'No component of Calico was found in this cluster' };
  if (open.length > 0) return { state: 'unknown', text: `Nothing broken was found; of ${open.join(', ')} it could not be seen whether samples arrive` };
  return { state: 'ok', text: 'Every link that was looked at holds' };
}

/** One line: which cluster, which versions, which Prometheus. */
export function lookedAt(state: DoctorState | undefined): string {
  if (!state) return ' ';
  const cluster = state.report?.cluster;
  const parts = [`Cluster: ${state.cluster}`];
  if (cluster?.context) parts.push(`context ${cluster.context}`);
  if (cluster?.kubernetes) parts.push(`Kubernetes ${cluster.kubernetes}`);
  if (cluster?.calico) parts.push(`Calico ${cluster.calico}`);
  for (const one of state.asked) parts.push(one.unreachable === null ? `Prometheus ${one.name} ${one.version}` : `Prometheus ${one.name} not reached: ${one.unreachable}`);
  return parts.join(' · ');
}

/** A value of an object as a line of a diff. */
export function written(value: unknown): string {
  return typeof value === 'string' ? value : JSON.stringify(value);
}

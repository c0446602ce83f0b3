// The mark of a state: shape, colour and word, so that none of them is needed alone.

export type State = 'ok' | 'warn' | 'bad' | 'unknown' | 'off';

const shapes: Record<State, string> = { ok: '✓', warn: '▲', bad: '✕', unknown: '○', off: '–' };
const words: Record<State, string> = { ok: 'ok', warn: 'warning', bad: 'broken', unknown: 'unknown', off: 'off' };

/** Shape of a state, for canvas and text. */
export const shapeOf = (state: State): string => shapes[state];

export interface MarkProps {
  state: State;
  /** Said to a screen reader in place of the state's name. */
  word?: string | undefined;
}

export function Mark({ state, word }: MarkProps) {
  return (
    <span class={`mark ${state}`}>
      <span aria-hidden="true">{shapes[state]}</span>
      <span class="sr">{word ?? words[state]}</span>
    </span>
  );
}

const order: State[] = ['ok', 'off', 'unknown', 'warn', 'bad'];

/** The worst of several states. */
export function worst(states: State[]): State {
  return states.reduce<State>((a, b) => (order.indexOf(b) > order.indexOf(a) ? b : a), 'ok');
}

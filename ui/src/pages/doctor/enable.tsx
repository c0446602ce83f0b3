// Turning the chain on from the page: the plan first, with what it changes, then a confirmation. Only where the server was
// started for it.
import { useRef, useState } from 'preact/hooks';
import { tell, type DoctorState } from '../../api/doctor.ts';
import { Failure, Skeleton } from '../../parts/message.tsx';
import { Mark, type State } from '../../parts/mark.tsx';
import { written } from './words.ts';

interface Step {
  object: string;
  how: 'make' | 'change' | 'nothing' | 'conflict' | 'elsewhere';
  remark: string;
  advice: string;
  /** The whole object, when it is made. */
  yaml: string;
  state: 'unasked' | 'tested' | 'predicted' | 'refused';
  reason: string;
  changes: { path: string; before?: unknown; after: unknown }[];
}

interface Plan {
  plan: string;
  heading: string;
  found: string[];
  notes: string[];
  steps: Step[];
  writes: number;
  refused: boolean;
}

const signs: Record<Step['how'], string> = { make: '+', change: '~', nothing: '=', conflict: '!', elsewhere: '!' };
const hows: Record<Step['how'], string> = { make: 'is made', change: 'is changed', nothing: 'is right already', conflict: 'is kept by somebody else and left alone', elsewhere: 'is changed where it is kept, not here' };

function StepRow({ step }: { step: Step }) {
  const state: State = step.state === 'refused' || step.how === 'conflict' ? 'bad' : step.how === 'elsewhere' ? 'warn' : step.state === 'predicted' ? 'unknown' : 'ok';
  return (
    <li>
      <p><Mark state={state} word={hows[step.how]} /> <span class="mono">{signs[step.how]} {step.object}</span> <span class="dim">{hows[step.how]}{step.state === 'tested' ? ', the server accepts it' : step.state === 'predicted' ? ', tried again right before it is made' : ''}</span></p>
      {step.remark === '' ? null : <p class="dim inset">{step.remark}</p>}
      {step.changes.length === 0 || step.how === 'nothing' ? null : (
        <pre class="mono diff" tabIndex={0} aria-label={`Changes of ${step.object}`}>
          {step.changes.map((change) => (
            <span key={change.path}>
              <span class="dim">{`  ${change.path.replace(/^\//, '').replaceAll('/', '.')}\n`}</span>
              {change.before === undefined || change.before === null ? null : <del>{`- ${written(change.before)}\n`}</del>}
              {change.after === null ? null : <ins>{`+ ${written(change.after)}\n`}</ins>}
            </span>
          ))}
        </pre>
      )}
      {step.yaml === '' ? null : <details><summary>The object</summary><pre class="mono diff" tabIndex={0} aria-label={step.object}><ins>{step.yaml}</ins></pre></details>}
      {step.advice === '' ? null : <p class="note">{step.advice}</p>}
      {step.state === 'refused' ? <p class="note">The server refuses it: {step.reason}</p> : null}
    </li>
  );
}

export function Enable({ setup, done }: { setup: DoctorState['setup']; done: () => void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const [plan, setPlan] = useState<Plan>();
  const [failure, setFailure] = useState<unknown>();
  const [made, setMade] = useState<string[]>();
  const [busy, setBusy] = useState(false);
  if (!setup.allowed) return null;
  const open = () => {
    setPlan(undefined);
    setFailure(undefined);
    setMade(undefined);
    dialog.current?.showModal();
    tell<Plan>('/setup').then(setPlan, setFailure);
  };
  const apply = () => {
    if (!plan) return;
    setBusy(true);
    tell<{ written: string[] }>('/setup/apply', { 'x-tortie-token': setup.token }, { plan: plan.plan })
      .then(({ written }) => setMade(written), setFailure)
      .then(() => {
        setBusy(false);
        done();
      }, () => undefined);
  };
  return (
    <section class="panel enable" aria-label="Setup">
      <p><button type="button" onClick={open}>Enable what is missing …</button> <span class="dim">shows what <code>tortie setup</code> would write; nothing is written before you agree</span></p>
      <dialog ref={dialog} aria-labelledby="enable-title" class="enable-dialog">
        <h1 id="enable-title">What setup would write</h1>
        <div class="enable-body" tabIndex={0} role="region" aria-label="The plan">
          {failure ? <Failure error={failure} what={plan ? 'It was not written to its end' : 'There is no plan'} /> : null}
          {!plan && !failure ? <Skeleton rows={6} label="The plan is on its way" /> : null}
          {plan ? (
            <>
              <p class="mono">{plan.heading}</p>
              {plan.found.map((line) => <p key={line} class="dim">{line}</p>)}
              {plan.steps.length === 0 ? <p>Nothing to do: the chain stands.</p> : <ol class="steps">{plan.steps.map((step) => <StepRow key={`${step.object} ${step.how}`} step={step} />)}</ol>}
              {plan.notes.map((note) => <p key={note} class="dim">{note}</p>)}
            </>
          ) : null}
          {made ? <p role="status"><Mark state="ok" /> Written: {made.length === 0 ? 'nothing' : made.join(', ')}. Take it back with <code>tortie setup undo</code>.</p> : null}
        </div>
        <p class="ends">
          {plan && !made && plan.writes > 0 ? <button type="button" class="main" disabled={busy || plan.refused} onClick={apply}>{busy ? 'Writing …' : `Write ${plan.writes} ${plan.writes === 1 ? 'object' : 'objects'}`}</button> : null}
          <button type="button" onClick={() => dialog.current?.close()}>Close</button>
        </p>
      </dialog>
    </section>
  );
}

// A finding: what is broken and where, the evidence, what comes next, the way to mend it, and the page of its check.
import { useState } from 'preact/hooks';
import { checkPage, type Finding, type Fix } from '../../api/doctor.ts';
import { useResource } from '../../api/resource.ts';
import { Mark } from '../../parts/mark.tsx';
import { Failure, Skeleton } from '../../parts/message.tsx';
import { CommandBlock } from './copy.tsx';
import { Markdown } from './markdown.tsx';
import { stateOfLevel, wordOfLevel, written } from './words.ts';

/** A sentence begins with a capital letter. */
const capital = (text: string) => text.charAt(0).toUpperCase() + text.slice(1);

function Evidence({ finding }: { finding: Finding }) {
  if (finding.evidence.length === 0) return null;
  return (
    <table class="evidence">
      <caption class="sr">Evidence</caption>
      <thead class="sr"><tr><th>What</th><th>Value</th><th>Remark</th></tr></thead>
      <tbody>
        {finding.evidence.map((row, i) => (
          row.value === '' ? (
            <tr key={i} class="object"><th scope="rowgroup" colSpan={3}>{row.label}{row.remark === '' ? null : <span class="dim"> ({row.remark})</span>}</th></tr>
          ) : (
            <tr key={i}><td class="dim">{row.label}</td><td class="mono">{row.value}</td><td class="dim">{row.remark === '' ? '' : `← ${row.remark}`}</td></tr>
          )
        ))}
      </tbody>
    </table>
  );
}

function Mending({ fix, have }: { fix: Fix | null; have: string }) {
  if (fix === null) return <p class="dim">No way to mend it is known.</p>;
  if (fix.kind === 'outside') return <p>{capital(fix.text)}.</p>;
  if (fix.kind === 'edit') {
    return (
      <>
        <p>In <b>{fix.object}</b>, where that object is kept:</p>
        <pre class="mono diff" tabIndex={0} aria-label="The change">
          <span class="dim">{`  ${fix.path.replace(/^\//, '').replaceAll('/', '.').replaceAll('~1', '/')}\n`}</span>
          {have === '' ? null : <del>{`- ${have}\n`}</del>}
          {fix.value === null ? null : <ins>{`+ ${written(fix.value)}\n`}</ins>}
        </pre>
        {fix.note === '' ? null : <p class="dim">{capital(fix.note)}</p>}
      </>
    );
  }
  return (
    <>
      {fix.commands.map((command, i) => <CommandBlock key={i} text={command.shell} label={fix.commands.length === 1 ? 'the command' : `command ${i + 1} of ${fix.commands.length}`} />)}
      {fix.auto === 'ask' ? <p class="dim">It changes what others keep too: read it before it is run.</p> : null}
    </>
  );
}

function Explained({ id }: { id: string }) {
  const answer = useResource(`check ${id}`, id, (signal) => checkPage(id, signal));
  if (answer.data) return <Markdown text={answer.data.page} />;
  if (answer.error) return <Failure error={answer.error} what={`The page of ${id} could not be read`} />;
  return <Skeleton rows={5} label="The page of the check is loading" />;
}

export function FindingPanel({ finding, slugs }: { finding: Finding; slugs: { id: string; slug: string }[] }) {
  const [open, setOpen] = useState(false);
  const { cause } = finding;
  const slug = (id: string) => slugs.find((check) => check.id === id)?.slug.replaceAll('-', ' ') ?? id;
  const place = cause.file === null ? '' : `${cause.file}:${cause.line}:${cause.column}`;
  return (
    <section class={`panel finding ${finding.level}`} aria-labelledby={`f-${finding.fingerprint}`}>
      <header>
        <Mark state={stateOfLevel(finding.level)} word={wordOfLevel(finding.level)} />
        <h2 id={`f-${finding.fingerprint}`}><span class="mono">{finding.id}</span> {capital(finding.title)}</h2>
        <span class="dim level">{wordOfLevel(finding.level)}</span>
      </header>
      <div class="finding-body">
        {cause.object === null && place === '' ? null : (
          <p class="where">{cause.object}{cause.path === '' ? null : <> <code>{cause.path}</code></>}{place === '' ? null : <> <span class="mono">{place}</span></>}</p>
        )}
        <Evidence finding={finding} />
        {cause.candidates.length === 0 ? null : (
          <p><span class="label">Meant</span> {cause.candidates.slice(0, 3).map((one, i) => <span key={one.value}>{i > 0 ? ', ' : ''}<code>{one.value}</code> <span class="dim">({one.why})</span></span>)}</p>
        )}
        {finding.explains.length === 0 ? null : <p><span class="label">Explains</span> {finding.explains.map(slug).join(', ')}</p>}
        {finding.next.map((next) => <p key={next.id}><span class="label">Next</span> <span class="mono">{next.id}</span>: {next.title} <span class="dim">(will break once this is mended)</span></p>)}
        {finding.confidence === 'inferred' ? <p><span class="label">Surety</span> inferred from policies, not seen to happen</p> : null}
        <div class="mend">
          <h3>{finding.fix?.kind === 'outside' ? 'What to do' : 'To mend it'}</h3>
          <Mending fix={finding.fix} have={cause.have} />
          {finding.next.map((next) => (next.fix?.kind === 'command' ? <div key={next.id}><p>And with it, for <span class="mono">{next.id}</span>:</p><Mending fix={next.fix} have="" /></div> : null))}
        </div>
        {finding.warning === '' ? null : <p class="note">{capital(finding.warning)}.</p>}
        <details onToggle={(event) => setOpen(event.currentTarget.open)}>
          <summary data-row>What {finding.id} looks at, and why it breaks silently</summary>
          {open ? <Explained id={finding.id} /> : null}
        </details>
      </div>
    </section>
  );
}

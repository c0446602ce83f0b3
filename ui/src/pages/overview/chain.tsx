// The chain of each component: one row of marks from the component's setting to the dashboard. The links of the cluster come
// from the doctor's last report, all others from the series themselves.
import type { Cell as DoctorCell, DoctorState } from '../../api/doctor.ts';
import { href } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { Mark, worst, type State } from '../../parts/mark.tsx';
import { roughSpan } from '../../time/duration.ts';
import { components, escapeRegex } from './components.ts';
import type { ComponentState } from './load.ts';

interface Link {
  state: State;
  text: string;
  why: string;
  to?: string;
}

const cluster = 'Needs a connection to the cluster, which this server does not have';

const marks: Record<DoctorCell['mark'], State> = { good: 'ok', bad: 'bad', look: 'warn', note: 'ok', unknown: 'unknown', young: 'unknown', none: 'off' };

/** The doctor's stations behind each of the first links. */
const stations = [['on'], ['service'], ['monitor', 'selected']];

/** What the doctor says of the links of the cluster; undefined where it says nothing. */
function clusterLinks(doctor: DoctorState | undefined, component: string): Link[] | undefined {
  const row = doctor?.table?.rows.find((one) => one.component === component);
  if (!doctor?.table || !row?.installed) return undefined;
  const { stations: columns } = doctor.table;
  return stations.map((names) => {
    const cells = names.flatMap((name) => row.cells[columns.indexOf(name)] ?? []);
    const state = worst(cells.map((cell) => marks[cell.mark]));
    const told = cells.filter((cell) => marks[cell.mark] === state);
    return { state, text: state === 'ok' ? told.map((cell) => cell.note).find((note) => note !== '') ?? '' : '', why: told.flatMap((cell) => cell.why).slice(0, 3).join('; ') || 'The doctor has nothing to say of it', to: href('/doctor') };
  });
}

export const linkNames = ['Metrics on', 'Service', 'Monitor', 'Discovered', 'Up', 'Fresh', 'Series', 'Dashboard'];

/** Oldest age in seconds at which a series still counts as fresh. */
const freshFor = 90;

/** The links of a component, in the order of `linkNames`. A broken link leaves those behind it unknown. */
export function linksOf(state: ComponentState, doctor?: DoctorState): Link[] {
  const { component, targets, up, age, series, jobs } = state;
  const off: Link = { state: 'off', text: '', why: cluster };
  const job = jobs.map(escapeRegex).join('|');
  const behind: Link = { state: 'off', text: '', why: 'Waits for the link before it' };
  const links: Link[] = clusterLinks(doctor, component.id) ?? [off, off, off];
  const filter = { q: jobs[0] ?? component.id };

  if (targets === 0) {
    links.push({ state: 'bad', text: 'none', why: `No scrape job finds a target of ${component.name}`, to: href('/targets') }, behind, behind, behind);
  } else {
    links.push({ state: 'ok', text: String(targets), why: `Job ${jobs.join(', ')}`, to: href('/targets', filter) });
    links.push({
      state: up === targets ? 'ok' : up === 0 ? 'bad' : 'warn', text: `${up}/${targets}`,
      why: up === targets ? 'Every target answers' : `Down: ${state.down.slice(0, 3).map((labels) => labels['instance']).join(', ')}${state.down.length > 3 ? ` and ${state.down.length - 3} more` : ''}`,
      to: href('/targets', filter),
    });
    if (up === 0) links.push(behind, behind);
    else {
      links.push(
        age === undefined
          ? { state: component.id === 'kube-controllers' ? 'warn' : 'bad', text: 'none', why: `The targets answer, but ${component.marker} is not among their series${component.id === 'kube-controllers' ? ': Calico IPAM is not in use, or its node controller is off' : ': another process answers on this port'}` }
          : { state: age > freshFor ? 'warn' : 'ok', text: age < 1 ? 'now' : `${roughSpan(age * 1000)}`, why: `Newest sample of ${component.marker}`, to: href('/graph', { 'g0.expr': `${component.marker}{job=~"${job}"}`, 'g0.tab': 'table' }) },
      );
      links.push({ state: series > 0 ? 'ok' : 'bad', text: grouped(series), why: 'Series after relabelling', to: href('/graph', { 'g0.expr': `count by (__name__) ({job=~"${job}"})`, 'g0.tab': 'table' }) });
    }
  }
  links.push(
    !state.dashboard
      ? { state: 'unknown', text: '', why: 'The server has no dashboard for this component' }
      : { state: up > 0 && age !== undefined ? 'ok' : 'warn', text: up > 0 && age !== undefined ? 'has data' : 'empty', why: 'Opens the dashboard', to: href(`/d/${component.dashboard}`) },
  );
  return links;
}

function Cell({ name, link }: { name: string; link: Link }) {
  const content = (
    <>
      <Mark state={link.state} />
      {link.text === '' ? null : <span>{link.text}</span>}
    </>
  );
  return (
    <td title={`${name}: ${link.why}`} class={`state ${link.state === 'off' ? 'off' : ''}`}>
      {link.to ? <a href={link.to}>{content}</a> : <span>{content}</span>}
    </td>
  );
}

export interface Verdict {
  state: State;
  text: string;
}

/** Sentence that says whether Calico is monitored and well, and what is wrong first. `ailing` are its unhealthy numbers. */
export function verdict(states: ComponentState[], ailing: Verdict[], doctor?: DoctorState): Verdict {
  const broken = doctor?.report?.findings.find((finding) => finding.level === 'fail');
  if (broken) return { state: 'bad', text: `${broken.title.charAt(0).toUpperCase()}${broken.title.slice(1)} (${broken.id})` };
  const all = states.map((state) => ({ state, links: linksOf(state, doctor) }));
  const overall = worst(all.flatMap(({ links }) => links.map((link) => link.state)).filter((state) => state === 'bad' || state === 'warn' || state === 'ok'));
  if (states.every((state) => state.targets === 0)) return { state: 'bad', text: 'No component of Calico is scraped by this server' };
  for (const wanted of ['bad', 'warn'] as const) {
    for (const { state, links } of all) {
      const at = links.findIndex((link) => link.state === wanted);
      if (at >= 0) {
        const link = links[at]!;
        return { state: overall, text: `${state.component.name}: ${linkNames[at]!.toLowerCase()} ${link.text}. ${link.why}` };
      }
    }
  }
  const targets = states.reduce((sum, state) => sum + state.targets, 0);
  const monitored = `Calico is monitored: all ${targets} targets of Felix, Typha and kube-controllers answer`;
  if (ailing.length === 0) return { state: 'ok', text: monitored };
  return { state: worst(ailing.map((one) => one.state)), text: `${monitored}. But ${ailing.map((one) => one.text).join(', ')}` };
}

/** The table; without states it has its size already and says that they are on their way. */
export function Chain({ states, doctor }: { states: ComponentState[] | undefined; doctor: DoctorState | undefined }) {
  const rows = states?.map((state) => ({ name: state.component.name, links: linksOf(state, doctor) })) ?? components.map(({ name }) => ({ name, links: undefined }));
  return (
    <div class="panel scroll-x" aria-busy={!states}>
      <table class="chain">
        <caption class="sr">{states ? 'The links from each component to its dashboard' : 'The chain is loading'}</caption>
        <thead>
          <tr><th scope="col">Chain</th>{linkNames.map((name) => <th key={name} scope="col">{name}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map(({ name, links }) => (
            <tr key={name}>
              <th scope="row">{name}</th>
              {linkNames.map((link, i) => (links ? <Cell key={link} name={link} link={links[i]!} /> : <td key={link} class="off">·</td>))}
            </tr>
          ))}
        </tbody>
      </table>
      <p class="chain-note dim cut">
        {doctor?.ageMs !== undefined && doctor.ageMs !== null ? (
          <>Metrics on, Service and Monitor as the doctor saw them {doctor.ageMs < 2000 ? 'just now' : `${roughSpan(doctor.ageMs)} ago`}. <a href={href('/doctor')}>Doctor</a></>
        ) : (
          <><span class="mark off" aria-hidden="true">–</span> Metrics on, Service and Monitor are links of the cluster; this server is not connected to one. <a href={href('/doctor')}>How to connect it</a></>
        )}
      </p>
    </div>
  );
}

// The chain as the doctor's table: a row a component, a column a station.
import type { DoctorState } from '../../api/doctor.ts';
import { Mark } from '../../parts/mark.tsx';
import { stateOfCell, wordOfCell } from './words.ts';

const stations = ['on', 'port', 'service', 'monitor', 'selected', 'targets', 'fresh', 'panels', 'rules'];
const titles: Record<string, string> = {
  on: 'On', port: 'Port', service: 'Service', monitor: 'Monitor', selected: 'Selected', targets: 'Targets', fresh: 'Fresh', panels: 'Panels', rules: 'Rules',
};
const meaning: Record<string, string> = {
  on: 'The component’s own setting', port: 'The process listens and is the right one', service: 'A Service with ready endpoints', monitor: 'A monitor that finds the Service and its port',
  selected: 'A Prometheus takes the monitor and loads it', targets: 'Its discovery finds the targets and they are up', fresh: 'Samples arrive and stay', panels: 'Dashboards show them', rules: 'Rules can fire and reach somebody',
};
const names = ['Felix', 'Typha', 'kube-controllers'];

/** The table; before the first report it has its size already. */
export function Chain({ table }: { table: NonNullable<DoctorState['table']> | undefined }) {
  const columns = table?.stations ?? stations;
  const rows = table?.rows ?? names.map((title) => ({ title, component: title, installed: true, cells: undefined }));
  return (
    <div class="panel scroll-x" aria-busy={!table} tabIndex={0} role="region" aria-label="The chain, station by station">
      <table class="stations">
        <caption class="sr">{table ? 'The links from each component to its rules' : 'The chain is loading'}</caption>
        <thead>
          <tr><th scope="col">Chain</th>{columns.map((name) => <th key={name} scope="col" title={meaning[name]}>{titles[name] ?? name}</th>)}</tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.component}>
              <th scope="row">{row.title}</th>
              {columns.map((name, i) => {
                const cell = row.cells?.[i];
                if (!cell) return <td key={name} class="off">·</td>;
                const state = stateOfCell(cell.mark);
                const why = !row.installed ? 'not installed' : cell.why.length > 0 ? cell.why.join('\n') : wordOfCell(cell.mark);
                return (
                  <td key={name} class={`state ${state}`} title={why}>
                    <Mark state={state} word={`${titles[name] ?? name}: ${row.installed ? wordOfCell(cell.mark) : 'not installed'}`} />
                    {cell.note === '' ? null : <span>{cell.note}</span>}
                  </td>
                );
              })}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

// Everything known of one target, at the side of the list.
import { apiUrl } from '../../api/client.ts';
import type { Target } from '../../api/prometheus.ts';
import { href } from '../../app/router.ts';
import { grouped } from '../../format/number.ts';
import { formatValue } from '../../format/units.ts';
import { Icon } from '../../parts/icons.tsx';
import { LabelTable } from '../../parts/label-table.tsx';
import { Mark } from '../../parts/mark.tsx';
import { useSidePanel } from '../../parts/side-panel.ts';
import { times } from '../../time/clock.ts';
import { endpointOf } from './rows.ts';
import { History, stateOf } from './row.tsx';

export function Detail({ target }: { target: Target }) {
  const { box, close } = useSidePanel(target.scrapeUrl, ['target']);
  const last = Date.parse(target.lastScrape);
  const selector = `{job=${JSON.stringify(target.labels['job'] ?? '')},instance=${JSON.stringify(target.labels['instance'] ?? '')}}`;
  const rows: [string, string | undefined][] = [
    ['Pool', target.scrapePool],
    ['Since', target.since === undefined ? undefined : times.value.full(Date.parse(target.since))],
    ['Last scrape', last > 0 ? `${times.value.full(last)}, took ${formatValue(target.lastScrapeDuration, 's')}` : 'not yet'],
    ['Every', `${target.scrapeInterval}, timeout ${target.scrapeTimeout}`],
    ['Samples', target.samplesScraped === undefined ? undefined : grouped(target.samplesScraped)],
    ['New series', target.seriesAdded === undefined ? undefined : grouped(target.seriesAdded)],
    ['Body', target.bodyBytes === undefined ? undefined : formatValue(target.bodyBytes, 'bytes')],
  ];
  return (
    <aside class="panel detail" aria-label={`Target ${endpointOf(target)}`} tabIndex={-1} ref={box}>
      <header>
        <Mark state={stateOf(target)} word={target.health} />
        <h2 class="cut grow" title={target.scrapeUrl}>{endpointOf(target)}</h2>
        <button type="button" class="plain icon-button" onClick={close} aria-label="Close" title="Close (Esc)"><Icon name="close" /></button>
      </header>
      <div class="body">
        {target.lastError ? <p class="message bad mono" role="alert">{target.lastError}</p> : null}
        {target.lastWarning ? <p class="note mono">{target.lastWarning}</p> : null}
        {target.remarks?.map((text) => <p class="note" key={text}>{text}</p>)}
        <p><a href={target.globalUrl || target.scrapeUrl} rel="noreferrer" target="_blank" class="mono">{target.scrapeUrl}</a></p>
        {target.history && target.history.length > 0 ? <p class="line"><span class="dim">Last {target.history.length} scrapes</span> <History history={target.history} /></p> : null}
        <dl class="pairs">
          {rows.map(([name, value]) => (value === undefined ? null : <div key={name}><dt>{name}</dt><dd>{value}</dd></div>))}
        </dl>
        <LabelTable title="Labels" labels={target.labels} />
        <LabelTable title="Discovered labels, before relabelling" labels={target.discoveredLabels} />
        <p class="line">
          <a class="button" href={href('/graph', { 'g0.expr': `up${selector}` })}>Graph up</a>
          <a class="button" href={href('/graph', { 'g0.expr': selector, 'g0.tab': 'table' })}>Its series</a>
          <a class="button" data-plain href={apiUrl('v1/targets/metadata', { match_target: selector })}>Metadata</a>
        </p>
      </div>
    </aside>
  );
}

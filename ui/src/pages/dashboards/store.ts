// Where dashboards come from: the server's own and those imported in this browser.
import { call } from '../../api/client.ts';
import { recall, remember } from '../../app/settings.ts';
import { object, text } from '../../grafana/json.ts';
import { readDashboard } from '../../grafana/read.ts';

export interface Listed {
  uid: string;
  title: string;
  tags: string[];
  /** Kept in this browser only. */
  imported: boolean;
}

const key = 'dashboards';

function kept(): Record<string, unknown> {
  try {
    return object(JSON.parse(recall(key) ?? '{}'));
  } catch {
    return {};
  }
}

/** Dashboards imported in this browser. */
export function importedDashboards(): Listed[] {
  return Object.entries(kept()).flatMap(([uid, json]) => {
    try {
      const { title, tags } = readDashboard(json);
      return [{ uid, title, tags, imported: true }];
    } catch {
      return [];
    }
  });
}

/** Dashboards of the server. */
export async function serverDashboards(signal: AbortSignal): Promise<Listed[]> {
  const { data } = await call<{ uid: string; title: string; tags?: string[] }[]>('tortie/v1/dashboards', {}, signal);
  return data.map(({ uid, title, tags }) => ({ uid, title, tags: tags ?? [], imported: false }));
}

/** The JSON of a dashboard; those imported here come first. */
export async function loadDashboard(uid: string, signal: AbortSignal): Promise<unknown> {
  const own = kept()[uid];
  if (own !== undefined) return own;
  const { data } = await call<unknown>(`tortie/v1/dashboards/${encodeURIComponent(uid)}`, {}, signal);
  return data;
}

/** Keeps a dashboard in this browser; answers its uid. Throws when the JSON is none or there is no room. */
export function importDashboard(source: string): string {
  let json: unknown;
  try {
    json = JSON.parse(source);
  } catch (error) {
    throw new Error(`this is not JSON: ${error instanceof Error ? error.message : String(error)}`);
  }
  const dashboard = readDashboard(json);
  if (dashboard.uid === '') throw new Error('the dashboard has neither a uid nor a title');
  if (!remember(key, JSON.stringify({ ...kept(), [dashboard.uid]: json }))) throw new Error('this browser has no room to keep the dashboard, hint: remove an imported one first');
  return dashboard.uid;
}

/** Forgets an imported dashboard. */
export function forgetDashboard(uid: string): void {
  const rest = kept();
  delete rest[uid];
  remember(key, JSON.stringify(rest));
}

export { text };

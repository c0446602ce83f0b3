// The pages: name, path, key, and the code that is loaded when one is opened.
import type { ComponentType } from 'preact';
import type { IconName } from '../parts/icons.tsx';

export interface Page {
  id: string;
  title: string;
  path: string;
  icon: IconName;
  /** Second key of the `g` shortcut. */
  key: string;
  /** Other paths that lead here, Prometheus' own among them. */
  also: RegExp;
  /** Shows the range in the top bar. */
  ranged: boolean;
}

export const pages: Page[] = [
  { id: 'overview', title: 'Overview', path: '/', icon: 'overview', key: 'o', also: /^\/$/, ranged: true },
  { id: 'doctor', title: 'Doctor', path: '/doctor', icon: 'doctor', key: 'c', also: /^\/doctor\/?$/, ranged: false },
  { id: 'targets', title: 'Targets', path: '/targets', icon: 'targets', key: 't', also: /^\/(targets|monitors|service-discovery)\/?$/, ranged: false },
  { id: 'explore', title: 'Explore', path: '/graph', icon: 'explore', key: 'e', also: /^\/(graph|query|explore)\/?$/, ranged: true },
  { id: 'dashboards', title: 'Dashboards', path: '/dashboards', icon: 'dashboards', key: 'd', also: /^\/(dashboards|d\/.+)\/?$/, ranged: true },
  { id: 'alerts', title: 'Alerts', path: '/alerts', icon: 'alerts', key: 'a', also: /^\/(alerts|rules)\/?$/, ranged: true },
  { id: 'status', title: 'Status', path: '/status', icon: 'status', key: 's', also: /^\/(status|config|flags|tsdb-status)\/?$/, ranged: false },
];

/** Id of the code that a path needs, `undefined` where there is no page. */
export function codeOf(path: string): string | undefined {
  if (path.startsWith('/d/')) return 'dashboard';
  return /^\/monitors\/?$/.test(path) ? 'monitors' : pageOf(path)?.id;
}

/** The page of a path. */
export function pageOf(path: string): Page | undefined {
  return pages.find((page) => page.also.test(path));
}

const loaders: Record<string, () => Promise<{ default: ComponentType }>> = {
  overview: () => import('../pages/overview/overview.tsx'),
  doctor: () => import('../pages/doctor/doctor.tsx'),
  targets: () => import('../pages/targets/targets.tsx'),
  monitors: () => import('../pages/monitors/monitors.tsx'),
  explore: () => import('../pages/explore/explore.tsx'),
  dashboards: () => import('../pages/dashboards/list.tsx'),
  dashboard: () => import('../pages/dashboards/dashboard.tsx'),
  alerts: () => import('../pages/alerts/alerts.tsx'),
  status: () => import('../pages/status/status.tsx'),
};

/** Loads the code of a page or of a single dashboard. */
export function loadPage(id: string): Promise<ComponentType> {
  return loaders[id]!().then((module) => module.default);
}

// Alerts that always fire, to show that the way to people works.
import type { Rule } from '../../api/rules.ts';

export const isWatchdog = (rule: Pick<Rule, 'name' | 'labels'>): boolean => rule.name === 'Watchdog' || rule.labels?.['severity'] === 'none';

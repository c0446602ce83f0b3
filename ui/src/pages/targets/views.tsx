// The switch between targets and the monitors that made them.
import { href } from '../../app/router.ts';

export function Views({ here }: { here: 'targets' | 'monitors' }) {
  return (
    <div class="pair" role="group" aria-label="What is listed">
      <a class="button" href={href('/targets')} aria-current={here === 'targets' ? 'page' : undefined}>Targets</a>
      <a class="button" href={href('/monitors')} aria-current={here === 'monitors' ? 'page' : undefined}>Monitors</a>
    </div>
  );
}

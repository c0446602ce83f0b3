// A value that is asked for and asked again: keeps the old one while the new one is on its way.
import { useLayoutEffect, useRef, useState } from 'preact/hooks';
import { isAbort } from './client.ts';

export interface Resource<T> {
  data: T | undefined;
  error: unknown;
  /** A request is on its way. */
  loading: boolean;
}

/**
 * Runs `load` whenever `key` changes and cancels the run before. Data stays while the next is loading, unless `scope`
 * changed, so that a refresh moves nothing but another question does not show the old answer.
 */
export function useResource<T>(scope: string, key: unknown, load: (signal: AbortSignal) => Promise<T>): Resource<T> {
  const [state, setState] = useState<Resource<T> & { scope: string }>({ data: undefined, error: undefined, loading: true, scope });
  const begun = useRef(false);
  // Before the paint, not after it: the answer is on its way while the browser draws.
  useLayoutEffect(() => {
    const controller = new AbortController();
    if (begun.current) setState((old) => ({ data: old.scope === scope ? old.data : undefined, error: old.scope === scope ? old.error : undefined, loading: true, scope }));
    begun.current = true;
    load(controller.signal).then(
      (data) => {
        if (!controller.signal.aborted) setState({ data, error: undefined, loading: false, scope });
      },
      (error: unknown) => {
        if (controller.signal.aborted || isAbort(error)) return;
        setState((old) => ({ ...old, error, loading: false }));
      },
    );
    return () => controller.abort();
  }, [scope, key]);
  if (state.scope !== scope) return { data: undefined, error: undefined, loading: true };
  return state;
}

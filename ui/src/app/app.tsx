// The frame around every page: rail, top bar, page, help.
import { signal } from '@preact/signals';
import type { ComponentType } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import { Failure, Skeleton } from '../parts/message.tsx';
import { Icon } from '../parts/icons.tsx';
import { helpOpen, HelpDialog } from './help.tsx';
import { pageTitle, TopBar } from './top-bar.tsx';
import { codeOf, loadPage, pageOf, pages, type Page } from './pages.ts';
import { href, path } from './router.ts';
import { cycleTheme, theme } from './settings.ts';

const loaded = signal<Record<string, ComponentType>>({});

/** Keeps the code of a page that was loaded ahead of the first render. */
export function keep(code: string, component: ComponentType): void {
  loaded.value = { ...loaded.value, [code]: component };
}

function Rail({ current }: { current: Page | undefined }) {
  const icons = { system: 'half', light: 'sun', dark: 'moon' } as const;
  return (
    <div class="rail">
      <a class="brand" href={href('/')}>
        <svg viewBox="0 0 32 32" width="22" height="22" aria-hidden="true">
          <path fill="#4a3b34" d="M5 4l7 6h8l7-6v14c0 6-5 10-11 10S5 24 5 18z" />
          <path fill="#d97a2b" d="M27 4v14c0 6-5 10-11 10 0-6 5-7 4-12-.5-3-2-4-.4-6z" />
          <path fill="#f0c48a" d="M9 21c2 0 4 1 4 4l-1.500 2.300C8.500 26 6.600 24 5.800 21.600z" />
          <circle cx="11" cy="17" r="2" fill="#f4d35e" /><circle cx="21" cy="17" r="2" fill="#fff3c4" />
        </svg>
        tortie
      </a>
      <nav aria-label="Pages">
        <ul>
          {pages.map((page) => (
            <li key={page.id}>
              <a href={href(page.path)} aria-current={page === current ? 'page' : undefined} title={`${page.title} (g ${page.key})`}>
                <Icon name={page.icon} />
                {page.title}
              </a>
            </li>
          ))}
        </ul>
      </nav>
      <div class="end">
        <button type="button" class="plain" onClick={cycleTheme} title="Change theme">
          <Icon name={icons[theme.value]} /> {theme.value === 'system' ? 'System theme' : theme.value === 'light' ? 'Light theme' : 'Dark theme'}
        </button>
        <button type="button" class="plain" onClick={() => (helpOpen.value = true)} title="Keyboard shortcuts (?)">
          <Icon name="help" /> Keys <kbd>?</kbd>
        </button>
      </div>
    </div>
  );
}

function Unknown() {
  return (
    <div class="panel message">
      <p><b>There is no page at {path.value}</b></p>
      <p>The pages are {pages.map((page, i) => <>{i > 0 && (i + 1 < pages.length ? ', ' : ' and ')}<a href={href(page.path)}>{page.title}</a></>)}.</p>
    </div>
  );
}

export function App() {
  const current = pageOf(path.value);
  const code = codeOf(path.value);
  const [failure, setFailure] = useState<unknown>();
  useEffect(() => {
    setFailure(undefined);
    if (code === undefined || loaded.value[code]) return;
    loadPage(code).then(
      (component) => keep(code, component),
      (error: unknown) => setFailure(error),
    );
  }, [code]);
  useEffect(() => {
    document.title = `${pageTitle.value ?? current?.title ?? 'Not found'} · tortie`;
  }, [pageTitle.value, current]);
  const Content = code === undefined ? Unknown : loaded.value[code];
  return (
    <>
      <a class="skip" href="#page" data-plain onClick={(event) => { event.preventDefault(); document.getElementById('page')?.focus(); }}>Skip to the page</a>
      <Rail current={current} />
      <TopBar page={current} />
      <main id="page" tabIndex={-1}>
        {Content ? <Content /> : failure ? <Failure error={failure} what="This page could not be loaded" /> : <Skeleton rows={8} label="The page is loading" />}
      </main>
      <HelpDialog />
    </>
  );
}

// Entry of the UI.
import { render } from 'preact';
import { App, loadFirstPage } from './app/app.tsx';
import { startKeyboard } from './app/keyboard.ts';
import { startRouter } from './app/router.ts';
import { startClock } from './time/clock.ts';
import './styles/base.css';
import './styles/shell.css';

startRouter();
startClock();
startKeyboard();
// Meanwhile the frame of index.html is on the screen; rendering takes its elements over.
void loadFirstPage().then(() => render(<App />, document.getElementById('app')!));

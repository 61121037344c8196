import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import { App } from './app.tsx';
import { createSession } from './session.ts';
import { takeToken } from './token.ts';

const token = takeToken(window);
const address = new URL('socket', location.href);
address.protocol = location.protocol === 'https:' ? 'wss:' : 'ws:';
address.hash = '';
address.search = new URLSearchParams({ token: token ?? '' }).toString();

const session = createSession(() => new WebSocket(address), window);
createRoot(document.getElementById('root')!).render(
  <StrictMode>
    <App session={session} />
  </StrictMode>,
);

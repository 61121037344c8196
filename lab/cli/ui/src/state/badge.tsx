import type { ReactElement } from 'react';
import { Glyph } from './glyph.tsx';
import './state.css';

/** A state as shape, colour and word. */
export const Badge = ({ state }: { state: string }): ReactElement => (
  <span className="badge" data-state={state}>
    <Glyph state={state} size={12} />
    {state}
  </span>
);

import { every, systemClock } from '@ifactor/common';
import { useEffect, useRef, useState } from 'react';
import type { ReactElement } from 'react';
import './scrubber.css';

/** Events a second that play goes at. */
const speeds = [1, 4, 16, 64] as const;

type Properties = {
  /** The first position that can be chosen, before the first event that is held. */
  start: number;
  /** The last position; they count from 1. */
  total: number;
  /** Null: live, at the end and moving with it. */
  at: number | null;
  /** The moment in words. */
  words: string;
  playing: boolean;
  onSeek: (at: number) => void;
  onLive: () => void;
  onPlay: (playing: boolean) => void;
};

/** Goes to any moment of the log: by hand, step by step, or playing. */
export function Scrubber({ start, total, at, words, playing, onSeek, onLive, onPlay }: Properties): ReactElement {
  const [speed, setSpeed] = useState<number>(4);
  const now = at ?? total;
  const latest = useRef({ now, total, onSeek, onPlay });
  useEffect(() => {
    latest.current = { now, total, onSeek, onPlay };
  });
  useEffect(() => {
    if (!playing) return;
    return every(systemClock, 1000 / speed, () => {
      const { now: from, total: end, onSeek: seek, onPlay: play } = latest.current;
      if (from >= end) play(false);
      else seek(from + 1);
    });
  }, [playing, speed]);
  const step = (by: number): void => onSeek(Math.max(start, Math.min(total, now + by)));
  return (
    <div className="scrubber" role="group" aria-label="Moment">
      <div className="buttons">
        <button
          type="button"
          className="square"
          aria-label="To the start"
          disabled={now <= start}
          onClick={() => onSeek(start)}
        >
          <Icon path="M4 3v10M13 3 6 8l7 5z" />
        </button>
        <button
          type="button"
          className="square"
          aria-label="One event back"
          disabled={now <= start}
          onClick={() => step(-1)}
        >
          <Icon path="M11 3 5 8l6 5z" />
        </button>
        <button
          type="button"
          className="square"
          data-play
          aria-label={playing ? 'Pause' : 'Play'}
          disabled={total === start}
          onClick={() => onPlay(!playing)}
        >
          <Icon path={playing ? 'M4 3h3v10H4zM9 3h3v10H9z' : 'M4 2.5 13 8l-9 5.5z'} />
        </button>
        <button
          type="button"
          className="square"
          aria-label="One event forward"
          disabled={now === total}
          onClick={() => step(1)}
        >
          <Icon path="M5 3l6 5-6 5z" />
        </button>
      </div>
      <input
        type="range"
        min={start}
        max={total}
        step={1}
        value={now}
        aria-label="Position in the log"
        aria-valuetext={words}
        onChange={(event) => onSeek(event.currentTarget.valueAsNumber)}
      />
      <output className="moment">{words}</output>
      <label className="speed">
        <span className="hidden">Speed of play</span>
        <select value={speed} onChange={(event) => setSpeed(Number(event.currentTarget.value))}>
          {speeds.map((value) => (
            <option key={value} value={value}>
              {value}/s
            </option>
          ))}
        </select>
      </label>
      <button type="button" aria-pressed={at === null} onClick={onLive}>
        Live
      </button>
    </div>
  );
}

const Icon = ({ path }: { path: string }): ReactElement => (
  <svg
    viewBox="0 0 16 16"
    width="14"
    height="14"
    aria-hidden="true"
    focusable="false"
    fill="currentColor"
    stroke="currentColor"
    strokeWidth="1.6"
    strokeLinejoin="round"
  >
    <path d={path} />
  </svg>
);

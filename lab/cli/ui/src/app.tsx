/*
 * Landmarks, roles and accessible names that the suite in test/ui relies on; to change one is to change it there.
 *
 * banner            heading `ifactor inspector`; navigation `Views` with links `Map`, `Actor`, `Timeline`, `Compare`
 *                   (`Actor` and `Timeline` below 861 px only); status `Connection` (`connecting`, the source's name,
 *                   `not connected`, `refused`); buttons `Open log…` or `Close file`, `Theme: Auto`, `Light` or `Dark`, `Keys and signs`;
 *                   the file input is labelled `Log file`
 * main holds the regions that follow
 * region `Map`      groups `Node <name>`, in those buttons `<interface>, <type>[, in <container>]: <state>`, pressed where chosen
 * region `Compare`  in its stead: sliders `First moment: …`, `Second moment: …`, table `Two moments`, button `Fold its log again`
 * region `Interface` searchbox `Search interfaces`, table `Interfaces`; or of the chosen one: heading with its
 *                   interface name, status `State`, figure `Lifecycle: <state>`, tables `Desired and observed of <name>`
 *                   (a row that differs says `differs`) and `Last operations`, buttons `Copy: …`, `← All interfaces`
 * region `Timeline` searchbox `Search events`, combobox `State after the event`, checkboxes `Only this interface` and
 *                   `Causes and effects`, status `Window` with button `Load earlier` where only a part of the log is held, group `Moment` with slider `Position in the log`, buttons `To the start`,
 *                   `One event back`, `Play` or `Pause`, `One event forward`, `Live`; grid `Events`; region `Causes and effects`
 * region `Notice`   `You see the past: …` with button `Return to live`; an alert where something is wrong
 * dialog            `Keys and signs`
 */
import { lazy, Suspense, useCallback, useEffect, useState } from 'react';
import type { ReactElement } from 'react';
import { ActorList } from './actor/list.tsx';
import { ActorPanel } from './actor/panel.tsx';
import { SessionContext, useShown } from './session.ts';
import type { PageSession } from './session.ts';
import { Banner } from './shell/banner.tsx';
import { Drop } from './shell/drop.tsx';
import { Help } from './shell/help.tsx';
import { useKeys } from './shell/keys.ts';
import { Notice } from './shell/notice.tsx';
import { applyTheme, nextTheme, rememberedTheme } from './theme/theme.ts';
import { Timeline } from './timeline/timeline.tsx';
import './theme/tokens.css';
import './theme/base.css';
import './shell/shell.css';

const TopologyMap = lazy(() => import('./topology/map.tsx'));
const Compare = lazy(() => import('./compare/compare.tsx'));

export const App = ({ session }: { session: PageSession }): ReactElement => (
  <SessionContext value={session}>
    <Page session={session} />
  </SessionContext>
);

function Page({ session }: { session: PageSession }): ReactElement {
  const view = useShown(({ route }) => route.view);
  const actor = useShown(({ route }) => route.actor);
  const [help, setHelp] = useState(false);
  const [theme, setTheme] = useState(rememberedTheme);
  const onHelp = useCallback(() => setHelp(true), []);
  const onTheme = useCallback(() => setTheme(nextTheme), []);
  useEffect(() => applyTheme(theme), [theme]);
  useKeys(session, { onHelp, onTheme });
  return (
    <div className="app" data-view={view}>
      <a
        className="skip button"
        href="#interface"
        onClick={(event) => {
          event.preventDefault();
          document.getElementById('interface')?.focus();
        }}
      >
        Skip the map
      </a>
      <Banner theme={theme} onTheme={onTheme} onHelp={onHelp} />
      <Notice />
      <main>
        <section className="stage" aria-label={view === 'compare' ? 'Compare' : 'Map'}>
          <Suspense fallback={<p className="empty">Loading …</p>}>
            {view === 'compare' ? <Compare /> : <TopologyMap />}
          </Suspense>
        </section>
        <section className="panel" id="interface" aria-label="Interface" tabIndex={-1}>
          {actor === null ? <ActorList /> : <ActorPanel id={actor} />}
        </section>
        <section className="timeline" aria-label="Timeline">
          <Timeline />
        </section>
      </main>
      <Drop />
      {help && <Help onClose={() => setHelp(false)} />}
    </div>
  );
}

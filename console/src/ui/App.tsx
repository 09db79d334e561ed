import { useEffect, useMemo, useState } from "preact/hooks";
import { zoned } from "../i18n/format";
import { translator } from "../i18n/messages";
import { liveness } from "../live/link";
import type { Session } from "../live/session";
import type { Store } from "../live/store";
import type { Histories } from "../model/history";
import { recall, remember } from "../model/memory";
import { asLanguage, formatRoute, type Language, parseRoute, type Route } from "../model/route";
import { Alerts } from "./Alerts";
import { Banner } from "./Banner";
import { Board } from "./Board";
import { SurfaceContext, useNow, useSelected } from "./context";
import { Header } from "./Header";
import { Organisation } from "./Organisation";

interface Props {
  store: Store;
  session: Session;
  histories: Histories;
}

export function App({ store, session, histories }: Props) {
  const state = useSelected(store, (whole) => whole);
  const [route, go] = useRoute();
  const now = useNow();
  const language = route.lang ?? rememberedLanguage();
  const zoneName = state.meta?.zone;
  const currency = state.meta?.currency ?? undefined;
  const surface = useMemo(
    () => ({
      store,
      histories,
      language,
      t: translator(language),
      zone: zoned(zoneName, language),
      currency,
    }),
    [store, histories, language, zoneName, currency],
  );
  useEffect(() => {
    document.documentElement.lang = language;
  }, [language]);
  useEffect(() => {
    session.changeView(route.window ?? "targets");
  }, [route.window, session]);

  const status = liveness(state.scoring, now);
  const hasFigures = state.figures.size > 0;
  return (
    <SurfaceContext.Provider value={surface}>
      <div class={`wall is-${status.kind}`}>
        <Header
          state={state}
          status={status}
          now={now}
          onView={(window) => go({ ...route, window })}
          onLanguage={(lang) => {
            remember("language", lang);
            go({ ...route, lang });
          }}
        />
        <Banner status={status} hasFigures={hasFigures} now={now} onHurry={() => session.hurry()} />
        <main>
          <Organisation
            figures={state.figures.get("organisation")}
            view={state.view}
            targets={state.targets}
            indicators={state.indicators}
            language={language}
          />
          <Board
            state={state}
            now={now}
            rotate={route.rotate}
            loading={!hasFigures && !state.scoring.synced}
          />
        </main>
        <Alerts
          state={state}
          now={now}
          onAcknowledge={(id, actor) => session.acknowledge(id, actor)}
        />
      </div>
    </SurfaceContext.Provider>
  );
}

function useRoute(): [Route, (route: Route) => void] {
  const [route, setRoute] = useState(() => parseRoute(location.hash));
  useEffect(() => {
    const read = () => setRoute(parseRoute(location.hash));
    addEventListener("hashchange", read);
    return () => removeEventListener("hashchange", read);
  }, []);
  const go = (next: Route) => {
    history.replaceState(null, "", formatRoute(next));
    setRoute(next);
  };
  return [route, go];
}

function rememberedLanguage(): Language {
  return asLanguage(recall("language")) ?? asLanguage(navigator.language) ?? "en";
}

import { createContext } from "preact";
import { useContext, useEffect, useState } from "preact/hooks";
import type { Zoned } from "../i18n/format";
import type { Translate } from "../i18n/messages";
import type { State } from "../live/state";
import type { Store } from "../live/store";
import type { Histories } from "../model/history";
import type { Language } from "../model/route";

export interface Surface {
  store: Store;
  histories: Histories;
  language: Language;
  t: Translate;
  zone: Zoned;
  /** In which costs are shown; undefined where the rules name none. */
  currency: string | undefined;
}

export const SurfaceContext = createContext<Surface | null>(null);

export function useSurface(): Surface {
  const surface = useContext(SurfaceContext);
  if (!surface) throw new Error("rendered outside of the application");
  return surface;
}

/** The selected part of the state; renders again when it is another value. */
export function useSelected<T>(store: Store, select: (state: State) => T): T {
  const selected = select(store.state);
  const [, rerender] = useState({});
  useEffect(() => {
    let shown = selected;
    const check = () => {
      const next = select(store.state);
      if (Object.is(next, shown)) return;
      shown = next;
      rerender({});
    };
    check();
    return store.subscribe(check);
  }, [store]);
  return selected;
}

/** The wall clock at this rendering; there is one at least every second. */
export function useNow(everyMs = 1_000): number {
  const [, tick] = useState({});
  useEffect(() => {
    const timer = setInterval(() => tick({}), everyMs);
    return () => clearInterval(timer);
  }, [everyMs]);
  return Date.now();
}

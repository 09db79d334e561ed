import { useEffect, useLayoutEffect, useMemo, useRef, useState } from "preact/hooks";
import type { State } from "../live/state";
import { type Layout, layOut, type Screen } from "../model/layout";
import { CalmOrder, rank } from "../model/order";
import { departmentKey } from "../model/scope";
import { useSurface } from "./context";
import { Pager } from "./Pager";
import { onResize } from "./pulse";
import { Tile } from "./Tile";

interface Props {
  state: State;
  now: number;
  rotate: number;
  loading: boolean;
}

const SMALL_SCREEN = "(max-width: 68rem), (max-height: 38rem)";

/** All departments as tiles: those in breach first, on as many pages as it takes. */
export function Board({ state, now, rotate, loading }: Props) {
  const { t, language } = useSurface();
  const grid = useRef<HTMLDivElement>(null);
  const screen = useScreen(grid);
  const calm = useMemo(() => new CalmOrder(), [state.view]);
  const ranked = useMemo(() => departments(state), [state.figures, state.view, state.targets]);
  const scopes = calm.arrange(ranked, now);
  const layout = layOut(screen, scopes.length);
  const [page, turnTo] = usePages(layout.pages, rotate);
  const alerts = useMemo(() => alertCounts(state), [state.alerts]);
  const shown = scopes.slice(page * layout.perPage, (page + 1) * layout.perPage);
  return (
    <section class="board" aria-label={t("board.label")} aria-busy={loading}>
      <div
        class={`tiles tiles-${layout.density}`}
        ref={grid}
        style={gridStyle(layout, screen.flow)}
        data-count={scopes.length}
      >
        {shown.map((scope) => {
          const figures = state.figures.get(scope);
          return (
            figures && (
              <Tile
                key={scope}
                scope={scope}
                figures={figures}
                view={state.view}
                targets={state.targets}
                indicators={state.indicators}
                alerts={alerts.get(scope) ?? 0}
                density={layout.density}
                lines={layout.lines}
                language={language}
              />
            )
          );
        })}
        {scopes.length === 0 && (
          <p class="empty">{loading ? t("board.loading") : t("board.empty")}</p>
        )}
      </div>
      <Pager ranked={ranked} page={page} pages={layout.pages} onTurn={turnTo} />
    </section>
  );
}

function departments(state: State) {
  return [...state.figures]
    .filter(([scope]) => scope.startsWith("department:"))
    .map(([scope, figures]) => rank(scope, figures, state.view, state.targets));
}

function alertCounts(state: State): Map<string, number> {
  const counts = new Map<string, number>();
  for (const alert of state.alerts.values()) {
    const department = departmentKey(alert.scope);
    if (!department || alert.state === "resolved") continue;
    counts.set(department, (counts.get(department) ?? 0) + 1);
  }
  return counts;
}

function gridStyle(layout: Layout, flow: boolean): Record<string, string> {
  return {
    "--columns": String(layout.columns),
    "--rows": flow ? "none" : `repeat(${layout.rows}, minmax(0, 1fr))`,
  };
}

function useScreen(element: { current: HTMLDivElement | null }): Screen {
  const [screen, setScreen] = useState<Screen>({ width: 1500, height: 800, rem: 16, flow: false });
  useLayoutEffect(() => {
    const box = element.current;
    if (!box) return;
    return onResize(box, (width, height) => {
      const rem = Number.parseFloat(getComputedStyle(document.documentElement).fontSize);
      setScreen({ width, height, rem, flow: matchMedia(SMALL_SCREEN).matches });
    });
  }, [element]);
  return screen;
}

/** The page shown; arrow keys turn it, and so does time on a screen that nobody touches. */
function usePages(pages: number, rotate: number): [number, (page: number) => void] {
  const [wanted, want] = useState(0);
  const page = Math.min(wanted, pages - 1);
  useEffect(() => {
    const turn = (event: KeyboardEvent) => {
      if (event.target instanceof HTMLInputElement || document.querySelector("dialog[open]"))
        return;
      if (event.key === "ArrowRight") want(Math.min(page + 1, pages - 1));
      if (event.key === "ArrowLeft") want(Math.max(page - 1, 0));
    };
    addEventListener("keydown", turn);
    return () => removeEventListener("keydown", turn);
  }, [page, pages]);
  useEffect(() => {
    if (!rotate || pages < 2) return;
    const timer = setTimeout(() => want((page + 1) % pages), rotate * 1_000);
    return () => clearTimeout(timer);
  }, [page, pages, rotate]);
  return [page, want];
}

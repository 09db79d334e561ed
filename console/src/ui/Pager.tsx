import type { Ranked } from "../model/order";
import { useSurface } from "./context";
import { Mark } from "./Mark";

interface Props {
  ranked: readonly Ranked[];
  page: number;
  pages: number;
  onTurn: (page: number) => void;
}

export function Pager({ ranked, page, pages, onTurn }: Props) {
  const { t } = useSurface();
  const standing = (wanted: string) => ranked.filter((tile) => tile.standing === wanted).length;
  const breached = standing("breached");
  const missed = standing("missed");
  return (
    <footer class="pager">
      <p>
        <span>{t("board.count", { count: ranked.length })}</span>
        {breached > 0 && (
          <span class="standing-breached">
            <Mark standing="breached" />
            {t("board.breached", { count: breached })}
          </span>
        )}
        {missed > 0 && (
          <span class="standing-missed">
            <Mark standing="missed" />
            {t("board.missed", { count: missed })}
          </span>
        )}
      </p>
      {pages > 1 && (
        <nav aria-label={t("board.page", { page: page + 1, pages })}>
          <button
            type="button"
            aria-label={t("board.previous")}
            disabled={page === 0}
            onClick={() => onTurn(page - 1)}
          >
            ‹
          </button>
          <span aria-live="off">{t("board.page", { page: page + 1, pages })}</span>
          <button
            type="button"
            aria-label={t("board.next")}
            disabled={page === pages - 1}
            onClick={() => onTurn(page + 1)}
          >
            ›
          </button>
        </nav>
      )}
    </footer>
  );
}

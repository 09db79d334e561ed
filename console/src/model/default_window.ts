import { isWindow, type Target, type WindowName } from "./wire";

/** The window in which most targets are judged: there the wall has verdicts to show. */
export function defaultWindow(targets: readonly Target[]): WindowName {
  const votes = new Map<WindowName, number>();
  for (const { window } of targets) {
    if (isWindow(window)) votes.set(window, (votes.get(window) ?? 0) + 1);
  }
  const [best] = [...votes].sort((a, b) => b[1] - a[1]);
  return best?.[0] ?? "1h";
}

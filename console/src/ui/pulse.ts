/** One timer and one size observer for all sparklines of the page. */

const EVERY_MS = 1_000;
const listeners = new Set<() => void>();
let timer: ReturnType<typeof setInterval> | null = null;

export function onPulse(listener: () => void): () => void {
  listeners.add(listener);
  timer ??= setInterval(beat, EVERY_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
}

function beat(): void {
  if (document.hidden) return;
  for (const listener of listeners) listener();
}

type OnSize = (width: number, height: number) => void;
const sizes = new WeakMap<Element, OnSize>();
let observer: ResizeObserver | null = null;

export function onResize(element: Element, listener: OnSize): () => void {
  observer ??= new ResizeObserver((entries) => {
    for (const { target, contentRect } of entries) {
      sizes.get(target)?.(Math.floor(contentRect.width), Math.floor(contentRect.height));
    }
  });
  sizes.set(element, listener);
  observer.observe(element);
  return () => {
    sizes.delete(element);
    observer?.unobserve(element);
  };
}

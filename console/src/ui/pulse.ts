/** One timer and one size observer for all sparklines of the page. */

/** Every chart has its turn once in `TURNS` beats, so that hundreds are never drawn at once. */
const BEAT_MS = 250;
const TURNS = 8;

const listeners = new Map<() => void, number>();
let timer: ReturnType<typeof setInterval> | null = null;
let beats = 0;
let joined = 0;

export function onPulse(listener: () => void): () => void {
  listeners.set(listener, joined % TURNS);
  joined += 1;
  timer ??= setInterval(beat, BEAT_MS);
  return () => {
    listeners.delete(listener);
    if (listeners.size === 0 && timer) {
      clearInterval(timer);
      timer = null;
    }
  };
}

function beat(): void {
  beats += 1;
  if (document.hidden) return;
  for (const [listener, turn] of listeners) {
    if (turn === beats % TURNS) listener();
  }
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

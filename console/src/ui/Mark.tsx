import type { Standing } from "../model/readings";

/** The shape of a verdict: it differs without colour, and words stand beside it. */
export function Mark({ standing }: { standing: Standing }) {
  return (
    <svg class={`mark mark-${standing}`} viewBox="0 0 16 16" aria-hidden="true">
      {SHAPES[standing]}
    </svg>
  );
}

const SHAPES = {
  met: (
    <path
      d="M3 8.6l3.4 3.4L13 4.8"
      fill="none"
      stroke="currentColor"
      stroke-width="2"
      stroke-linecap="round"
      stroke-linejoin="round"
    />
  ),
  missed: <path d="M8 2l6.6 11.6H1.4z" fill="currentColor" />,
  breached: (
    <g>
      <rect x="1" y="1" width="14" height="14" rx="2" fill="currentColor" />
      <path d="M8 4v5.2M8 11.4v.9" stroke="var(--on-breach)" stroke-width="2" />
    </g>
  ),
  not_enough_data: (
    <circle
      cx="8"
      cy="8"
      r="5.4"
      fill="none"
      stroke="currentColor"
      stroke-width="1.6"
      stroke-dasharray="2.6 2.4"
    />
  ),
  no_target: <circle cx="8" cy="8" r="1.6" fill="currentColor" />,
};

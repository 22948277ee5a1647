//! A small line without axes. Who: the tiles. **Invariant:** decoration beside a number that says the same.
interface Props {
  values: (number | null)[];
  color: string;
}

const WIDTH = 200;
const HEIGHT = 36;
const ROOM = 3;

/** SVG paths of the line and of the area under it; gaps are bridged. */
export const sparkPaths = (values: (number | null)[]): { line: string; area: string } => {
  const max = values.reduce<number>((top, value) => Math.max(top, value ?? 0), 0) || 1;
  const points = values.flatMap((value, index) =>
    value === null
      ? []
      : [
          [
            (index / Math.max(1, values.length - 1)) * WIDTH,
            HEIGHT - ROOM - (value / max) * (HEIGHT - 2 * ROOM)
          ] as const
        ]
  );
  if (points.length < 2) {
    return { line: '', area: '' };
  }
  const line = points.map(([x, y], index) => `${index ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');
  return { line, area: `${line}L${points.at(-1)![0].toFixed(1)} ${HEIGHT}L${points[0]![0].toFixed(1)} ${HEIGHT}Z` };
};

export const Sparkline = ({ values, color }: Props) => {
  const { line, area } = sparkPaths(values);
  return (
    <svg className="netobserv-spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      <path d={area} fill={`var(${color})`} opacity={0.18} />
      <path d={line} fill="none" stroke={`var(${color})`} strokeWidth={1.75} vectorEffect="non-scaling-stroke" />
    </svg>
  );
};

//! A small line without axes. Who: the tiles. **Invariant:** decoration beside a number that says the same.
interface Props {
  values: (number | null)[];
  color: string;
}

const WIDTH = 200;
const HEIGHT = 36;
const ROOM = 3;

type Place = readonly [x: number, y: number];

/** What is drawn of places side by side; one alone is a dot. */
const lineOf = ([first, ...rest]: Place[]): string =>
  `M${text(first!)}${rest.length ? rest.map(place => `L${text(place)}`).join('') : 'h0'}`;
const text = ([x, y]: Place): string => `${x.toFixed(1)} ${y.toFixed(1)}`;

/** SVG paths of the line and of the area under it, with gaps where nothing is known. */
export const sparkPaths = (values: (number | null)[]): { line: string; area: string } => {
  const max = values.reduce<number>((top, value) => Math.max(top, value ?? 0), 0) || 1;
  const runs: Place[][] = [[]];
  values.forEach((value, index) => {
    if (value === null) {
      runs.push([]);
    } else {
      const x = (index / Math.max(1, values.length - 1)) * WIDTH;
      runs.at(-1)!.push([x, HEIGHT - ROOM - (value / max) * (HEIGHT - 2 * ROOM)]);
    }
  });
  const drawn = values.length < 2 ? [] : runs.filter(run => run.length);
  const areaOf = (run: Place[]) =>
    `${lineOf(run)}L${run.at(-1)![0].toFixed(1)} ${HEIGHT}L${run[0]![0].toFixed(1)} ${HEIGHT}Z`;
  return { line: drawn.map(lineOf).join(''), area: drawn.map(areaOf).join('') };
};

export const Sparkline = ({ values, color }: Props) => {
  const { line, area } = sparkPaths(values);
  return (
    <svg className="netobserv-spark" viewBox={`0 0 ${WIDTH} ${HEIGHT}`} preserveAspectRatio="none" aria-hidden>
      <path d={area} fill={`var(${color})`} opacity={0.18} />
      <path
        d={line}
        fill="none"
        stroke={`var(${color})`}
        strokeWidth={1.75}
        strokeLinecap="round"
        vectorEffect="non-scaling-stroke"
      />
    </svg>
  );
};

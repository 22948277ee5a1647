//! Values over time, stacked or as lines, drawn by uPlot with a legend and a tooltip of ours.
//! Who: overview panels, topology panels.
//! **Invariant:** new data of equal shape is set in place (no flicker, the cursor stays); colours are CSS variables,
//! read again when the theme changes.
import { useEffect, useMemo, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { useSize } from '../../hooks/use-size';
import { useIsDark } from '../../hooks/use-theme';
import { formatWithin } from '../../model/format';
import { ticksWithin, type Tick } from '../../model/ticks';
import './charts.css';
import { lonePoints, stack } from './stack';

export interface ChartSeries {
  id: string;
  name: string;
  /** A CSS variable. */
  color: string;
  values: (number | null)[];
  /** Drawn over the stack instead of in it. */
  isLine?: boolean;
}

interface Props {
  name: string;
  times: number[];
  series: ChartSeries[];
  isStacked?: boolean;
  format: (value: number) => string;
  height: number;
  /** The series to draw full while the others fade. */
  focusId?: string;
}

const Y_AXIS = 68;
const TIP_ROWS = 12;
const FILL_ALPHA = 0.55;
const FADED_ALPHA = 0.15;

const variable = (element: Element, name: string): string => getComputedStyle(element).getPropertyValue(name).trim();

const formatTime = (times: number[], index: number): string =>
  formatWithin(times[index]! * 1000, times.at(-1)! - times[0]!);

const timeTicks = ({ scales, width }: uPlot): Tick[] => {
  const { min, max } = scales.x!;
  return ticksWithin({ start: min ?? 0, end: max ?? 0 }, width - Y_AXIS);
};

interface Drawing {
  plot: uPlot;
  shape: string;
}

export const TimeChart = ({ name, times, series, isStacked = false, format, height, focusId }: Props) => {
  const [holder, { width }] = useSize<HTMLDivElement>();
  const isDark = useIsDark();
  const drawing = useRef<Drawing>(undefined);
  const latest = useRef(format);
  const [cursor, setCursor] = useState<{ index: number; left: number }>();

  const { data, order } = useMemo(() => {
    const layers = series.filter(each => !each.isLine);
    const lines = series.filter(each => each.isLine);
    const heights = isStacked ? stack(layers.map(each => each.values)) : layers.map(each => each.values);
    // The highest outline first: each one below is painted over it.
    const drawn = isStacked ? [...heights].reverse() : heights;
    return {
      data: [times, ...drawn, ...lines.map(each => each.values)] as uPlot.AlignedData,
      order: [...(isStacked ? [...layers].reverse() : layers), ...lines]
    };
  }, [times, series, isStacked]);
  const shape = JSON.stringify([order.map(each => [each.id, each.color]), isStacked, focusId]);

  useEffect(() => {
    latest.current = format;
  });

  useEffect(() => {
    const element = holder.current;
    if (!element || width === 0) {
      return;
    }
    if (drawing.current?.shape === shape) {
      drawing.current.plot.setData(data);
      return;
    }
    drawing.current?.plot.destroy();
    const plot = new uPlot(
      options(element, {
        order,
        isStacked,
        width,
        height,
        focusId,
        format: value => latest.current(value),
        onCursor: setCursor
      }),
      data,
      element
    );
    plot.over.setAttribute('aria-hidden', 'true');
    drawing.current = { plot, shape };
    // Width and theme have effects of their own; `latest` is a ref.
    // eslint-disable-next-line react-hooks/exhaustive-deps
  }, [shape, data, width === 0, holder]);

  useEffect(() => {
    if (width > 0) {
      drawing.current?.plot.setSize({ width, height });
    }
  }, [width, height]);

  // A new theme, or the end: the next data draws anew.
  useEffect(() => {
    drawing.current?.plot.redraw(false);
  }, [isDark]);
  useEffect(
    () => () => {
      drawing.current?.plot.destroy();
      drawing.current = undefined;
    },
    []
  );

  return (
    <div className="netobserv-chart" ref={holder} style={{ blockSize: height }} role="img" aria-label={name}>
      {cursor && times[cursor.index] !== undefined && (
        <Tip index={cursor.index} left={cursor.left} width={width} times={times} series={series} format={format} />
      )}
    </div>
  );
};

const Tip = (props: Pick<Props, 'times' | 'series' | 'format'> & { index: number; left: number; width: number }) => {
  const { index, left, width, times, series, format } = props;
  const rows = series
    .map(each => ({ each, value: each.values[index] }))
    .filter(({ value }) => value !== null && value !== undefined)
    .sort((a, b) => Number(b.each.isLine ?? false) - Number(a.each.isLine ?? false) || b.value! - a.value!);
  const isLeft = left + Y_AXIS < width / 2;
  const side = isLeft ? { insetInlineStart: left + Y_AXIS + 14 } : { insetInlineEnd: width - left - Y_AXIS + 14 };
  return (
    <div className="netobserv-chart-tip" style={side}>
      <strong>{formatTime(times, index)}</strong>
      {rows.slice(0, TIP_ROWS).map(({ each, value }) => (
        <div key={each.id} className="netobserv-chart-tip-row">
          <span className="netobserv-swatch" style={{ background: `var(${each.color})` }} />
          <span className="netobserv-ellipsis">{each.name}</span>
          <span className="netobserv-chart-tip-value">{format(value!)}</span>
        </div>
      ))}
    </div>
  );
};

interface Drawn {
  order: ChartSeries[];
  isStacked: boolean;
  width: number;
  height: number;
  focusId?: string;
  format: (value: number) => string;
  onCursor: (cursor: { index: number; left: number } | undefined) => void;
}

const options = (element: HTMLElement, drawn: Drawn): uPlot.Options => {
  const { order, isStacked, width, height, focusId, format, onCursor } = drawn;
  const font = () => `11px ${variable(element, '--pf-t--global--font--family--body') || 'sans-serif'}`;
  const axis = {
    stroke: () => variable(element, '--pf-t--global--text--color--subtle'),
    font: font(),
    ticks: { show: false },
    grid: { stroke: () => variable(element, '--netobserv-grid'), width: 1 }
  };
  const fades = (each: ChartSeries) => focusId !== undefined && !each.isLine && each.id !== focusId;
  return {
    width,
    height,
    // To the right, room for half of the last time.
    padding: [8, 24, 0, 0],
    legend: { show: false },
    cursor: {
      y: false,
      drag: { x: false, y: false },
      points: { show: false }
    },
    scales: { x: { time: true }, y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.08 : 1] } },
    axes: [
      {
        ...axis,
        grid: { show: false },
        size: 24,
        splits: plot => timeTicks(plot).map(tick => tick.time),
        values: plot => timeTicks(plot).map(tick => tick.label)
      },
      {
        ...axis,
        size: Y_AXIS,
        space: 34,
        values: (_plot, splits) => splits.map(format)
      }
    ],
    series: [
      {},
      ...order.map((each): uPlot.Series => {
        const color = () => variable(element, each.color);
        const alpha = () => (fades(each) ? FADED_ALPHA : FILL_ALPHA);
        return {
          label: each.name,
          stroke: color,
          width: each.isLine || !isStacked ? 1.75 : 1,
          alpha: fades(each) ? 0.4 : 1,
          // A line needs two points; one alone between gaps is a dot.
          points: { show: false, size: 5, fill: color, filter: (plot, index) => lonePoints(plot.data[index] ?? []) },
          spanGaps: false,
          ...(isStacked && !each.isLine
            ? {
                fill: () =>
                  `color-mix(in srgb, ${color()} ${alpha() * 100}%, ${variable(element, '--netobserv-surface')})`
              }
            : {})
        };
      })
    ],
    hooks: {
      setCursor: [
        plot => {
          const { idx, left } = plot.cursor;
          onCursor(
            idx === null || idx === undefined || left === undefined || left < 0 ? undefined : { index: idx, left }
          );
        }
      ]
    }
  };
};

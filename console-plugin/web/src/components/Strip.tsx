//! Flows over time above every view: brush to zoom in, click to centre, arrow keys to move.
//! Who: the frame. **Invariant:** it shows the range of the page and changes nothing but that range; times for which a
//! component cannot account are hatched, never drawn as zero, and those in which records were lost are dotted.
import { useMemo, useState } from 'react';
import { useFacts } from '../hooks/use-facts';
import { useRange } from '../hooks/use-page';
import { useSize } from '../hooks/use-size';
import { useText } from '../hooks/use-text';
import { formatCount, formatWithin } from '../model/format';
import { missingIn } from '../model/losses';
import { ticksWithin } from '../model/ticks';
import { MIN_RANGE_SECONDS, moveRange, secondsOf, type Span } from '../model/time';
import { LossCaption, LossMarks, MARK_WIDTH_MIN, useLossText } from './StripLosses';

interface Props {
  span: Span;
  step: number;
  /** Time in seconds -> flows that ended in the step before it. */
  counts: Map<number, number>;
  isStale: boolean;
  /** The counts could not be loaded: nothing here means nothing. */
  isUnknown: boolean;
}

const HEIGHT = 48;
const AXIS = 16;
const TICK_LENGTH = 4;
/** Pixels from either end in which a time would be cut. */
const TICK_EDGE = 40;

export const Strip = ({ span, step, counts, isStale, isUnknown }: Props) => {
  const t = useText();
  const lossText = useLossText();
  const { losses } = useFacts();
  const [range, setRange] = useRange();
  const [element, { width }] = useSize<HTMLDivElement>();
  const [brush, setBrush] = useState<{ from: number; to: number }>();
  const [hover, setHover] = useState<number>();

  const seconds = span.end - span.start;
  const x = (time: number) => ((time - span.start) / seconds) * width;
  const timeAt = (clientX: number) => {
    const left = element.current?.getBoundingClientRect().left ?? 0;
    return span.start + (Math.min(Math.max(0, clientX - left), width) / Math.max(1, width)) * seconds;
  };
  const bars = [...counts].filter(([time]) => time > span.start && time - step < span.end);
  const max = bars.reduce((top, [, count]) => Math.max(top, count), 1);
  const label = (ms: number) => formatWithin(ms, seconds);

  const finish = () => {
    if (!brush) {
      return;
    }
    const [from, to] = [Math.min(brush.from, brush.to), Math.max(brush.from, brush.to)];
    setBrush(undefined);
    if (to - from >= seconds / 100) {
      const end = Math.ceil(Math.max(to, from + MIN_RANGE_SECONDS));
      setRange({ kind: 'absolute', start: Math.floor(from), end });
    } else {
      const half = seconds / 2;
      setRange({ kind: 'absolute', start: Math.floor(from - half), end: Math.floor(from + half) });
    }
  };
  const zoom = (factor: number) => {
    const middle = (span.start + span.end) / 2;
    const half = Math.max(MIN_RANGE_SECONDS, secondsOf(range) * factor) / 2;
    setRange({ kind: 'absolute', start: Math.floor(middle - half), end: Math.ceil(middle + half) });
  };
  const onKeyDown = (event: React.KeyboardEvent) => {
    const now = Math.floor(Date.now() / 1000);
    const actions: Record<string, () => void> = {
      ArrowLeft: () => setRange(moveRange(range, -1, now)),
      ArrowRight: () => setRange(moveRange(range, 1, now)),
      '+': () => zoom(0.5),
      '-': () => zoom(2)
    };
    if (actions[event.key]) {
      event.preventDefault();
      actions[event.key]!();
    }
  };

  const hoveredBar = hover === undefined ? undefined : bars.find(([time]) => hover > time - step && hover <= time);
  const near = (MARK_WIDTH_MIN * seconds) / Math.max(1, width);
  const missing = hover === undefined ? undefined : missingIn(losses, (hover - near) * 1000, (hover + near) * 1000);
  const ticks = useMemo(() => ticksWithin(span, width), [span, width]).filter(
    ({ time }) => x(time) >= TICK_EDGE && x(time) <= width - TICK_EDGE
  );

  return (
    <div
      ref={element}
      className={`netobserv-strip ${isStale ? 'netobserv-stale' : ''}`}
      role="group"
      tabIndex={0}
      aria-label={t(
        'Flows over time, from {{from}} to {{to}}. Drag to zoom in; arrow keys move, plus and minus zoom.',
        {
          from: label(span.start * 1000),
          to: label(span.end * 1000)
        }
      )}
      onKeyDown={onKeyDown}
      onPointerDown={event => {
        // A right click opens a menu, and a second finger means something else.
        if (event.button !== 0 || !event.isPrimary) {
          return;
        }
        event.currentTarget.setPointerCapture(event.pointerId);
        const time = timeAt(event.clientX);
        setBrush({ from: time, to: time });
      }}
      onPointerMove={event => {
        const time = timeAt(event.clientX);
        setHover(time);
        setBrush(old => old && { ...old, to: time });
      }}
      onPointerUp={finish}
      // The browser took the finger for scrolling.
      onPointerCancel={() => {
        setBrush(undefined);
        setHover(undefined);
      }}
      onPointerLeave={() => setHover(undefined)}
    >
      {width > 0 && (
        <svg width={width} height={HEIGHT + AXIS} aria-hidden>
          {bars.map(([time, count]) => {
            const left = Math.max(0, x(time - step));
            const height = Math.max(1.5, (count / max) * (HEIGHT - 4));
            return (
              <rect
                key={time}
                className={`netobserv-bar ${hoveredBar?.[0] === time ? 'netobserv-bar-hover' : ''}`}
                x={left}
                y={HEIGHT - height}
                width={Math.max(1, Math.min(width, x(time)) - left - 1)}
                height={height}
                rx={1}
              />
            );
          })}
          {losses && <LossMarks losses={losses} x={x} height={HEIGHT} />}
          <line className="netobserv-axis" x1={0} x2={width} y1={HEIGHT + 0.5} y2={HEIGHT + 0.5} />
          {ticks.map(tick => (
            <g key={tick.time}>
              <line
                className="netobserv-axis"
                x1={x(tick.time)}
                x2={x(tick.time)}
                y1={HEIGHT}
                y2={HEIGHT + TICK_LENGTH}
              />
              <text className="netobserv-tick" x={x(tick.time)} y={HEIGHT + 14} textAnchor="middle">
                {tick.label}
              </text>
            </g>
          ))}
          {brush && brush.from !== brush.to && (
            <rect
              className="netobserv-brush"
              x={x(Math.min(brush.from, brush.to))}
              width={Math.abs(x(brush.to) - x(brush.from))}
              height={HEIGHT}
            />
          )}
        </svg>
      )}
      {hover !== undefined && !isUnknown && (
        <div
          className="netobserv-strip-tip"
          // At the left edge it grows to the right, at the right edge to the left: it never leaves the strip.
          style={{ left: x(hover), transform: `translateX(${(-100 * x(hover)) / Math.max(1, width)}%)` }}
        >
          {label((hoveredBar?.[0] ?? hover) * 1000)} ·{' '}
          {t('{{count}} flows', { count: hoveredBar?.[1] ?? 0, shown: formatCount(hoveredBar?.[1] ?? 0) })}
          {missing && missing.lost.length > 0 && <div>{lossText(missing.lost)}</div>}
          {missing && missing.silent.length > 0 && (
            <div>{t('{{components}} not accounted for', { components: missing.silent.join(', ') })}</div>
          )}
        </div>
      )}
      {isUnknown && <div className="netobserv-strip-unknown">{t('Flows over time could not be loaded')}</div>}
      {losses && hover === undefined && <LossCaption losses={losses} />}
    </div>
  );
};

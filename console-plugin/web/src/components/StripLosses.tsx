//! What is missing, on the strip: hatched where nobody counted, dotted where records were lost, and in words how much
//! was lost and who never answered.
//! Who: `Strip`. **Invariant:** time without a count is never drawn as zero, and no mark stands without its words.
import { ExclamationTriangleIcon } from '@patternfly/react-icons';
import { useId } from 'react';
import type { Loss, Losses } from '../api/types';
import { useText } from '../hooks/use-text';
import { formatCount } from '../model/format';
import { type Amount, missingOf } from '../model/losses';

interface MarksProps {
  losses: Losses;
  /** From seconds to pixels. */
  x: (seconds: number) => number;
  height: number;
}

/** Pixels that a mark takes at least, so that a short one is seen in a long range, and found by the pointer. */
export const MARK_WIDTH_MIN = 2;
/** Pixels of the solid line below the dots: they alone would not show on a narrow mark. */
const FOOT = 3;

export const LossMarks = ({ losses, x, height }: MarksProps) => {
  const [hatch, dots] = [useId(), useId()];
  const place = ({ from, to }: { from: number; to: number }) => ({
    x: x(from / 1000),
    width: Math.max(MARK_WIDTH_MIN, x(to / 1000) - x(from / 1000))
  });
  // Causes and components that lost in the same time are one mark.
  const lost = new Map(losses.intervals.map(each => [`${each.from} ${each.to}`, place(each)]));
  return (
    <>
      <defs>
        <pattern id={hatch} width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)">
          <line className="netobserv-hatch" x1="0" y1="0" x2="0" y2="6" />
        </pattern>
        <pattern id={dots} width="7" height="7" patternUnits="userSpaceOnUse">
          <rect className="netobserv-lost-ground" width="7" height="7" />
          <circle className="netobserv-lost" cx="3.5" cy="3.5" r="1.8" />
        </pattern>
      </defs>
      {losses.unaccounted.map(gap => (
        <rect
          key={`${gap.component}${gap.from}`}
          className="netobserv-mark-unaccounted"
          {...place(gap)}
          height={height}
          fill={`url(#${hatch})`}
        />
      ))}
      {[...lost].map(([key, at]) => (
        <g key={key} className="netobserv-mark-lost">
          <rect {...at} height={height} fill={`url(#${dots})`} />
          <rect {...at} className="netobserv-lost" y={height - FOOT} height={FOOT} />
        </g>
      ))}
    </>
  );
};

const CAUSES_SHOWN = 2;

/** How much of what, in words. */
export const useAmountText = () => {
  const t = useText();
  return ({ amount, unit }: Amount): string => {
    const number = { count: amount, shown: formatCount(amount) };
    const texts = {
      records: () => t('{{count}} flows', number),
      packets: () => t('{{count}} packets', number),
      pushes: () => t('{{count}} batches of flows', number)
    };
    return texts[unit]();
  };
};

/** Losses in words, the largest first. */
export const useLossText = () => {
  const t = useText();
  const amountText = useAmountText();
  return (losses: Loss[]): string => {
    const more = losses.length - CAUSES_SHOWN;
    return [
      ...losses
        .slice(0, CAUSES_SHOWN)
        .map(loss => t('{{component}} lost {{amount}} ({{cause}})', { ...loss, amount: amountText(loss) })),
      ...(more > 0 ? [t('and {{more}} more', { more })] : [])
    ].join(', ');
  };
};

/** The same in words, for the corner of the strip. */
export const LossCaption = ({ losses }: { losses: Losses }) => {
  const t = useText();
  const lossText = useLossText();
  const { lost, causes, neverSeen } = missingOf(losses);
  const parts = [
    ...(lost.length ? [lossText(causes)] : []),
    ...(neverSeen.length ? [t('{{components}} not running', { components: neverSeen.join(', ') })] : [])
  ];
  return parts.length ? (
    <div className="netobserv-strip-losses netobserv-warning netobserv-ellipsis" title={parts.join('\n')}>
      <ExclamationTriangleIcon aria-hidden /> {parts.join(' · ')}
    </div>
  ) : null;
};

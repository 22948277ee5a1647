//! The line at the bottom: how much is shown, and how complete it is. Who: the frame.
//! **Invariant:** says what is missing (limit, sampling, losses, times nobody can account for) and never hides it.
import { Button, Popover } from '@patternfly/react-core';
import { ExclamationTriangleIcon } from '@patternfly/react-icons';
import type { Losses } from '../api/types';
import { useFacts } from '../hooks/use-facts';
import { usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { formatMs, formatSeconds, formatTimeWithZone, formatWithin } from '../model/format';
import { gapsOf, isNothingMissing, missingOf, type Gap } from '../model/losses';
import { sentence } from '../model/sentence';
import { secondsOf } from '../model/time';
import { useAmountText } from './StripLosses';

export interface SummaryItem {
  text: string;
  title?: string;
  isWarning?: boolean;
  /** What a click on it does, such as showing what it counts. */
  act?: () => void;
}

/** What a beginning within the range means for the figures. */
export const BEGAN_HINT = sentence('Nothing was recorded before that: figures and charts are of the time since then.');

interface Props {
  items: SummaryItem[];
  loadedAt?: number;
  tookMs?: number;
}

export const Summary = ({ items, loadedAt, tookMs }: Props) => {
  const t = useText();
  const { losses, isLossUnknown, newestAgeMs, beganAt, refusal } = useFacts();
  const { config } = usePage();
  const isRefusing = refusal !== undefined;
  return (
    <footer className="netobserv-summary" aria-label={t('Summary')}>
      {items.map(({ text, title, isWarning, act }) =>
        act ? (
          <Button key={text} variant="link" isInline title={title} onClick={act}>
            {text}
          </Button>
        ) : (
          <span key={text} title={title} className={isWarning ? 'netobserv-warning' : undefined}>
            {isWarning && <ExclamationTriangleIcon aria-hidden />} {text}
          </span>
        )
      )}
      {newestAgeMs !== undefined && (
        <span title={t('Age of the newest flow that fits the filters, when the back end answered')}>
          {t('newest flow {{duration}} ago', { duration: formatSeconds(newestAgeMs / 1000) })}
        </span>
      )}
      {beganAt !== undefined && (
        <span title={t(BEGAN_HINT)} data-test="began-at">
          {t('Data begins at {{time}}', { time: beganAt })}
        </span>
      )}
      {config.sampling > 1 && (
        <span className="netobserv-warning">
          {t('Sampled 1 in {{sampling}} packets, not scaled up', { sampling: config.sampling })}
        </span>
      )}
      {isRefusing && (
        <span className="netobserv-warning">
          <ExclamationTriangleIcon aria-hidden /> {t('New flows are not stored')}
        </span>
      )}
      {losses && <LossText losses={losses} isRefusing={isRefusing} />}
      {!losses && isLossUnknown && (
        <span className="netobserv-warning">
          <ExclamationTriangleIcon aria-hidden /> {t('Losses not known')}
        </span>
      )}
      <span className="netobserv-spacer" />
      {loadedAt !== undefined && (
        <span title={t('The back end answered in {{duration}}', { duration: formatMs(Math.round(tookMs ?? 0)) })}>
          {t('Updated {{time}}', { time: formatTimeWithZone(loadedAt) })} · {formatMs(Math.round(tookMs ?? 0))}
        </span>
      )}
    </footer>
  );
};

interface LossProps {
  losses: Losses;
  /** Flows are refused now: who sends them tries again, and what it gives up is counted later. */
  isRefusing: boolean;
}

/** Lines of each kind: what more there is, the strip shows. */
const LINES_MAX = 8;

const More = ({ of }: { of: number }) => {
  const t = useText();
  return of > LINES_MAX ? <li>{t('and {{more}} more', { more: of - LINES_MAX })}</li> : null;
};

const LossText = ({ losses, isRefusing }: LossProps) => {
  const t = useText();
  const { state } = usePage();
  const amountText = useAmountText();
  const missing = missingOf(losses);
  if (isNothingMissing(missing) && missing.starting.length) {
    return <span>{t('{{components}} starting', { components: missing.starting.join(', ') })}</span>;
  }
  if (isNothingMissing(missing)) {
    return losses.components.length && !isRefusing ? <span>{t('Nothing lost')}</span> : null;
  }
  const { lost, causes, neverSeen, gapSeconds } = missing;
  const gaps = gapsOf(losses);
  const timeOf = ({ from, to }: Gap) =>
    [...new Set([from, to].map(each => formatWithin(each, secondsOf(state.range))))].join(' – ');
  const parts = [
    ...(lost.length ? [t('{{amount}} lost', { amount: lost.map(amountText).join(', ') })] : []),
    ...(gapSeconds ? [t('{{duration}} not accounted for', { duration: formatSeconds(gapSeconds) })] : []),
    ...(neverSeen.length ? [t('{{components}} not running', { components: neverSeen.join(', ') })] : [])
  ];
  return (
    <Popover
      headerContent={t('What is missing')}
      bodyContent={
        <ul className="netobserv-plain-list netobserv-what-is-missing" tabIndex={0} aria-label={t('What is missing')}>
          {causes.slice(0, LINES_MAX).map(loss => (
            <li key={loss.component + loss.cause}>
              {loss.component}: {t('{{amount}} lost', { amount: amountText(loss) })} ({loss.cause})
            </li>
          ))}
          <More of={causes.length} />
          {gaps.slice(0, LINES_MAX).map(gap => (
            <li key={gap.from}>
              {t('{{time}}: {{components}} did not answer or restarted; what passed then is not known.', {
                components: gap.components.join(', '),
                time: timeOf(gap)
              })}
            </li>
          ))}
          <More of={gaps.length} />
          {neverSeen.map(component => (
            <li key={component}>
              {t('{{component}} has never answered: it is not running, or its metrics cannot be reached.', {
                component
              })}
            </li>
          ))}
        </ul>
      }
    >
      <Button variant="link" isInline className="netobserv-warning" icon={<ExclamationTriangleIcon />}>
        {parts.join(' · ')}
      </Button>
    </Popover>
  );
};

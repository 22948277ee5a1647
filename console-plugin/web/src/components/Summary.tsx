//! The line at the bottom: how much is shown, and how complete it is. Who: the frame.
//! **Invariant:** says what is missing (limit, sampling, losses, times nobody can account for) and never hides it.
import { Button, Popover } from '@patternfly/react-core';
import { ExclamationTriangleIcon } from '@patternfly/react-icons';
import type { Losses } from '../api/types';
import { usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { formatCount, formatMs, formatSeconds, formatTimeOfDay } from '../model/format';

export interface SummaryItem {
  text: string;
  title?: string;
  isWarning?: boolean;
}

interface Props {
  items: SummaryItem[];
  losses?: Losses;
  loadedAt?: number;
  tookMs?: number;
}

export const Summary = ({ items, losses, loadedAt, tookMs }: Props) => {
  const t = useText();
  const { config } = usePage();
  return (
    <footer className="netobserv-summary" aria-label={t('Summary')}>
      {items.map(({ text, title, isWarning }) => (
        <span key={text} title={title} className={isWarning ? 'netobserv-warning' : undefined}>
          {isWarning && <ExclamationTriangleIcon aria-hidden />} {text}
        </span>
      ))}
      {config.sampling > 1 && (
        <span className="netobserv-warning">{t('Sampled 1 in {{sampling}}', { sampling: config.sampling })}</span>
      )}
      {losses && <LossText losses={losses} />}
      <span className="netobserv-spacer" />
      {loadedAt !== undefined && (
        <span title={t('The back end answered in {{duration}}', { duration: formatMs(Math.round(tookMs ?? 0)) })}>
          {t('Updated {{time}}', { time: formatTimeOfDay(loadedAt) })} · {formatMs(Math.round(tookMs ?? 0))}
        </span>
      )}
    </footer>
  );
};

const LossText = ({ losses }: { losses: Losses }) => {
  const t = useText();
  const lost = losses.losses.reduce((sum, loss) => sum + loss.records, 0);
  const gapSeconds = losses.unaccounted.reduce((sum, gap) => sum + (gap.to - gap.from) / 1000, 0);
  if (lost === 0 && gapSeconds === 0) {
    return losses.components.length ? <span>{t('Nothing lost')}</span> : null;
  }
  const parts = [
    ...(lost ? [t('{{amount}} lost', { amount: formatCount(lost) })] : []),
    ...(gapSeconds ? [t('{{duration}} not accounted for', { duration: formatSeconds(gapSeconds) })] : [])
  ];
  return (
    <Popover
      headerContent={t('What is missing')}
      bodyContent={
        <ul className="netobserv-plain-list">
          {losses.losses
            .filter(loss => loss.records > 0)
            .map(loss => (
              <li key={loss.component + loss.cause}>
                {loss.component}: {t('{{amount}} lost', { amount: formatCount(loss.records) })} ({loss.cause})
              </li>
            ))}
          {losses.unaccounted.map(gap => (
            <li key={`${gap.component}${gap.from}`}>
              {t(
                '{{component}} did not answer or was restarted between {{from}} and {{to}}; what passed then is not known.',
                {
                  component: gap.component,
                  from: formatTimeOfDay(gap.from),
                  to: formatTimeOfDay(gap.to)
                }
              )}
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

//! What stands where data would: nothing found, an error with its next step, a skeleton while loading.
//! Who: the three views. **Invariant:** each of them says what to do next.
import {
  Button,
  EmptyState,
  EmptyStateActions,
  EmptyStateBody,
  EmptyStateFooter,
  Skeleton
} from '@patternfly/react-core';
import { ExclamationCircleIcon, SearchIcon } from '@patternfly/react-icons';
import { getStatus } from '../api/flows';
import { useEvery } from '../hooks/use-every';
import { useFacts } from '../hooks/use-facts';
import { usePage } from '../hooks/use-page';
import { useQuery } from '../hooks/use-query';
import { forgetSettings } from '../hooks/use-settings';
import { useText } from '../hooks/use-text';
import { hintFor } from '../model/hints';
import { RANGE_PRESETS_SECONDS, secondsOf, YOUNG_SECONDS } from '../model/time';
import { formatBytes, formatPreset, formatTimeOfDay } from '../model/format';
import { CHOICE_DEFAULTS } from '../model/url-state';
import { useChoices } from './ChoiceChips';

/** How often is looked for the first flows: who has just started everything should not wait for the next refresh. */
export const WAITING_MS = 2000;

export const NothingFound = () => {
  const t = useText();
  const { newestAgeMs, isNewestAwaited } = useFacts();
  // There are flows, but too young for numbers: of a moment some may still be on their way.
  const isArriving = newestAgeMs !== undefined && newestAgeMs <= YOUNG_SECONDS * 1000;
  const { state, tick, isLive, change, refresh } = usePage();
  const hasChoices = useChoices().length > 0;
  const hasFilters = hasChoices || state.filters.some(filter => !filter.off);
  const isWaiting = isLive && (isArriving || !hasFilters);
  useEvery(isWaiting ? WAITING_MS : undefined, refresh);
  const longer = RANGE_PRESETS_SECONDS.find(seconds => seconds > secondsOf(state.range) * 2);
  const status = useQuery('status', tick, signal => getStatus(signal));
  if (isNewestAwaited) {
    return <LoadingRows />;
  }
  const loki = status.data?.loki;
  const sourceTrouble =
    loki && loki.isEnabled && !loki.isReady ? loki.error || t('The flow store is not ready.') : undefined;
  return (
    <EmptyState
      headingLevel="h2"
      icon={SearchIcon}
      titleText={isArriving ? t('The first flows are arriving') : t('No flows found')}
      data-test="no-results-found"
    >
      <EmptyStateBody>
        {sourceTrouble ??
          (isArriving
            ? t('Numbers follow within {{duration}}, when all flows of a moment are there.', {
                duration: formatPreset(YOUNG_SECONDS)
              })
            : hasFilters
              ? t('Nothing in this time range matches the filters.')
              : t(
                  'Nothing was recorded in this time range. Flows appear a few seconds after the agent sees packets.'
                ))}{' '}
        {isWaiting && t('The page looks again every {{duration}}.', { duration: formatPreset(WAITING_MS / 1000) })}
      </EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          {isArriving && state.view !== 'table' && (
            <Button onClick={() => change({ view: 'table' })}>{t('Look at the flows')}</Button>
          )}
          {hasFilters && !isArriving && (
            <Button onClick={() => change({ filters: [], match: 'all', ...CHOICE_DEFAULTS })}>
              {t('Clear all filters')}
            </Button>
          )}
          {longer !== undefined && !isArriving && (
            <Button
              variant={hasFilters ? 'secondary' : 'primary'}
              onClick={() => change({ range: { kind: 'relative', seconds: longer } })}
            >
              {t('Look at the last {{duration}}', { duration: formatPreset(longer) })}
            </Button>
          )}
          <Button variant="link" onClick={refresh}>
            {t('Refresh now')}
          </Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
  );
};

interface FailureProps {
  title: string;
  error: Error;
  hint: string;
  action: string;
  onAction: () => void;
  /** Other ways out. */
  children?: React.ReactNode;
}

const Failure = ({ title, error, hint, action, onAction, children }: FailureProps) => (
  <EmptyState headingLevel="h2" status="danger" icon={ExclamationCircleIcon} titleText={title} data-test="error-state">
    <EmptyStateBody>
      <p className="netobserv-error-text">{error.message}</p>
      <p>{hint}</p>
    </EmptyStateBody>
    <EmptyStateFooter>
      <EmptyStateActions>
        <Button onClick={onAction}>{action}</Button>
        {children}
      </EmptyStateActions>
    </EmptyStateFooter>
  </EmptyState>
);

export const ErrorView = ({ error }: { error: Error }) => {
  const t = useText();
  const { refresh } = usePage();
  return (
    <Failure
      title={t('This could not be loaded')}
      error={error}
      hint={t(hintFor(error.message))}
      action={t('Try again')}
      onAction={refresh}
    />
  );
};

/** A part of the page itself that did not come or broke: only loading the page anew brings it back. */
export const CrashView = ({ error }: { error: Error }) => {
  const t = useText();
  return (
    <Failure
      title={t('This view could not be drawn')}
      error={error}
      hint={t('The address keeps filters, time and view; nothing is lost by loading the page anew.')}
      action={t('Load the page anew')}
      onAction={() => location.reload()}
    >
      <Button
        variant="link"
        onClick={() => {
          forgetSettings();
          location.assign(location.pathname);
        }}
      >
        {t('Start anew, without my settings, filters and times')}
      </Button>
    </Failure>
  );
};

/** Above data that could not be refreshed: what is seen is true, but of `loadedAt`. */
export const RefreshFailed = ({ error, loadedAt }: { error: Error; loadedAt?: number }) => {
  const t = useText();
  const { refresh } = usePage();
  return (
    <div className="netobserv-refresh-failed" role="alert" data-test="refresh-failed">
      <ExclamationCircleIcon aria-hidden />
      <span>
        {t('Not refreshed since {{time}}: {{error}}', {
          time: formatTimeOfDay(loadedAt ?? 0),
          error: error.message
        })}
      </span>
      <Button variant="link" isInline onClick={refresh}>
        {t('Try again')}
      </Button>
    </div>
  );
};

/** Below the strip of flows, which would look like an end of all traffic: what comes now is not stored. */
export const NotStored = () => {
  const t = useText();
  const { refusal } = useFacts();
  if (refusal === undefined) {
    return null;
  }
  const { kind, reason, room } = refusal;
  const isDiskFull = kind === 'disk_full';
  return (
    <div className="netobserv-refresh-failed" role="alert" data-test="not-stored" title={reason}>
      <ExclamationCircleIcon aria-hidden />
      <span>
        {isDiskFull &&
          !room &&
          t(
            'New flows are not stored: their disk is full. Delete other files there, or give the flows more room; those that are stored can still be read.'
          )}
        {isDiskFull &&
          room &&
          t(
            'New flows are not stored: their disk is full, {{free}} are free and {{needed}} are needed. Delete other files there, or give the flows more room; those that are stored can still be read.',
            { free: formatBytes(room.free), needed: formatBytes(room.needed) }
          )}
        {!isDiskFull && t('New flows are not stored: {{reason}}', { reason })}
      </span>
    </div>
  );
};

const SKELETON_ROWS = 14;

export const LoadingRows = () => {
  const t = useText();
  return (
    <div className="netobserv-loading" data-test="loading-contents">
      {Array.from({ length: SKELETON_ROWS }, (_, row) => (
        <Skeleton
          key={row}
          height="1.6rem"
          width={`${96 - ((row * 7) % 30)}%`}
          screenreaderText={row ? '' : t('Loading')}
        />
      ))}
    </div>
  );
};

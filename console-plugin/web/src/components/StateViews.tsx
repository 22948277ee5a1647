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
import { usePage } from '../hooks/use-page';
import { useQuery } from '../hooks/use-query';
import { useText } from '../hooks/use-text';
import { hintFor } from '../model/hints';
import { RANGE_PRESETS_SECONDS, secondsOf } from '../model/time';
import { formatPreset, formatTimeOfDay } from '../model/format';

export const NothingFound = () => {
  const t = useText();
  const { state, change, refresh } = usePage();
  const hasFilters = state.filters.some(filter => !filter.off);
  const longer = RANGE_PRESETS_SECONDS.find(seconds => seconds > secondsOf(state.range) * 2);
  const status = useQuery('status', 0, signal => getStatus(signal));
  const loki = status.data?.loki;
  const sourceTrouble =
    loki && loki.isEnabled && !loki.isReady ? loki.error || t('The flow store is not ready.') : undefined;
  return (
    <EmptyState headingLevel="h2" icon={SearchIcon} titleText={t('No flows found')} data-test="no-results-found">
      <EmptyStateBody>
        {sourceTrouble ??
          (hasFilters
            ? t('Nothing in this time range matches the filters.')
            : t('Nothing was recorded in this time range. Flows appear a few seconds after the agent sees packets.'))}
      </EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          {hasFilters && (
            <Button onClick={() => change({ filters: [], match: 'all' })}>{t('Clear all filters')}</Button>
          )}
          {longer !== undefined && (
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

export const ErrorView = ({ error }: { error: Error }) => {
  const t = useText();
  const { refresh } = usePage();
  return (
    <EmptyState
      headingLevel="h2"
      status="danger"
      icon={ExclamationCircleIcon}
      titleText={t('This could not be loaded')}
      data-test="error-state"
    >
      <EmptyStateBody>
        <p className="netobserv-error-text">{error.message}</p>
        <p>{t(hintFor(error.message))}</p>
      </EmptyStateBody>
      <EmptyStateFooter>
        <EmptyStateActions>
          <Button onClick={refresh}>{t('Try again')}</Button>
        </EmptyStateActions>
      </EmptyStateFooter>
    </EmptyState>
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

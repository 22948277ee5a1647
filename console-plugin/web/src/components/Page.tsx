//! The frame around every view: title, time, filters, the strip, the tabs and the summary.
//! Who: the stand-alone page and, later, the console's plugin.
//! **Invariant:** knows nothing of where it is shown; what a host adds (theme switch, masthead) comes in `actions`.
import { Button, EmptyState, Tab, Tabs, TabTitleText, Title } from '@patternfly/react-core';
import { lazy, Suspense, useMemo, useState } from 'react';
import { getConfig, getMetrics } from '../api/flows';
import { ActivityProvider } from '../hooks/use-activity';
import { CopyProvider } from '../hooks/use-copy';
import { FactsProvider } from '../hooks/use-facts';
import { PageProvider, usePage } from '../hooks/use-page';
import { useQuery } from '../hooks/use-query';
import { useText } from '../hooks/use-text';
import { pointsOf, spanOf, stripStepSeconds } from '../model/time';
import type { ViewId } from '../model/url-state';
import { Boundary } from './Boundary';
import { CopyNotice } from './CopyNotice';
import { FilterBar } from './FilterBar';
import { RangeControl } from './RangeControl';
import { RefreshControl } from './RefreshControl';
import { Shortcuts } from './Shortcuts';
import { SlotsContext, type Slots } from './Slots';
import { CrashView, LoadingRows, NotStored } from './StateViews';
import { Strip } from './Strip';
import { UnusableLink } from './Unusable';

const VIEW_PAGES = {
  overview: lazy(() => import('../pages/overview/OverviewPage')),
  table: lazy(() => import('../pages/flows/FlowsPage')),
  topology: lazy(() => import('../pages/topology/TopologyPage'))
};

interface Props {
  actions?: React.ReactNode;
}

export const Page = ({ actions }: Props) => {
  const t = useText();
  const [attempt, setAttempt] = useState(0);
  const config = useQuery('config', attempt, signal => getConfig(signal));
  if (config.data) {
    return (
      <PageProvider config={config.data}>
        <FactsProvider>
          <CopyProvider>
            <Frame actions={actions} />
          </CopyProvider>
        </FactsProvider>
      </PageProvider>
    );
  }
  if (config.error && !config.isLoading) {
    return (
      <main className="netobserv-page">
        <EmptyState headingLevel="h1" status="danger" titleText={t('The back end did not answer')}>
          <p className="netobserv-error-text">{config.error.message}</p>
          <p>{t('Check that plugin-backend is running, then try again.')}</p>
          <Button onClick={() => setAttempt(attempt + 1)}>{t('Try again')}</Button>
        </EmptyState>
      </main>
    );
  }
  return (
    <main className="netobserv-page">
      <LoadingRows />
    </main>
  );
};

const Frame = ({ actions }: Props) => {
  const t = useText();
  const { state, change } = usePage();
  const [options, setOptions] = useState<HTMLElement | null>(null);
  const [summary, setSummary] = useState<HTMLElement | null>(null);
  const slots = useMemo((): Slots => ({ options, summary }), [options, summary]);
  const View = VIEW_PAGES[state.view];
  const tabs: [ViewId, string][] = [
    ['overview', t('Overview')],
    ['table', t('Traffic flows')],
    ['topology', t('Topology')]
  ];
  return (
    <main className="netobserv-page">
      <header className="netobserv-header">
        <Title headingLevel="h1" size="xl">
          {t('Network traffic')}
        </Title>
        <span className="netobserv-spacer" />
        <RangeControl />
        <RefreshControl />
        {actions}
      </header>
      <FilterBar />
      <UnusableLink />
      <FlowStrip />
      <NotStored />
      <div className="netobserv-tabs">
        <Tabs
          activeKey={state.view}
          onSelect={(_event, view) => change({ view: view as ViewId })}
          aria-label={t('Views')}
          role="region"
        >
          {tabs.map(([view, name]) => (
            <Tab
              key={view}
              eventKey={view}
              className={`${view}TabButton`}
              title={<TabTitleText>{name}</TabTitleText>}
              tabContentId="netobserv-view"
            />
          ))}
        </Tabs>
        <div className="netobserv-options" ref={setOptions} />
      </div>
      <SlotsContext.Provider value={slots}>
        <section
          className="netobserv-view"
          id="netobserv-view"
          role="tabpanel"
          aria-label={tabs.find(([view]) => view === state.view)![1]}
        >
          <Boundary key={state.view} instead={error => <CrashView error={error} />}>
            <ActivityProvider>
              <Suspense fallback={<LoadingRows />}>
                <View />
              </Suspense>
            </ActivityProvider>
          </Boundary>
        </section>
      </SlotsContext.Provider>
      <div ref={setSummary} />
      <Shortcuts />
      <CopyNotice />
    </main>
  );
};

const FlowStrip = () => {
  const { state, query, tick, now } = usePage();
  const step = stripStepSeconds(state.range);
  const key = JSON.stringify([query, step]);
  const answer = useQuery(key, tick, async signal => {
    const span = spanOf(state.range, now());
    const { start, end } = pointsOf(state.range, step, span.end);
    const range = { startTime: start, endTime: end };
    const answer = await getMetrics(
      { ...query, range, type: 'Flows', aggregateBy: 'app', function: 'count', step, rateInterval: step },
      signal
    );
    return { answer, span };
  });
  const counts = useMemo(() => {
    const sums = new Map<number, number>();
    answer.data?.answer.result.forEach(series =>
      series.values.forEach(([time, value]) => sums.set(time, (sums.get(time) ?? 0) + Number(value)))
    );
    return sums;
  }, [answer.data]);
  const [fallback] = useState(() => spanOf(state.range, Math.floor(Date.now() / 1000)));
  return (
    <Strip
      span={answer.data?.span ?? fallback}
      step={step}
      counts={counts}
      isStale={answer.isStale}
      isUnknown={!answer.data && answer.error !== undefined}
    />
  );
};

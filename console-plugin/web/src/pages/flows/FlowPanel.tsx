//! Everything known of one flow, grouped, with what each field means and what can be done with it. Who: `FlowsPage`.
//! **Invariant:** every field of the flow is shown, also those no column is configured for.
import { Button, Popover, Tab, Tabs, TabTitleText } from '@patternfly/react-core';
import { BanIcon, CopyIcon, FilterIcon } from '@patternfly/react-icons';
import { useState } from 'react';
import { SidePanel } from '../../components/SidePanel';
import { useCopy } from '../../hooks/use-copy';
import { usePage } from '../../hooks/use-page';
import { useText } from '../../hooks/use-text';
import { fieldOf, fullName } from '../../model/columns';
import { conversationFilters, fieldFilters, pairFilters } from '../../model/flow-filters';
import { nameOfField } from '../../model/field-names';
import { number, problemOf, text, type Flow } from '../../model/flow';
import { formatDateTime, sentenceCase } from '../../model/format';
import { protocolName } from '../../model/reference';
import { plainValue } from './cells';

interface Props {
  flow: Flow;
  onClose: () => void;
}

const GROUPS: [string, RegExp][] = [
  ['Source', /^Src|^XlatSrc/],
  ['Destination', /^Dst|^XlatDst/],
  ['Time', /^Time(Flow(Start|End)|Received)/],
  ['DNS', /^Dns/],
  ['Drops', /^PktDrop/],
  ['TLS and IPsec', /^TLS|^Tls|^IPSec/],
  ['Transport', /^(Proto|Flags|Dscp|Icmp|Bytes|Packets|TimeFlowRtt|Etype|Sampling|_HashId|_RecordType)/]
];
const OTHER = 'Interfaces and more';
const ORDER = ['Source', 'Destination', 'Transport', 'Time', 'DNS', 'Drops', 'TLS and IPsec', OTHER];
const AROUND_MS = 30_000;
// Not of the record: ours, and a label that is the same for all.
const INTERNAL = new Set(['_id', '_shownInterfaces', 'app']);
// Rounded for reading, exact for comparing.
const EXACT_TOO = new Set(['Bytes', 'PktDropBytes']);

export const FlowPanel = ({ flow, onClose }: Props) => {
  const t = useText();
  const copy = useCopy();
  const { config, fields, ports, change, filterOn } = usePage();
  const [tab, setTab] = useState<string | number>('details');
  const names = Object.keys(flow).filter(name => !INTERNAL.has(name) && text(flow, name) !== '');
  const groupOf = (name: string) => GROUPS.find(([, pattern]) => pattern.test(name))?.[0] ?? OTHER;
  const groups = ORDER.map(group => ({ group, names: names.filter(name => groupOf(name) === group).sort() })).filter(
    each => each.names.length
  );
  const columnOf = (name: string) => config.columns.find(column => fieldOf(column) === name && !column.calculated);
  const labelOf = (name: string, group: string) => {
    const column = columnOf(name);
    return column
      ? column.group === group
        ? sentenceCase(column.name)
        : fullName(column)
      : sentenceCase(
          nameOfField(name)
            ?.map(part => t(part))
            .join(' ') ?? name
        );
  };
  const valueOf = (name: string) => {
    // A field without a column is written as if it had one: its name decides how.
    const column = columnOf(name) ?? { id: name, name, field: name, width: 0 };
    const value = plainValue(column, flow, config.columns, ports);
    return EXACT_TOO.has(name) ? `${value} (${(number(flow, name) ?? 0).toLocaleString('en-US')})` : value;
  };
  const ends = `${text(flow, 'SrcAddr')} → ${text(flow, 'DstAddr')}`;
  const problem = problemOf(flow);
  const raw = JSON.stringify(Object.fromEntries(names.sort().map(name => [name, flow[name]])), null, 2);
  const endMs = number(flow, 'TimeFlowEndMs') ?? 0;
  return (
    <SidePanel
      title={ends}
      subtitle={`${protocolName(number(flow, 'Proto') ?? 0)} · ${formatDateTime(endMs)}`}
      onClose={onClose}
    >
      {problem && <p className="netobserv-danger">{t(problem)}</p>}
      <div className="netobserv-actions">
        <Button
          size="sm"
          variant="secondary"
          onClick={() => change({ filters: conversationFilters(config, fields, flow), match: 'bidirectional' })}
        >
          {t('Same conversation')}
        </Button>
        <Button
          size="sm"
          variant="secondary"
          onClick={() => change({ filters: pairFilters(config, fields, flow), match: 'bidirectional' })}
        >
          {t('Same pair')}
        </Button>
        <Button
          size="sm"
          variant="secondary"
          onClick={() =>
            change({
              range: {
                kind: 'absolute',
                start: Math.floor((endMs - AROUND_MS) / 1000),
                end: Math.ceil((endMs + AROUND_MS) / 1000)
              }
            })
          }
        >
          {t('Around this time')}
        </Button>
      </div>
      <Tabs activeKey={tab} onSelect={(_event, key) => setTab(key)} aria-label={t('Details')}>
        <Tab eventKey="details" title={<TabTitleText>{t('Details')}</TabTitleText>}>
          {groups.map(({ group, names }) => (
            <section key={group} className="netobserv-field-group">
              <h3>{t(group)}</h3>
              <dl>
                {names.map(name => (
                  <div key={name} className="netobserv-field" data-test={`drawer-field-${columnOf(name)?.id ?? name}`}>
                    <dt>
                      <FieldName name={name} label={labelOf(name, group)} />
                    </dt>
                    <dd>
                      <span className="netobserv-field-value">{valueOf(name)}</span>
                      <FieldActions
                        name={labelOf(name, group)}
                        value={text(flow, name)}
                        canFilter={fields.filterOf(name) !== undefined}
                        onFilter={isExcluded =>
                          fieldFilters(config, fields, flow, name, isExcluded).forEach(filter => filterOn(filter))
                        }
                      />
                    </dd>
                  </div>
                ))}
              </dl>
            </section>
          ))}
        </Tab>
        <Tab eventKey="raw" title={<TabTitleText>{t('Raw')}</TabTitleText>}>
          <pre className="netobserv-raw">{raw}</pre>
          <Button size="sm" variant="secondary" icon={<CopyIcon />} onClick={() => copy(raw)}>
            {t('Copy')}
          </Button>
        </Tab>
      </Tabs>
    </SidePanel>
  );
};

/** The name of a field, and on demand what the field means. */
const FieldName = ({ name, label }: { name: string; label: string }) => {
  const { config } = usePage();
  const description = config.fields.find(field => field.name === name)?.description;
  return description ? (
    <Popover headerContent={name} bodyContent={description} position="left">
      <button type="button" className="netobserv-field-name" title={description}>
        {label}
      </button>
    </Popover>
  ) : (
    <span title={name}>{label}</span>
  );
};

interface ActionProps {
  name: string;
  value: string;
  canFilter: boolean;
  onFilter: (isExcluded: boolean) => void;
}

const FieldActions = ({ name, value, canFilter, onFilter }: ActionProps) => {
  const t = useText();
  const copy = useCopy();
  return (
    <span className="netobserv-field-actions">
      {canFilter && (
        <>
          <Button
            size="sm"
            variant="plain"
            icon={<FilterIcon />}
            title={t('Filter on this')}
            aria-label={t('Filter on {{field}}', { field: name })}
            onClick={() => onFilter(false)}
          />
          <Button
            size="sm"
            variant="plain"
            icon={<BanIcon />}
            title={t('Exclude this')}
            aria-label={t('Exclude {{field}}', { field: name })}
            onClick={() => onFilter(true)}
          />
        </>
      )}
      <Button
        size="sm"
        variant="plain"
        icon={<CopyIcon />}
        title={t('Copy')}
        aria-label={t('Copy {{field}}', { field: name })}
        onClick={() => copy(value)}
      />
    </span>
  );
};

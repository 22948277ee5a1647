//! Everything about filters in one bar: quick filters, the input, how filters join, chips. Who: the frame.
//! **Invariant:** the bar holds no filter of its own; what it shows is the state in the address bar.
import { Button, Dropdown, DropdownItem, DropdownList, MenuToggle } from '@patternfly/react-core';
import { Select, SelectList, SelectOption } from '@patternfly/react-core';
import { EllipsisVIcon, FilterIcon } from '@patternfly/react-icons';
import { useState } from 'react';
import { useCopy } from '../hooks/use-copy';
import { quickFilterValues, usePage } from '../hooks/use-page';
import { useText } from '../hooks/use-text';
import { filterToText } from '../model/filter-text';
import { addFilter, filterKey, replaceFilter, swapFilters, type Filter, type Match } from '../model/filters';
import { CHOICE_DEFAULTS } from '../model/url-state';
import { ChoiceChips, useChoices } from './ChoiceChips';
import { FilterChip } from './FilterChip';
import { FILTER_INPUT_ID, FilterInput } from './FilterInput';
import { PickMenu } from './PickMenu';

export const FilterBar = () => {
  const t = useText();
  const { state, change, knowsFilter } = usePage();
  const [text, setText] = useState('');
  const { filters } = state;
  const choices = useChoices();
  /** The filter whose text stands in the input: what is typed there takes its place. */
  const [edited, setEdited] = useState<string>();
  const edit = (filter: Filter) => {
    setEdited(filterKey(filter));
    setText(filterToText(filter));
    document.getElementById(FILTER_INPUT_ID)?.focus();
  };
  return (
    <div className="netobserv-filters">
      <div className="netobserv-filters-row">
        <QuickFilters />
        <FilterInput
          text={text}
          onText={next => {
            setText(next);
            // Whoever empties the input has given up editing.
            if (!next) {
              setEdited(undefined);
            }
          }}
          onFilters={added => {
            setEdited(undefined);
            change({
              filters: added.reduce(
                addFilter,
                filters.filter(each => filterKey(each) !== edited)
              )
            });
          }}
        />
        <PickMenu<Match>
          name={t('Match')}
          value={state.match}
          options={[
            { value: 'all', label: t('Match all'), description: t('Flows that fit every filter') },
            { value: 'any', label: t('Match any'), description: t('Flows that fit at least one filter') },
            {
              value: 'bidirectional',
              label: t('Both directions'),
              description: t('Also the way back: source and destination exchanged')
            }
          ]}
          onPick={match => change({ match })}
        />
        <MoreActions />
      </div>
      {filters.length + choices.length > 0 && (
        <div className="netobserv-chips" role="group" aria-label={t('Active filters')}>
          {filters.map(filter => (
            <FilterChip
              key={filterKey(filter) + (filter.off ? ' off' : '')}
              filter={filter}
              onEdit={() => edit(filter)}
              onChange={next =>
                change({
                  filters: next ? replaceFilter(filters, filter, next) : filters.filter(each => each !== filter)
                })
              }
            />
          ))}
          <ChoiceChips />
          {filters.some(filter => /^(src|dst)_/.test(filter.id)) && (
            <Button variant="link" isInline onClick={() => change({ filters: swapFilters(filters, knowsFilter) })}>
              {t('Swap source and destination')}
            </Button>
          )}
          <Button
            variant="link"
            isInline
            id="clear-all-filters-button"
            onClick={() => change({ filters: [], match: 'all', ...CHOICE_DEFAULTS })}
          >
            {t('Clear all filters')}
          </Button>
        </div>
      )}
    </div>
  );
};

const QuickFilters = () => {
  const t = useText();
  const { config, state, change, knowsFilter } = usePage();
  const [isOpen, setIsOpen] = useState(false);
  const quick = config.quickFilters
    .map(({ name, filter }) => ({ name, filters: quickFilterValues(filter) }))
    .filter(({ filters }) => filters.every(filter => knowsFilter(filter.id)));
  if (!quick.length) {
    return null;
  }
  const isPresent = (wanted: Filter) =>
    state.filters.some(
      filter =>
        !filter.off &&
        filterKey(filter) === filterKey(wanted) &&
        wanted.values.every(value => filter.values.includes(value))
    );
  const checked = quick.filter(({ filters }) => filters.every(isPresent)).map(({ name }) => name);
  const toggle = (name: string) => {
    const { filters } = quick.find(each => each.name === name)!;
    if (!checked.includes(name)) {
      change({ filters: filters.reduce(addFilter, state.filters) });
      return;
    }
    const remaining = state.filters.flatMap(filter => {
      const removed = filters.find(each => filterKey(each) === filterKey(filter));
      const values = removed ? filter.values.filter(value => !removed.values.includes(value)) : filter.values;
      return values.length ? [{ ...filter, values }] : [];
    });
    change({ filters: remaining });
  };
  return (
    <Select
      role="menu"
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={(_event, name) => toggle(name as string)}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          id="quick-filters-toggle"
          icon={<FilterIcon />}
          isExpanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        >
          {t('Quick filters')}
        </MenuToggle>
      )}
    >
      <SelectList>
        {quick.map(({ name }) => (
          <SelectOption key={name} value={name} hasCheckbox isSelected={checked.includes(name)}>
            {t(name)}
          </SelectOption>
        ))}
      </SelectList>
    </Select>
  );
};

const MoreActions = () => {
  const t = useText();
  const { state, change, config, knowsFilter } = usePage();
  const [isOpen, setIsOpen] = useState(false);
  const copy = useCopy();
  const copyLink = (isFrozen: boolean) => {
    const url = new URL(location.href);
    if (isFrozen && state.range.kind === 'relative') {
      const end = Math.floor(Date.now() / 1000);
      url.searchParams.delete('timeRange');
      url.searchParams.set('startTime', String(end - state.range.seconds));
      url.searchParams.set('endTime', String(end));
    }
    copy(url.toString());
  };
  const defaults = config.quickFilters
    .filter(quick => quick.default)
    .flatMap(quick => quickFilterValues(quick.filter))
    .filter(filter => knowsFilter(filter.id));
  return (
    <Dropdown
      isOpen={isOpen}
      onOpenChange={setIsOpen}
      onSelect={() => setIsOpen(false)}
      popperProps={{ position: 'end' }}
      toggle={ref => (
        <MenuToggle
          ref={ref}
          variant="plain"
          icon={<EllipsisVIcon />}
          aria-label={t('More actions')}
          isExpanded={isOpen}
          onClick={() => setIsOpen(!isOpen)}
        />
      )}
    >
      <DropdownList>
        <DropdownItem key="link" onClick={() => copyLink(false)}>
          {t('Copy link')}
        </DropdownItem>
        <DropdownItem key="frozen" description={t('Others see exactly these minutes')} onClick={() => copyLink(true)}>
          {t('Copy link with fixed times')}
        </DropdownItem>
        {defaults.length > 0 && (
          <DropdownItem
            key="defaults"
            onClick={() => change({ filters: defaults.reduce(addFilter, []), match: 'all' })}
          >
            {t('Reset to default filters')}
          </DropdownItem>
        )}
      </DropdownList>
    </Dropdown>
  );
};
